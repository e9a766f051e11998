//! The report of one night on one course, before it is put into words: tonight's
//! facts, what earlier reports said, and the kind of the report.

use jiff::civil::Date;

use crate::domain::report::earlier::EarlierReports;
use crate::domain::report::facts::CourseFacts;

/// All that a report is made from. It is stored as `stored` says.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseReport {
    pub facts: CourseFacts,
    pub earlier: EarlierReports,
    pub kind: ReportKind,
}

/// Which kind of report it is. It decides what is repeated; a plain report, the
/// default, says only what is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportKind {
    /// The report of the week: it repeats links that have been dead for long.
    pub is_weekly: bool,
    /// The first report since a term came near that begins on this day: it
    /// repeats every link that fails or is dead.
    pub before_term: Option<Date>,
}
