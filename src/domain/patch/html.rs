//! Finds addresses in HTML: the byte range of every link's `href` in the source.

use std::ops::Range;

use scraper::{ElementRef, Html};

use super::FoundAddress;
use super::address_syntax::AddressSyntax;
use crate::domain::page;

pub(super) fn addresses(text: &str, within: Range<usize>) -> Vec<FoundAddress> {
    let source = &text[within.clone()];
    let starts = page::starts_of_links(source);
    starts.into_iter().filter_map(|at| href(text, within.start + at, within.end)).collect()
}

/// The `href` of the start tag at a position (WHATWG HTML section 13.2.5.32 and on).
fn href(text: &str, start: usize, end: usize) -> Option<FoundAddress> {
    let bytes = &text.as_bytes()[..end];
    let is_space = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_whitespace);
    let mut at = start + 1;
    while bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
        at += 1;
    }
    loop {
        while is_space(at) || bytes.get(at) == Some(&b'/') {
            at += 1;
        }
        if matches!(bytes.get(at), None | Some(b'>')) {
            return None;
        }
        let name = at;
        at += 1;
        while !is_space(at) && !matches!(bytes.get(at), None | Some(b'/' | b'>' | b'=')) {
            at += 1;
        }
        let is_href = bytes[name..at].eq_ignore_ascii_case(b"href");
        let mut value = at;
        while is_space(value) {
            value += 1;
        }
        if bytes.get(value) != Some(&b'=') {
            if is_href {
                return None;
            }
            continue;
        }
        value += 1;
        while is_space(value) {
            value += 1;
        }
        let quote = bytes.get(value).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let range = match quote {
            Some(quote) => {
                let length = bytes[value + 1..].iter().position(|byte| *byte == quote)?;
                at = value + 1 + length + 1;
                value + 1..value + 1 + length
            }
            None => {
                at = value;
                while !is_space(at) && !matches!(bytes.get(at), None | Some(b'>')) {
                    at += 1;
                }
                value..at
            }
        };
        if is_href {
            let range = trimmed(text, range);
            let value = decoded(&text[range.clone()]);
            return Some(FoundAddress {
                range,
                value,
                syntax: AddressSyntax::Attribute(quote.map(char::from)),
            });
        }
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let raw = &text[range.clone()];
    let start = range.start + (raw.len() - raw.trim_start().len());
    start..start + raw.trim().len()
}

/// An attribute's value with its character references resolved.
pub(super) fn decoded(raw: &str) -> String {
    if !raw.contains('&') {
        return raw.to_owned();
    }
    let tag = format!("<a href=\"{}\">", raw.replace('"', "&quot;"));
    let fragment = Html::parse_fragment(&tag);
    let mut elements = fragment.tree.root().descendants().filter_map(ElementRef::wrap);
    elements
        .find_map(|element| element.value().attr("href").map(str::to_owned))
        .unwrap_or_else(|| raw.to_owned())
}
