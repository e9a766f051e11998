//! The report on a terminal: wider than the email, with the title and the traffic.

use crate::domain::report::CourseFacts;
use crate::domain::report::compose::ComposedReport;
use crate::domain::report::text::{TextLayout, body};
use crate::domain::report::wording::{patch, sections};

/// The width of a terminal.
pub const COLUMNS: usize = 80;

/// What `onreserve check` prints for a course.
pub fn render(course: &CourseFacts, composed: &ComposedReport) -> String {
    let mut page = TextLayout::new(COLUMNS);
    page.paragraph(&composed.title);
    page.blank();
    body(&mut page, composed);
    if let Some(sentence) = patch::at_hand(course) {
        page.paragraph(&sentence);
    }
    page.paragraph(&sections::traffic(course));
    page.text
}
