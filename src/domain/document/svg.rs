//! SVG: the words in a drawing.

use super::xml::{self, Xml, XmlEvent};
use super::{Document, DocumentContext, Format, html, title};

/// Whether the first element is a drawing, after the XML declaration, comments and document
/// type. A web page may begin with a drawing, but its document type is another.
pub(super) fn is_svg(head: &str) -> bool {
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    loop {
        let behind = if rest.starts_with("<?xml") {
            rest.split_once("?>")
        } else if rest.starts_with("<!--") {
            rest.split_once("-->")
        } else {
            break;
        };
        rest = behind.map_or("", |(_, behind)| behind.trim_start());
    }
    let start = rest.get(.."<!doctype svg".len()).unwrap_or(rest).to_ascii_lowercase();
    start == "<!doctype svg" || start.starts_with("<svg")
}

/// A drawing whose markup is broken is an image without words.
pub(super) fn read(bytes: &[u8], context: &DocumentContext) -> Document {
    let source = match std::str::from_utf8(bytes) {
        Ok(_) => xml::decode(bytes),
        Err(_) => html::decode(bytes, context.content_type.as_deref()),
    };
    let mut document = Document::bare(Format::Image);
    let mut named: Option<String> = None;
    let (mut depth, mut line) = (0_usize, String::new());
    let mut reader = Xml::new(&source);
    while let Ok(Some(event)) = reader.next() {
        match event {
            XmlEvent::Open(tag) if tag.name == "text" || tag.name == "title" || tag.name == "desc" => {
                depth += 1
            }
            XmlEvent::Open(_) => {}
            XmlEvent::Text(text) if depth > 0 => line.push_str(&text),
            XmlEvent::Text(_) => {}
            XmlEvent::Close(name) if name == "text" || name == "title" || name == "desc" => {
                depth = depth.saturating_sub(1);
                let words = std::mem::take(&mut line).split_whitespace().collect::<Vec<_>>().join(" ");
                if name == "title" && named.is_none() {
                    named = title::own(&words);
                }
                if !words.is_empty() {
                    document.text.push_str(&words);
                    document.text.push('\n');
                }
            }
            XmlEvent::Close(_) => {}
        }
    }
    Document { title: named, ..document }
}
