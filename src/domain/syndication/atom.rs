//! Atom (RFC 4287): the links of a course whose state changed for its readers.

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// A change of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// The same in every version of the feed, and unique.
    pub id: String,
    pub at: Timestamp,
    pub title: String,
    pub summary: String,
    pub address: String,
}

/// The feed of a course.
#[derive(Clone, Debug)]
pub struct Feed<'a> {
    pub title: &'a str,
    /// The address of the list.
    pub page: &'a str,
    /// The address of the feed itself, without its token.
    pub own_address: &'a str,
    /// The end of the last night.
    pub updated: Timestamp,
    /// The newest first.
    pub entries: &'a [FeedEntry],
}

impl Feed<'_> {
    /// The file.
    #[expect(clippy::expect_used, reason = "the messages say why these cannot fail")]
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new(Vec::new());
        self.write(&mut xml).expect("memory takes every byte");
        String::from_utf8(xml.into_inner()).expect("it is written from strings")
    }

    fn write(&self, xml: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        let feed = xml.create_element("feed").with_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
        feed.write_inner_content(|xml| {
            text(xml, "id", self.own_address)?;
            text(xml, "title", &format!("Changes of the readings of {}", self.title))?;
            text(xml, "updated", &time(self.updated))?;
            link(xml, "self", self.own_address)?;
            link(xml, "alternate", self.page)?;
            xml.create_element("author").write_inner_content(|xml| text(xml, "name", "Onreserve"))?;
            for entry in self.entries {
                xml.create_element("entry").write_inner_content(|xml| {
                    text(xml, "id", &entry.id)?;
                    text(xml, "title", &entry.title)?;
                    text(xml, "updated", &time(entry.at))?;
                    link(xml, "alternate", &entry.address)?;
                    text(xml, "summary", &entry.summary)
                })?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn text(xml: &mut Writer<Vec<u8>>, name: &str, content: &str) -> std::io::Result<()> {
    let content: String = content.chars().filter(|c| is_of_xml(*c)).collect();
    xml.create_element(name).write_text_content(BytesText::new(&content)).map(drop)
}

fn link(xml: &mut Writer<Vec<u8>>, rel: &str, address: &str) -> std::io::Result<()> {
    xml.create_element("link").with_attributes([("rel", rel), ("href", address)]).write_empty().map(drop)
}

/// The characters of XML 1.0 (section 2.2).
fn is_of_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// RFC 3339, in seconds.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(title: &str) -> String {
        let entries = [FeedEntry {
            id: "https://a.example/go/1#20260914".to_owned(),
            at: "2026-09-14T02:31:00Z".parse().unwrap(),
            title: title.to_owned(),
            summary: "The original is gone.".to_owned(),
            address: "https://a.example/go/1?a=1&b=2".to_owned(),
        }];
        let feed = Feed {
            title: "Deep Models",
            page: "https://a.example/c/dgm/",
            own_address: "https://a.example/c/dgm/changes.atom",
            updated: "2026-09-15T02:31:00Z".parse().unwrap(),
            entries: &entries,
        };
        feed.to_xml()
    }

    #[test]
    fn a_feed_has_what_the_standard_requires() {
        insta::assert_snapshot!(feed("Scores & <noise>").replace("><", ">\n<"));
    }

    proptest! {
        #[test]
        fn every_title_is_well_formed(title in "(\\PC|[\u{0}-\u{1f}]){0,60}") {
            let xml = feed(&title);
            prop_assert!(roxmltree::Document::parse(&xml).is_ok(), "{}", xml);
        }
    }
}
