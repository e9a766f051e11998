//! A section of a report: links under one heading.

use crate::domain::address::LinkId;
use crate::domain::report::entry::ReportEntry;
use crate::domain::report::placement::SectionHeading;

/// The most entries that a report lists in detail. People do not read longer
/// emails, and mail programs cut an email off at about 100 KB.
pub const MAX_ENTRIES: usize = 40;

/// The most links of a section that wait for a person and are listed by name.
pub const MAX_WAITING: usize = 20;

/// A link that an earlier report listed and that still waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingLink {
    pub name: String,
    pub link: LinkId,
    /// The address of its action page, if such pages are served.
    pub action: Option<String>,
}

/// Links under one heading. A section without entries is a single line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSection {
    pub heading: SectionHeading,
    pub name: &'static str,
    /// The number of links and page defects in the section.
    pub count: usize,
    pub entries: Vec<ReportEntry>,
    /// Links of this section that exceed [`MAX_ENTRIES`].
    pub unlisted: usize,
    /// A sentence on the links without an entry.
    pub note: Option<String>,
    /// Those of them that wait for a person, by name; and how many more wait.
    pub waiting: Vec<WaitingLink>,
    pub more_waiting: usize,
}
