//! The words for the patch of a page's sources.

use crate::domain::report::CourseFacts;
use crate::domain::report::figures::count;

/// The attached patch, or how to print a patch that is too long for an email.
pub fn attached(course: &CourseFacts) -> Option<String> {
    let places = patched_places(course)?;
    Some(match course.patch.as_ref().and_then(|patch| patch.diff.as_ref()) {
        Some(_) => format!(
            "The attached patch puts new addresses in {} of the sources; apply it with \"git apply\".",
            count(places, "place")
        ),
        None => {
            format!("The patch is too long for an email; \"onreserve patch {}\" prints it.", course.course)
        }
    })
}

/// The same for the terminal.
pub fn at_hand(course: &CourseFacts) -> Option<String> {
    let places = count(patched_places(course)?, "place");
    Some(format!("\"onreserve patch {}\" puts new addresses in {places} of the sources.", course.course))
}

/// How many places in the sources the patch changes; `None` if it changes none.
fn patched_places(course: &CourseFacts) -> Option<usize> {
    let spots = course.patch.as_ref()?.spots.iter();
    Some(spots.map(|(_, spots)| spots.len()).sum()).filter(|places| *places > 0)
}
