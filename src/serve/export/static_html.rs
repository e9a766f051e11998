//! Web pages as files of a static site, where no header can keep their scripts from running.

/// It is the first line of the file, so that it applies to everything after it. It is the
/// policy for copies, as far as a `meta` element can contain it.
const POLICY: &str = "<!doctype html><meta charset=\"utf-8\">\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
    style-src 'unsafe-inline'; font-src data:; media-src data:; form-action 'none'; base-uri 'none'\">\n";
/// A `meta` element with this attribute can redirect without a script.
const PRAGMA_ATTRIBUTE: &str = "http-equiv";

/// The source of a page, changed so that it runs no script, loads nothing, and
/// does not redirect.
pub(super) fn without_scripts(source: &str) -> String {
    let lower = source.to_ascii_lowercase();
    let mut page = String::with_capacity(POLICY.len() + source.len());
    page.push_str(POLICY);
    let mut done = 0;
    for (at, _) in lower.match_indices(PRAGMA_ATTRIBUTE) {
        let is_name = lower[..at].ends_with(|c: char| c.is_ascii_whitespace() || "/\"'".contains(c));
        let is_given = lower[at + PRAGMA_ATTRIBUTE.len()..].trim_start().starts_with('=');
        if is_name && is_given {
            page.push_str(&source[done..at]);
            page.push_str("data-");
            done = at;
        }
    }
    page.push_str(&source[done..]);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_stays_and_pragmas_are_disabled() {
        let page = without_scripts(
            "<meta HTTP-EQUIV = refresh content='0; url=x'><p>On http-equiv: it is an attribute",
        );
        let rest = page.strip_prefix(POLICY).unwrap();
        assert_eq!(
            rest,
            "<meta data-HTTP-EQUIV = refresh content='0; url=x'><p>On http-equiv: it is an attribute"
        );
    }

    proptest! {
        #[test]
        fn no_pragma_is_left(source in "(http-equiv|HTTP-Equiv|[ =<>/\"'a\u{e4}\u{130}]){0,30}") {
            let page = without_scripts(&source);
            let rest = page.strip_prefix(POLICY).unwrap().to_ascii_lowercase();
            for (at, _) in rest.match_indices("http-equiv") {
                let given = rest[at + 10..].trim_start().starts_with('=');
                let named = rest[..at].ends_with([' ', '/', '"', '\'']);
                prop_assert!(!(given && named), "{}", rest);
            }
        }
    }
}
