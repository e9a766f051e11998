//! The tokens of plain HTML, which most of a page is: text with the usual character references,
//! and tags in lower case with their values in quotation marks. They are those of the tokenizer
//! (WHATWG HTML section 13.2.5), which reads everything else and takes several times as long.

use std::ops::Range;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tag, TagKind, Token};
use html5ever::{Attribute, LocalName, QualName, local_name, ns};
use memchr::{memchr, memchr2, memchr3};

/// A tag with more attributes is not plain.
const ATTRIBUTES_AT_MOST: usize = 16;
/// After these tags the tokenizer reads differently.
const OF_RAW_TEXT: &[&str] = &[
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "style",
    "textarea",
    "title",
    "xmp",
];

/// The token at a place between two tokens, and its end; `None` if it is not plain.
pub(super) fn plain(source: &StrTendril, at: usize) -> Option<(Token, usize)> {
    let rest = &source.as_bytes()[at..];
    if rest.first() == Some(&b'<') {
        let mut scan = TagScan { source, at: at + 1 };
        return scan.tag().map(|tag| (Token::TagToken(tag), scan.at));
    }
    let range = at..memchr(b'<', rest).map_or(source.len(), |end| at + end);
    literal(source, range.clone()).map(|text| (Token::CharacterTokens(text), range.end))
}

/// The text that a part of the source means; `None` if only the tokenizer knows.
fn literal(source: &StrTendril, range: Range<usize>) -> Option<StrTendril> {
    let text = &source.as_bytes()[range.clone()];
    match memchr3(b'&', b'\r', b'\0', text) {
        None => Some(part(source, range)),
        Some(_) if memchr2(b'\r', b'\0', text).is_some() => None,
        Some(_) => unescaped(&source[range]),
    }
}

/// The text with the usual character references replaced; `None` if it has others.
fn unescaped(text: &str) -> Option<StrTendril> {
    const REFERENCES: [(&str, char); 5] =
        [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#x27;", '\'')];
    let mut meant = StrTendril::with_capacity(u32::try_from(text.len()).ok()?);
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        meant.push_slice(&rest[..at]);
        rest = &rest[at..];
        let known = REFERENCES.iter().find(|(written, _)| rest.starts_with(written));
        let is_sign = rest.as_bytes().get(1).is_some_and(u8::is_ascii_whitespace);
        let (length, c) = match known {
            Some((written, c)) => (written.len(), *c),
            None if is_sign => (1, '&'),
            None => return None,
        };
        meant.push_char(c);
        rest = &rest[length..];
    }
    meant.push_slice(rest);
    Some(meant)
}

/// A part of a text that shares its memory, except in texts of several gigabytes.
pub(super) fn part(whole: &StrTendril, range: Range<usize>) -> StrTendril {
    match (u32::try_from(range.start), u32::try_from(range.len())) {
        (Ok(start), Ok(length)) => whole.subtendril(start, length),
        _ => StrTendril::from_slice(&whole[range]),
    }
}

/// The shared text of a name. The most frequent are found without a search.
fn local_name(name: &str) -> LocalName {
    match name {
        "a" => local_name!("a"),
        "href" => local_name!("href"),
        "li" => local_name!("li"),
        "p" => local_name!("p"),
        "td" => local_name!("td"),
        "tr" => local_name!("tr"),
        _ => LocalName::from(name),
    }
}

/// A tag that is being read.
struct TagScan<'a> {
    source: &'a StrTendril,
    at: usize,
}

impl<'a> TagScan<'a> {
    /// Moves behind the tag.
    fn tag(&mut self) -> Option<Tag> {
        let kind = if self.skip(b'/') { TagKind::EndTag } else { TagKind::StartTag };
        let name = self.name().filter(|name| !OF_RAW_TEXT.contains(name)).map(local_name)?;
        let mut tag =
            Tag { kind, name, self_closing: false, attrs: Vec::new(), had_duplicate_attributes: false };
        if kind == TagKind::EndTag {
            return self.skip(b'>').then_some(tag);
        }
        loop {
            let is_apart = self.skip_spaces();
            if self.skip(b'>') {
                return Some(tag);
            }
            if self.skip(b'/') {
                tag.self_closing = true;
                return self.skip(b'>').then_some(tag);
            }
            let attribute = if is_apart { self.attribute()? } else { return None };
            if tag.attrs.len() >= ATTRIBUTES_AT_MOST
                || tag.attrs.iter().any(|other| other.name.local == attribute.name.local)
            {
                return None;
            }
            tag.attrs.reserve_exact(1);
            tag.attrs.push(attribute);
        }
    }

    /// An attribute with its value in quotation marks, or without one.
    fn attribute(&mut self) -> Option<Attribute> {
        let name = QualName::new(None, ns!(), self.name().map(local_name)?);
        if !self.skip(b'=') {
            let before_end = self.skip_spaces();
            let has_value = self.peek() == Some(b'=');
            // The next attribute follows a space.
            self.at -= usize::from(before_end);
            return (!has_value).then(|| Attribute { name, value: StrTendril::new() });
        }
        let quote = self.peek().filter(|byte| matches!(byte, b'"' | b'\''))?;
        let start = self.at + 1;
        let end = start + memchr(quote, &self.source.as_bytes()[start..])?;
        self.at = end + 1;
        literal(self.source, start..end).map(|value| Attribute { name, value })
    }

    /// A name in lower case.
    fn name(&mut self) -> Option<&'a str> {
        let rest = &self.source.as_bytes()[self.at..];
        let is_of_name = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        let length = rest.iter().take_while(|byte| is_of_name(byte)).count();
        let start = self.at;
        self.at += length;
        let begins = rest.first().is_some_and(u8::is_ascii_lowercase);
        begins.then(|| &self.source[start..start + length])
    }

    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// Moves behind spaces; returns whether there are some.
    fn skip_spaces(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\t')) {
            self.at += 1;
        }
        self.at > start
    }
}
