//! The digest on a terminal: the letter, wider, with a head and what the night cost.

use crate::domain::report::Night;
use crate::domain::report::digest::Digest;
use crate::domain::report::text::{Page, body};
use crate::domain::report::wording::{letter, patch};

/// Columns of a terminal.
pub const COLUMNS: usize = 80;

/// What `onreserve check` prints for a course.
pub fn render(night: &Night, digest: &Digest) -> String {
    let mut page = Page::new(COLUMNS);
    page.paragraph(&digest.title);
    page.blank();
    body(&mut page, digest);
    if let Some(told) = patch::at_hand(night) {
        page.paragraph(&told);
    }
    page.paragraph(&letter::traffic(night));
    page.text
}
