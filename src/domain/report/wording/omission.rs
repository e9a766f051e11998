//! The words for parts of a page that are not read.

use super::file_of;
use crate::domain::page::Omission;
use crate::domain::report::PageOmission;
use crate::domain::report::figures::list;

/// The most lines that are listed; the rest is a number.
const LINES_LISTED: usize = 10;

/// A part of the page that is not read: a title, what is missing, and what to do.
pub fn omission(found: &PageOmission) -> (String, String, &'static str) {
    let title = match found.page.as_deref().and_then(file_of) {
        Some(file) => format!("Links of {file} may be missing"),
        None => "Links of the course page may be missing".to_owned(),
    };
    let (text, to_do) = match &found.omission {
        Omission::Template { lines } => {
            let numbers: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let noun = if lines.len() == 1 { "line" } else { "lines" };
            (
                format!(
                    "the page is a template: on {noun} {} it has placeholders that the site's generator fills, so the links there are not checked.",
                    list(&numbers, LINES_LISTED)
                ),
                "give the address of the published page, or the page that the generator built.",
            )
        }
        Omission::MadeByScript => (
            "a script makes links when the page is opened in a browser; these links are not checked."
                .to_owned(),
            "put these links into the page itself, or give a page that has them.",
        ),
        Omission::NotData => (
            "the content of the file does not have the format of its name, so its links are not read."
                .to_owned(),
            "correct the file, or give another one.",
        ),
        Omission::TooManyLinks { read, found } => (
            format!("the page has {found} links, and only the first {read} are checked."),
            "divide the page, or give only the pages with the readings.",
        ),
        Omission::Framed => (
            "the page only shows other pages in frames; the links within them are not checked.".to_owned(),
            "give the address of the frame that has the readings.",
        ),
    };
    (title, text, to_do)
}
