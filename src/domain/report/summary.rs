//! The report on a terminal: wider than the email, with the title and the traffic.

use crate::domain::report::CourseFacts;
use crate::domain::report::colour::Colours;
use crate::domain::report::compose::ComposedReport;
use crate::domain::report::text::{TextLayout, body};
use crate::domain::report::wording::{patch, sections};

/// What `onreserve check` prints for a course.
pub fn render(course: &CourseFacts, composed: &ComposedReport, colours: Colours) -> String {
    let mut page = TextLayout::terminal(colours);
    page.title(&composed.title);
    page.blank();
    body(&mut page, composed);
    if let Some(sentence) = patch::at_hand(course) {
        page.paragraph(&sentence);
    }
    page.paragraph(&sections::traffic(course));
    page.text
}
