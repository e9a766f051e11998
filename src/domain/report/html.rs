//! A report as one HTML file: the second part of an email, or a file to keep.
//!
//! It has no remote parts, no scripts and no colours, because mail programs
//! replace colours.

use askama::Template;

use crate::domain::report::compose::ComposedReport;
use crate::domain::report::entry::ShownAddress;
use crate::domain::report::text::words;
use crate::domain::report::wording::sections;

/// Large mail services cut an email off at about 102 KB.
pub const LONGEST_BYTES: usize = 100_000;

#[derive(Template)]
#[template(path = "report.html", config = "src/domain/report/askama.toml")]
struct ReportPage<'a> {
    composed: &'a ComposedReport,
    /// The number of the first entry of each section.
    starts: Vec<usize>,
}

impl ReportPage<'_> {
    /// Keeps a number and its unit on one line.
    #[expect(clippy::unused_self, reason = "a template calls methods")]
    fn glued(&self, text: &str) -> String {
        words(text).iter().map(|word| word.replace(' ', "\u{a0}")).collect::<Vec<_>>().join(" ")
    }

    fn opening(&self) -> String {
        self.glued(&self.composed.opening.join(" "))
    }

    fn closing(&self) -> String {
        self.glued(&self.composed.closing.join(" "))
    }
}

/// The report as HTML, shorter than [`LONGEST_BYTES`]. Entries that do not fit become a number.
pub fn page(composed: &ComposedReport) -> Result<String, askama::Error> {
    let mut shorter;
    let mut composed = composed;
    loop {
        let html = ReportPage { composed, starts: starts(composed) }.render()?;
        let entries = composed.entry_count();
        if html.len() < LONGEST_BYTES || entries == 0 {
            return Ok(html);
        }
        shorter = composed.clone();
        shorter.keep_entries(entries * 3 / 4);
        composed = &shorter;
    }
}

fn starts(composed: &ComposedReport) -> Vec<usize> {
    let mut next = 1;
    let number = |entries: usize| {
        let first = next;
        next += entries;
        first
    };
    composed.sections.iter().map(|section| section.entries.len()).map(number).collect()
}
