//! Limits the attributes of a tag: the parser compares each name with all before it.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

/// A tag has at most so many attributes; the others are passed over.
const ATTRIBUTES_AT_MOST: usize = 256;

/// The source with spaces in the place of surplus attributes, so that positions stay.
pub(super) fn bounded(source: &str) -> Cow<'_, str> {
    let mut surplus: Vec<Range<usize>> = Vec::new();
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(offset) = memchr(b'<', &bytes[at..]) {
        at += offset + 1;
        if bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            let mut tag = TagScan { bytes, at };
            surplus.extend(tag.surplus());
            at = tag.at;
        }
    }
    if surplus.is_empty() {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len());
    for range in surplus {
        text.push_str(&source[text.len()..range.start]);
        text.extend(std::iter::repeat_n(' ', range.len()));
    }
    text.push_str(&source[text.len()..]);
    Cow::Owned(text)
}

/// A start tag that is being read (WHATWG HTML section 13.2.5).
struct TagScan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl TagScan<'_> {
    /// Moves to the end of the tag; returns the attributes beyond the limit.
    fn surplus(&mut self) -> Option<Range<usize>> {
        self.skip(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>'));
        let mut count = 0;
        let mut start = None;
        loop {
            self.skip(|byte| byte.is_ascii_whitespace() || byte == b'/');
            if self.bytes.get(self.at).is_none_or(|byte| *byte == b'>') {
                return start.map(|start| start..self.at);
            }
            count += 1;
            if count > ATTRIBUTES_AT_MOST {
                start.get_or_insert(self.at);
            }
            self.attribute();
        }
    }

    fn attribute(&mut self) {
        // A name may begin with `=`.
        self.at += 1;
        self.skip(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>' | b'='));
        self.skip(|byte| byte.is_ascii_whitespace());
        if self.bytes.get(self.at) != Some(&b'=') {
            return;
        }
        self.at += 1;
        self.skip(|byte| byte.is_ascii_whitespace());
        match self.bytes.get(self.at) {
            Some(quote @ (b'"' | b'\'')) => {
                let value = &self.bytes[self.at + 1..];
                self.at += 1 + memchr(*quote, value).map_or(value.len(), |end| end + 1);
            }
            _ => self.skip(|byte| !byte.is_ascii_whitespace() && byte != b'>'),
        }
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| !is_skipped(*byte)).unwrap_or(rest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surplus_attributes_are_blanked_and_positions_stay() {
        let few = "<a href='x>y' title=\"<b>\" hidden =z/>1 < 2 <p";
        assert_eq!(bounded(few), few);
        let many = " é='>'".repeat(1000);
        let source = format!("<p>ä</p><a href=1{many}>One</a><i x>");
        let text = bounded(&source);
        assert_eq!(text.len(), source.len());
        assert!(text.starts_with("<p>ä</p><a href=1 é='>'") && text.ends_with(">One</a><i x>"));
        assert_eq!(text.matches('é').count(), ATTRIBUTES_AT_MOST - 1);
    }
}
