//! The words for the patch of a page's sources.

use crate::domain::report::CourseFacts;
use crate::domain::report::figures::count;

/// What is attached, or how to get what is too long for a mail.
pub fn attached(night: &CourseFacts) -> Option<String> {
    let places = patched_places(night)?;
    Some(match night.patch.as_ref().and_then(|patch| patch.diff.as_ref()) {
        Some(_) => format!(
            "The attached patch puts new addresses in {} of the sources; \"git apply\" takes it.",
            count(places, "place")
        ),
        None => {
            format!("The patch is too long for an email; \"onreserve patch {}\" prints it.", night.course)
        }
    })
}

/// The same for the person at the terminal.
pub fn at_hand(night: &CourseFacts) -> Option<String> {
    let places = count(patched_places(night)?, "place");
    Some(format!("\"onreserve patch {}\" puts new addresses in {places} of the sources.", night.course))
}

/// How many places of the sources a patch changes; `None` without one that does.
fn patched_places(night: &CourseFacts) -> Option<usize> {
    let spots = night.patch.as_ref()?.spots.iter();
    Some(spots.map(|(_, spots)| spots.len()).sum()).filter(|places| *places > 0)
}
