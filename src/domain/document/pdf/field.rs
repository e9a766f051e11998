//! Text in the fields of a form without an appearance stream.

use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, String as PdfString};
use hayro_interpret::hayro_syntax::page::Page;

use super::text_string;

const FIELDS_A_PAGE: usize = 2000;

/// The values of text fields that no appearance stream shows.
pub(super) fn values(page: &Page) -> Vec<String> {
    let Some(annotations) = page.raw().get::<Array<'_>>(b"Annots") else { return Vec::new() };
    annotations.iter::<Dict<'_>>().take(FIELDS_A_PAGE).filter_map(|field| value(&field)).collect()
}

fn value(field: &Dict) -> Option<String> {
    let is_widget = field.get::<Name<'_>>(b"Subtype").is_some_and(|name| name.as_ref() == b"Widget");
    if !is_widget || field.contains_key(b"AP") {
        return None;
    }
    let value = field.get::<PdfString<'_>>(b"V")?;
    let text = text_string::decode(value.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}
