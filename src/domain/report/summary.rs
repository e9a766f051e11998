//! The digest on a terminal: the letter, wider, with a head and what the night cost.

use crate::domain::report::CourseFacts;
use crate::domain::report::compose::ComposedReport;
use crate::domain::report::text::{TextLayout, body};
use crate::domain::report::wording::{patch, whole};

/// Columns of a terminal.
pub const COLUMNS: usize = 80;

/// What `onreserve check` prints for a course.
pub fn render(night: &CourseFacts, digest: &ComposedReport) -> String {
    let mut page = TextLayout::new(COLUMNS);
    page.paragraph(&digest.title);
    page.blank();
    body(&mut page, digest);
    if let Some(told) = patch::at_hand(night) {
        page.paragraph(&told);
    }
    page.paragraph(&whole::traffic(night));
    page.text
}
