//! Copies as files that any web server may hand out, without the headers that
//! keep a stranger's page from running when we serve it ourselves.

use crate::serve::copy::manner::Manner;

/// First in the file, so that it holds for all that follows. It is the policy
/// under which we serve pages, as far as a page may state it for itself.
const POLICY: &str = "<!doctype html><meta charset=\"utf-8\">\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
    style-src 'unsafe-inline'; font-src data:; media-src data:; form-action 'none'; base-uri 'none'\">\n";
/// In an attribute's place, this makes a page do things without a script.
const PRAGMA: &str = "http-equiv";
/// Endings that no browser takes for something to run.
const HARMLESS: [&str; 15] = [
    "ipynb", "zip", "gz", "tgz", "tar", "ps", "djvu", "epub", "docx", "pptx", "xlsx", "mp3", "mp4", "webm",
    "csv",
];

/// The source of a page, with nothing left that acts by itself: no script
/// runs, nothing is fetched, and no pragma sends the reader elsewhere.
pub(super) fn page(source: &str) -> String {
    let lower = source.to_ascii_lowercase();
    let mut page = String::with_capacity(POLICY.len() + source.len());
    page.push_str(POLICY);
    let mut done = 0;
    for (at, _) in lower.match_indices(PRAGMA) {
        let is_name = lower[..at].ends_with(|c: char| c.is_ascii_whitespace() || "/\"'".contains(c));
        let is_given = lower[at + PRAGMA.len()..].trim_start().starts_with('=');
        if is_name && is_given {
            page.push_str(&source[done..at]);
            page.push_str("data-");
            done = at;
        }
    }
    page.push_str(&source[done..]);
    page
}

/// A file name by which a web server cannot mistake a copy for another type.
pub(in crate::serve) fn name(manner: &Manner) -> String {
    let name = &manner.name;
    let has = |ending: &str| name.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case(ending));
    match (manner.is_shown, manner.content_type.starts_with("text/plain")) {
        (true, false) => name.clone(),
        (true, true) if has("txt") => name.clone(),
        (true, true) => format!("{name}.txt"),
        (false, _) if HARMLESS.iter().any(|ending| has(ending)) => name.clone(),
        (false, _) => format!("{name}.bin"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_says_the_same_and_does_nothing() {
        let page = page("<meta HTTP-EQUIV = refresh content='0; url=x'><p>On http-equiv: it is an attribute");
        let rest = page.strip_prefix(POLICY).unwrap();
        assert_eq!(
            rest,
            "<meta data-HTTP-EQUIV = refresh content='0; url=x'><p>On http-equiv: it is an attribute"
        );
    }

    #[test]
    fn a_name_promises_no_more_than_its_bytes() {
        let of = |name: &str, content_type: &str, is_shown| {
            super::name(&Manner { name: name.to_owned(), content_type: content_type.to_owned(), is_shown })
        };
        assert_eq!(of("a.pdf", "application/pdf", true), "a.pdf");
        assert_eq!(of("a.html", "text/plain; charset=utf-8", true), "a.html.txt");
        assert_eq!(of("figure.svg", "application/octet-stream", false), "figure.svg.bin");
        assert_eq!(of("a.ipynb", "application/octet-stream", false), "a.ipynb");
    }

    proptest! {
        #[test]
        fn no_pragma_is_left(source in "(http-equiv|HTTP-Equiv|[ =<>/\"'a\u{e4}\u{130}]){0,30}") {
            let page = page(&source);
            let rest = page.strip_prefix(POLICY).unwrap().to_ascii_lowercase();
            for (at, _) in rest.match_indices("http-equiv") {
                let given = rest[at + 10..].trim_start().starts_with('=');
                let named = rest[..at].ends_with([' ', '/', '"', '\'']);
                prop_assert!(!(given && named), "{}", rest);
            }
        }
    }
}
