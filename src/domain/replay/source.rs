//! Prepares the source of a page for the rewriter: without `noscript`.

use std::borrow::Cow;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noscript_content_is_shown() {
        assert_eq!(without_noscript("a<NOSCRIPT><p>b</p></noscript>c"), "a<p>b</p>c");
        assert_eq!(without_noscript("a<noscript>b"), "ab");
        let lazy = r#"<img data-src="/a.png"><noscript><img src="/a.png"></noscript>"#;
        assert_eq!(without_noscript(lazy), r#"<img data-src="/a.png">"#);
    }
}
