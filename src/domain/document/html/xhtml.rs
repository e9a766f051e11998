//! XHTML as HTML: without self-closing tags that only XML allows.

use std::borrow::Cow;

/// Void elements of HTML; all others need an end tag.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Whether a page is XHTML, by its type or its beginning.
fn is_xml(source: &str, content_type: Option<&str>) -> bool {
    let by_type = content_type.is_some_and(|value| value.to_ascii_lowercase().contains("xhtml+xml"));
    by_type || (source.trim_start().starts_with("<?xml") && source.contains("http://www.w3.org/1999/xhtml"))
}

/// The source of a page as a parser of HTML understands it.
pub fn as_html<'a>(source: &'a str, content_type: Option<&str>) -> Cow<'a, str> {
    if is_xml(source, content_type) { Cow::Owned(expand_short_tags(source)) } else { Cow::Borrowed(source) }
}

/// `<script/>` becomes `<script></script>`, as XML means it. HTML would read the rest of
/// the page as a script.
fn expand_short_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = tag_name(&rest[1..]);
        if name.is_empty() {
            out.push('<');
            rest = &rest[1..];
            continue;
        }
        // A tag without an end reaches to the end of the page.
        let Some(end) = tag_end(rest) else { break };
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
        let many = "<a ".repeat(200_000);
        assert_eq!(expand_short_tags(&many), many);
    }

    #[test]
    fn xhtml_is_known_by_type_and_by_beginning() {
        assert!(is_xml("<p>", Some("application/xhtml+xml; charset=utf-8")));
        assert!(is_xml("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", None));
        assert!(!is_xml("<!doctype html><p>", Some("text/html")));
    }
}
