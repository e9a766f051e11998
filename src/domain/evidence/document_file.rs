//! Decides whether the response of a document address is the document: a file, a text
//! named by the address, or only a page or a pointer on the way to it.

use crate::domain::document::{Document, Format};
use crate::domain::evidence::probe::ProbeResult;

/// Whether a document is a file, not a page that leads to one.
pub fn is_file(document: &Document) -> bool {
    !matches!(document.format, Format::Html | Format::Text | Format::Empty)
}

/// Whether a response of a document address is the document: a file, or the text that
/// the address names.
pub(super) fn is_the_document(answer: &ProbeResult, document: &Document) -> bool {
    let is_text_by_name = || {
        let path = answer.exchange.final_address().path();
        let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
        ending.is_some_and(|ending| !matches!(ending, "pdf" | "pptx" | "docx" | "zip"))
    };
    is_file(document) || (document.format == Format::Text && !document.is_pointer() && is_text_by_name())
}
