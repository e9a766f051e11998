//! A section of a report: links under one heading.

use crate::domain::report::entry::ReportEntry;
use crate::domain::report::placement::SectionHeading;

/// A report lists so many entries in detail. A longer e-mail is not read, and
/// mail programs cut it off at about 100 KB.
pub const MAX_ENTRIES: usize = 40;

/// Links under one heading. Without entries it is a single line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSection {
    pub heading: SectionHeading,
    pub name: &'static str,
    /// Links and points the section is about.
    pub count: usize,
    pub entries: Vec<ReportEntry>,
    /// Links of this section that the cap keeps out.
    pub unlisted: usize,
    /// What is known of the links without an entry.
    pub note: Option<String>,
}
