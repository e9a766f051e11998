//! A digest as one HTML file: a letter's second part, or a report to keep.
//!
//! Nothing remote, no script, no colours of its own: mail programs force theirs.

use askama::Template;

use crate::domain::report::compose::ComposedReport;
use crate::domain::report::entry::ShownAddress;
use crate::domain::report::text::words;
use crate::domain::report::wording::whole;

/// Large mail services cut a message off at about 102 KB.
pub const LONGEST_BYTES: usize = 100_000;

#[derive(Template)]
#[template(path = "report.html", config = "src/domain/report/askama.toml")]
struct ReportPage<'a> {
    digest: &'a ComposedReport,
    /// The number of the first entry of each section.
    starts: Vec<usize>,
}

impl ReportPage<'_> {
    /// Keeps a number and what it counts on one line.
    #[expect(clippy::unused_self, reason = "a template calls methods")]
    fn glued(&self, text: &str) -> String {
        words(text).iter().map(|word| word.replace(' ', "\u{a0}")).collect::<Vec<_>>().join(" ")
    }

    fn opening(&self) -> String {
        self.glued(&self.digest.opening.join(" "))
    }

    fn closing(&self) -> String {
        self.glued(&self.digest.closing.join(" "))
    }
}

/// The report as HTML, shorter than [`LONGEST_BYTES`]: entries that do not fit become numbers.
pub fn page(digest: &ComposedReport) -> Result<String, askama::Error> {
    let mut shorter;
    let mut digest = digest;
    loop {
        let html = ReportPage { digest, starts: starts(digest) }.render()?;
        let entries = digest.entry_count();
        if html.len() < LONGEST_BYTES || entries == 0 {
            return Ok(html);
        }
        shorter = digest.clone();
        shorter.keep_entries(entries * 3 / 4);
        digest = &shorter;
    }
}

fn starts(digest: &ComposedReport) -> Vec<usize> {
    let mut next = 1;
    let number = |entries: usize| {
        let first = next;
        next += entries;
        first
    };
    digest.sections.iter().map(|section| section.entries.len()).map(number).collect()
}
