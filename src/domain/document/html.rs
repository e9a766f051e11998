//! Web pages: the text of the work, and the page's metadata.

mod documents;
mod elements;
mod facts;
mod main_text;
pub mod xhtml;

use encoding_rs::{Encoding, UTF_8};
use scraper::Html as Tree;

use self::elements::{PageElements, attribute};
use super::{Citation, Document, DocumentContext, Format};
use crate::domain::address::Address;

/// The part of the source that is searched for signatures.
const SOURCE_BYTES: usize = 64 << 10;
/// The most authors that are kept.
const AUTHORS: usize = 100;

pub(super) fn read(bytes: &[u8], context: &DocumentContext) -> Document {
    let content_type = context.content_type.as_deref();
    let decoded = decode(bytes, content_type);
    let source = xhtml::as_html(&decoded, content_type);
    let tree = Tree::parse_document(&source);
    let page = PageElements::of(&tree);
    let main = main_text::of(&page);
    let base = page
        .with("base", "href")
        .next()
        .and_then(|(_, href)| context.address.join(href).ok())
        .unwrap_or_else(|| context.address.clone());
    let title = page.title().filter(|title| !title.is_empty());
    let first_heading = main.headings.first().cloned();
    Document {
        title: title.or(first_heading).or_else(|| page.meta(&["og:title"])),
        citation: Citation {
            title: page.meta(&["citation_title", "dc.title", "og:title"]),
            doi: page.meta(&["citation_doi", "dc.identifier", "prism.doi"]).filter(|doi| doi.contains("10.")),
            arxiv: page.meta(&["citation_arxiv_id"]),
            authors: authors(&page),
            published: page.meta(&[
                "citation_publication_date",
                "citation_date",
                "citation_online_date",
                "dc.date",
                "article:published_time",
            ]),
            container: page.meta(&[
                "citation_journal_title",
                "citation_conference_title",
                "citation_inbook_title",
            ]),
        },
        html: Some(facts::of(&page, &source, &base)),
        headings: main.headings,
        text: main.text,
        ..Document::bare(Format::Html)
    }
}

/// Whether a source has the length of the stored part, so that its end may be missing.
pub fn is_source_cut(source: &str) -> bool {
    // Characters are not cut, so up to three bytes may be missing.
    source.len() + 4 > SOURCE_BYTES
}

/// All words in the body of a source, with navigation and margins.
pub fn visible_text(source: &str) -> String {
    let tree = Tree::parse_document(source);
    facts::visible_text(&PageElements::of(&tree))
}

/// Whether the markup is complete.
pub(super) fn has_end(source: &str) -> bool {
    facts::has_end(source)
}

/// The target of a `Refresh` header that a browser follows immediately.
pub fn refresh_target(value: &str, base: &Address) -> Option<Address> {
    facts::refresh_target(value, base)
}

/// Decodes bytes by byte order mark, header, `meta`, or guess (WHATWG HTML section 13.2.3).
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    let declared = Encoding::for_bom(bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| content_type.and_then(charset).and_then(|label| Encoding::for_label(label.as_bytes())))
        .or_else(|| {
            let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_lowercase();
            charset(&head).and_then(|label| Encoding::for_label(label.as_bytes()))
        });
    let encoding = declared.unwrap_or_else(|| {
        if std::str::from_utf8(bytes).is_ok() {
            return UTF_8;
        }
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        detector.guess(None, chardetng::Utf8Detection::Allow)
    });
    encoding.decode(bytes).0.into_owned()
}

/// The label after `charset=`, in a header or in a `meta` element.
fn charset(text: &str) -> Option<&str> {
    let lower_at = text.to_ascii_lowercase().find("charset=")?;
    let label = text[lower_at + 8..].trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
    (end > 0).then(|| &label[..end])
}

/// The authors, from the first kind of `meta` element that names any.
fn authors(page: &PageElements) -> Vec<String> {
    ["citation_author", "citation_authors", "dc.creator", "author"]
        .iter()
        .map(|name| {
            let all = page.with("meta", "content").filter(|(element, _)| {
                attribute(element.value(), "name").is_some_and(|given| given.eq_ignore_ascii_case(name))
            });
            // Several names may be in one element.
            let names = all.flat_map(|(_, content)| content.split(';')).map(str::trim);
            names.filter(|name| !name.is_empty()).take(AUTHORS).map(str::to_owned).collect::<Vec<_>>()
        })
        .find(|names| !names.is_empty())
        .unwrap_or_default()
}
