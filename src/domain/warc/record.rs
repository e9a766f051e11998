//! The head of a WARC record.

use std::fmt::{self, Write as _};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::capture::Digest;

/// The profile of a revisit record (WARC 1.1 section 6.7.2).
pub const IDENTICAL_PAYLOAD: &str = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest";

/// The kinds of records (WARC 1.1 section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    Warcinfo,
    /// A response with its head.
    Response,
    /// A body without a head.
    Resource,
    /// A response with the body of an earlier record.
    Revisit,
    Request,
    Metadata,
    /// Another form of a record.
    Conversion,
}

impl RecordKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warcinfo => "warcinfo",
            Self::Response => "response",
            Self::Resource => "resource",
            Self::Revisit => "revisit",
            Self::Request => "request",
            Self::Metadata => "metadata",
            Self::Conversion => "conversion",
        }
    }
}

/// The identifier of a record. It is derived from the contents, so that two exports of one
/// archive have equal records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordId(String);

impl RecordId {
    /// The identifier for these values, which no other record has: a UUID of version 8
    /// (RFC 9562) from their SHA-256.
    pub fn of(parts: &[&str]) -> Self {
        let hex = Digest::of(parts.join("\n").as_bytes()).to_string();
        Self(format!(
            "urn:uuid:{}-{}-8{}-a{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..32]
        ))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// The head of a record.
#[derive(Clone, Debug)]
pub struct RecordHead {
    pub kind: RecordKind,
    pub id: RecordId,
    pub at: Timestamp,
    pub target: Option<Address>,
    pub content_type: String,
    /// Further fields, in order.
    pub fields: Vec<(&'static str, String)>,
}

impl RecordHead {
    /// The head of a record whose block has this length.
    pub fn to_text(&self, block_bytes: u64) -> String {
        let mut head = format!(
            "WARC/1.1\r\nWARC-Type: {}\r\nWARC-Record-ID: {}\r\nWARC-Date: {}\r\n",
            self.kind.as_str(),
            self.id,
            date(self.at)
        );
        // Writing to a string cannot fail.
        if let Some(target) = &self.target {
            let _ = write!(head, "WARC-Target-URI: {target}\r\n");
        }
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {}\r\n", one_line(value));
        }
        let _ = write!(
            head,
            "Content-Type: {}\r\nContent-Length: {block_bytes}\r\n\r\n",
            one_line(&self.content_type)
        );
        head
    }
}

/// A time as WARC writes it, in seconds.
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Named fields, one a line (`application/warc-fields`).
pub fn fields(fields: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}: {}\r\n", one_line(value));
    }
    text
}

/// Text from other websites must not begin a field.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_fields_in_order() {
        let head = RecordHead {
            kind: RecordKind::Resource,
            id: RecordId::of(&["a"]),
            at: "2026-09-14T02:30:05.25Z".parse().unwrap(),
            target: Some(Address::parse("https://a.example/b").unwrap()),
            content_type: "text/plain\r\nWARC-Type: response".to_owned(),
            fields: vec![("WARC-Payload-Digest", "sha1:A".to_owned())],
        };
        insta::assert_snapshot!(head.to_text(3).replace('\r', ""), @r"
        WARC/1.1
        WARC-Type: resource
        WARC-Record-ID: <urn:uuid:ca978112-ca1b-8dca-aac2-31b39a23dc4d>
        WARC-Date: 2026-09-14T02:30:05Z
        WARC-Target-URI: https://a.example/b
        WARC-Payload-Digest: sha1:A
        Content-Type: text/plain  WARC-Type: response
        Content-Length: 3
        ");
    }
}
