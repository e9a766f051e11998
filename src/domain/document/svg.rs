//! SVG: the words in a drawing.

use super::xml::{self, Xml, XmlEvent};
use super::{Document, DocumentContext, Format, html, title};

pub(super) fn is_svg(head: &str) -> bool {
    let start = head.trim_start_matches('\u{feff}').trim_start();
    (start.starts_with('<') && start.contains("<svg"))
        && !start.to_ascii_lowercase().contains("<html")
        && (start.starts_with("<svg") || start.starts_with("<?xml") || start.starts_with("<!"))
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
