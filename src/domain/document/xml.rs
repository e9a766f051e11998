//! XML as office files and books use it: elements by their local names, text with its
//! references resolved, and limits for hostile files.

use encoding_rs::UTF_8;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event as Raw};

/// Office files are not nested more deeply.
const DEEPEST: usize = 2000;

/// The markup is invalid or nested too deeply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the XML is broken")]
pub(in crate::domain) struct Broken;

/// An event of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) enum XmlEvent {
    Open(Tag),
    /// The local name of the element that ends.
    Close(String),
    Text(String),
}

/// The start tag of an element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domain) struct Tag {
    /// Without the prefix of its namespace, as all names here.
    pub(in crate::domain) name: String,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    name: String,
    value: String,
    has_prefix: bool,
}

impl Tag {
    pub(in crate::domain) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|it| it.name == name).map(|it| it.value.as_str())
    }

    /// The attribute with this name in another namespace than the element's own (`r:id`
    /// beside `id`).
    pub(in crate::domain) fn foreign(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|it| it.name == name && it.has_prefix).map(|it| it.value.as_str())
    }
}

/// The text of a file, for [`Xml`] to borrow.
pub(in crate::domain) fn decode(bytes: &[u8]) -> String {
    UTF_8.decode(bytes).0.into_owned()
}

/// Reads a file event by event.
pub(in crate::domain) struct Xml<'x> {
    reader: quick_xml::Reader<&'x [u8]>,
    open: Vec<String>,
}

impl<'x> Xml<'x> {
    pub(in crate::domain) fn new(text: &'x str) -> Self {
        let mut reader = quick_xml::Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        config.allow_dangling_amp = true;
        config.allow_unmatched_ends = true;
        Self { reader, open: Vec::new() }
    }

    /// The next event; `None` at the end.
    pub(in crate::domain) fn next(&mut self) -> Result<Option<XmlEvent>, Broken> {
        loop {
            return Ok(Some(match self.reader.read_event().map_err(|_| Broken)? {
                Raw::Start(start) => {
                    let tag = tag(&start);
                    if self.open.len() == DEEPEST {
                        return Err(Broken);
                    }
                    self.open.push(tag.name.clone());
                    XmlEvent::Open(tag)
                }
                Raw::End(_) => match self.open.pop() {
                    Some(name) => XmlEvent::Close(name),
                    None => continue,
                },
                Raw::Text(text) => XmlEvent::Text(text.xml_content(XmlVersion::Implicit1_0).into_owned()),
                Raw::CData(text) => XmlEvent::Text(text.into_inner().into_owned()),
                Raw::GeneralRef(reference) => XmlEvent::Text(resolved(&reference)),
                Raw::Eof => return Ok(None),
                Raw::Empty(_) | Raw::Comment(_) | Raw::Decl(_) | Raw::PI(_) | Raw::DocType(_) => continue,
            }));
        }
    }

    /// Skips the rest of the element that was opened last.
    pub(in crate::domain) fn skip(&mut self) -> Result<(), Broken> {
        let depth = self.open.len();
        self.pass_until(depth)
    }

    /// Skips the rest of the innermost open element with this name, if there is one.
    pub(in crate::domain) fn leave(&mut self, name: &str) -> Result<(), Broken> {
        match self.open.iter().rposition(|open| open == name) {
            Some(at) => self.pass_until(at + 1),
            None => Ok(()),
        }
    }

    fn pass_until(&mut self, depth: usize) -> Result<(), Broken> {
        while self.open.len() >= depth && self.next()?.is_some() {}
        Ok(())
    }
}

fn tag(start: &BytesStart) -> Tag {
    let attributes = start
        .attributes()
        .with_checks(false)
        .flatten()
        .filter_map(|attribute| {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            Some(Attribute {
                name: attribute.key.local_name().as_ref().to_owned(),
                value: value.into_owned(),
                has_prefix: attribute.key.prefix().is_some(),
            })
        })
        .collect();
    Tag { name: start.local_name().as_ref().to_owned(), attributes }
}

/// A character by number, or one that HTML names.
fn resolved(reference: &BytesRef) -> String {
    let name: &str = reference;
    html_escape::decode_html_entities(&format!("&{name};")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Result<String, Broken> {
        let mut xml = Xml::new(source);
        let mut found = String::new();
        while let Some(event) = xml.next()? {
            match event {
                XmlEvent::Open(tag) if tag.name == "skipped" => xml.skip()?,
                XmlEvent::Open(tag) => found.extend(tag.attribute("alt").map(|alt| format!("[{alt}]"))),
                XmlEvent::Text(text) => found.push_str(&text),
                XmlEvent::Close(_) => {}
            }
        }
        Ok(found)
    }

    #[test]
    fn text_is_read_with_its_references_and_without_what_is_skipped() {
        let source =
            r#"<a:x a:alt="R&amp;D">5 &lt; 6 &#233;&nbsp;<skipped>no<b/></skipped><![CDATA[<]]></a:x>"#;
        assert_eq!(texts(source).as_deref(), Ok("[R&D]5 < 6 \u{e9}\u{a0}<"));
    }

    #[test]
    fn endless_nesting_is_an_error() {
        assert_eq!(texts(&"<a>".repeat(100_000)), Err(Broken));
    }

    /// Entities of a document type are not expanded, so that they cannot multiply.
    #[test]
    fn entities_do_not_multiply() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>"#;
        assert_eq!(texts(bomb).as_deref(), Ok("&b;"));
    }
}
