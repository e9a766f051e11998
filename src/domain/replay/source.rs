//! Prepares the source of a page for the rewriter: without `noscript`, and without
//! self-closing tags that only XML allows.

use std::borrow::Cow;

/// Void elements of HTML; all others need an end tag.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Whether a page is XHTML, by its type or its beginning.
pub fn is_xml(source: &str, content_type: Option<&str>) -> bool {
    let by_type = content_type.is_some_and(|value| value.to_ascii_lowercase().contains("xhtml+xml"));
    by_type || (source.trim_start().starts_with("<?xml") && source.contains("http://www.w3.org/1999/xhtml"))
}

/// `<script/>` becomes `<script></script>`, as XML means it. HTML would read the rest of
/// the page as a script.
pub fn expand_short_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = tag_name(&rest[1..]);
        let Some(end) = tag_end(rest).filter(|_| !name.is_empty()) else {
            out.push('<');
            rest = &rest[1..];
            continue;
        };
        let tag = &rest[..=end];
        match tag.strip_suffix("/>") {
            Some(start) if !VOID.contains(&name.to_ascii_lowercase().as_str()) => {
                out.push_str(start.trim_end());
                out.push_str("></");
                out.push_str(name);
                out.push('>');
            }
            Some(_) | None => out.push_str(tag),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

/// Removes the tags of `noscript`, because copies have no scripts. A picture in it is
/// removed if a script would have put the same picture beside it.
pub fn without_noscript(source: &str) -> Cow<'_, str> {
    let Some(first) = find_tag(source, "<noscript", 0) else { return Cow::Borrowed(source) };
    let mut out = String::with_capacity(source.len());
    let (mut done, mut next) = (0, Some(first));
    while let Some(at) = next {
        out.push_str(&source[done..at]);
        let Some(opened) = source[at..].find('>').map(|end| at + end + 1) else {
            done = at;
            break;
        };
        let closed = find_tag(source, "</noscript", opened).unwrap_or(source.len());
        let inside = &source[opened..closed];
        if !is_second_picture(source, inside) {
            out.push_str(inside);
        }
        done = source[closed..].find('>').map_or(source.len(), |end| closed + end + 1);
        next = find_tag(source, "<noscript", done);
    }
    out.push_str(&source[done..]);
    Cow::Owned(out)
}

/// Whether the content is only a picture that the page also loads lazily.
fn is_second_picture(source: &str, inside: &str) -> bool {
    let trimmed = inside.trim();
    if !trimmed.to_ascii_lowercase().starts_with("<img") || !trimmed.ends_with('>') {
        return false;
    }
    let Some((_, after)) = trimmed.split_once("src=") else { return false };
    let value = after.trim_start_matches(['"', '\'']);
    let end = value.find(['"', '\'', ' ', '>']).unwrap_or(value.len());
    !value[..end].is_empty() && source.matches(&value[..end]).count() > 1
}

/// The next place where a tag begins, in any case.
fn find_tag(source: &str, tag: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += source.get(at..)?.find('<')?;
        let here = source.as_bytes().get(at..at + tag.len());
        if here.is_some_and(|here| here.eq_ignore_ascii_case(tag.as_bytes())) {
            return Some(at);
        }
        at += 1;
    }
}

fn tag_name(text: &str) -> &str {
    let is_first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-:_".contains(c))).unwrap_or(text.len());
    if is_first { &text[..end] } else { "" }
}

/// The end of the tag at the beginning of `text`; a `>` in quotes does not count.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_of_xml_are_closed() {
        let source = r#"<p><script src="a/>b" /><br/>a < b<div class='x'/></p>"#;
        let expanded = r#"<p><script src="a/>b"></script><br/>a < b<div class='x'></div></p>"#;
        assert_eq!(expand_short_tags(source), expanded);
    }

    #[test]
    fn xhtml_is_known_by_type_and_by_beginning() {
        assert!(is_xml("<p>", Some("application/xhtml+xml; charset=utf-8")));
        assert!(is_xml("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", None));
        assert!(!is_xml("<!doctype html><p>", Some("text/html")));
    }

    #[test]
    fn noscript_content_is_shown() {
        assert_eq!(without_noscript("a<NOSCRIPT><p>b</p></noscript>c"), "a<p>b</p>c");
        assert_eq!(without_noscript("a<noscript>b"), "ab");
        let lazy = r#"<img data-src="/a.png"><noscript><img src="/a.png"></noscript>"#;
        assert_eq!(without_noscript(lazy), r#"<img data-src="/a.png">"#);
    }
}
