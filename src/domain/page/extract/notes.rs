//! Footnotes: their links belong to the place where the page refers to the note, not to
//! the end of the page, where the notes stand.

use scraper::ElementRef;

use super::super::text;
use super::Extractor;

/// Names the note at a reference in HTML that was made from another format.
pub(in crate::domain) const REFERENCE: &str = "data-note";

impl Extractor<'_> {
    /// Takes note of a reference to a footnote, or begins a note that the page refers to.
    pub(super) fn note(&mut self, element: ElementRef) {
        if let Some(name) = referred_note(element) {
            let outline = &self.outline;
            self.notes.entry(name.to_owned()).or_insert_with(|| outline.position());
        } else if let Some(position) = element.value().id().and_then(|id| self.notes.get(id)) {
            self.outline.block_of(element.id(), position.clone());
        }
    }
}

/// The id of the note to which an element refers, in the markup of the usual generators
/// (WAI-ARIA `doc-noteref` and the classes that preceded it).
fn referred_note(element: ElementRef<'_>) -> Option<&str> {
    let attribute = |name: &str| text::attribute(element.value(), name);
    if element.value().name() != "a" {
        return attribute(REFERENCE);
    }
    let target = attribute("href")?.strip_prefix('#')?;
    let is_reference = attribute("role") == Some("doc-noteref")
        || attribute("rel") == Some("footnote")
        || attribute("data-footnote-ref").is_some()
        || element.value().classes().any(|class| class.starts_with("footnote-ref"));
    is_reference.then_some(target)
}
