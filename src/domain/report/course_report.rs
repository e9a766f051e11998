//! The report of one night about one course, before it is put into words:
//! tonight's facts, the contents of earlier reports, and the kind of report.

use jiff::civil::Date;

use crate::domain::report::earlier::EarlierReports;
use crate::domain::report::facts::CourseFacts;

/// All data of a report. `stored` defines its JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseReport {
    pub facts: CourseFacts,
    pub earlier: EarlierReports,
    pub kind: ReportKind,
}

/// The kind of report, which decides what is repeated. The default kind lists
/// only news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportKind {
    /// The weekly report, which repeats links that have been dead for some weeks.
    pub is_weekly: bool,
    /// The first report shortly before the term that begins on this day. It
    /// repeats every link that fails or is dead.
    pub before_term: Option<Date>,
}
