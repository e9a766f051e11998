//! Checks that the place exists to which a fragment points. A missing place is a note, not a dead link.

use crate::domain::document::{Document, Html, html};
use crate::domain::evidence::Note;
use crate::domain::evidence::visit_context::VisitContext;

/// The notes on the fragments of a link's mentions, and those of its host.
pub fn notes(context: &VisitContext) -> Vec<Note> {
    let page = context.results.page().and_then(|page| page.document.as_ref());
    page.map_or_else(Vec::new, |page| {
        let of_host = context.host_rules().note.and_then(|note| note(&context.link.address, page));
        context.link.fragments.iter().filter_map(|fragment| note(fragment, page)).chain(of_host).collect()
    })
}

fn note(fragment: &str, document: &Document) -> Option<Note> {
    if let Some(wanted) = page_number(fragment) {
        let pages = document.pages?;
        return (wanted > pages).then_some(Note::PageBeyondEnd { page: wanted, pages });
    }
    let html = document.html.as_ref()?;
    let (id, directive) =
        fragment.split_once(":~:").map_or((fragment, None), |(id, directive)| (id, Some(directive)));
    if let Some(directive) = directive {
        let missing = directive
            .split('&')
            .filter_map(|part| part.strip_prefix("text="))
            .any(|text| !has_text(text, document, html));
        if missing {
            return Some(Note::MissingFragment(fragment.to_owned()));
        }
    }
    let checked = !id.is_empty() && id != "top" && !is_application_state(id) && !html.is_shell;
    let decoded = percent_decoded(id);
    let found = html
        .anchors
        .iter()
        .any(|anchor| *anchor == id || *anchor == decoded || *anchor == format!("user-content-{id}"));
    (checked && !found && !may_be_made_by_script(&decoded, document, html))
        .then(|| Note::MissingFragment(fragment.to_owned()))
}

/// Fragments for an application, which no element of the page has: a route (`/x`, `!/x`),
/// parameters (`slide=id.p5`), lines of a file (`L10-L20`).
fn is_application_state(id: &str) -> bool {
    let is_line = |part: &str| {
        part.strip_prefix('L').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit())
                && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'C')
        })
    };
    id.starts_with(['!', '/', '?'])
        || id.contains(['=', '&'])
        || id.split('-').all(|part| is_line(part) || (id.starts_with('L') && part.parse::<u32>().is_ok()))
}

/// Scripts give headings, terms and equations their ids. In a page with a script, a place
/// whose name is in its text or source counts as existing.
fn may_be_made_by_script(id: &str, document: &Document, html: &Html) -> bool {
    const KINDS: &[&str] = &[
        "dfn-", "sec-", "section-", "sec:", "fig-", "fig:", "figure-", "tab-", "tab:", "table-", "eq-",
        "eq:", "mjx-eqn-", "mjx-eqn:", "def-", "thm-", "thm:", "ref-", "cite-", "bib-", "heading-", "h-",
        "idl-def-",
    ];
    if !html.source.contains("<script") {
        return false;
    }
    let name = KINDS.iter().find_map(|kind| id.strip_prefix(kind)).unwrap_or(id);
    let (name, text) = (folded(name), folded(&document.text));
    let quoted = ["\"", "'", "{", "#", "\\\"", "user-content-"]
        .iter()
        .any(|before| html.source.contains(&format!("{before}{id}")));
    quoted || (!name.is_empty() && text.contains(&name))
}

fn page_number(fragment: &str) -> Option<u32> {
    fragment.split('&').find_map(|part| part.strip_prefix("page="))?.parse().ok()
}

/// A text directive, `[prefix-,]start[,end][,-suffix]`: start and end must be in the
/// page, in its main part or beside it.
fn has_text(directive: &str, document: &Document, html: &Html) -> bool {
    let wanted: Vec<String> = directive
        .split(',')
        .filter(|part| !part.starts_with('-') && !part.ends_with('-'))
        .map(|part| folded(&percent_decoded(part)))
        .collect();
    let has_all = |text: &str| {
        let text = folded(text);
        wanted.iter().all(|part| text.contains(part))
    };
    // Nothing is known about the part of a long source that is not stored.
    has_all(&document.text) || html::is_source_cut(&html.source) || has_all(&html::visible_text(&html.source))
}

/// Letters and digits alone, because quotes, dashes and spaces may differ between the
/// directive and the page.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Address;
    use crate::domain::document::{DocumentContext, read};

    fn is_missing(fragment: &str, page: &str) -> bool {
        let address = Address::parse("https://lab.edu/a").unwrap();
        let page = format!("<!doctype html><html><body><main>{page}</main></body></html>");
        note(fragment, &read(page.as_bytes(), &DocumentContext::new(address, None))).is_some()
    }

    #[test]
    fn fragments_of_applications_are_not_checked() {
        let page = "<h2 id=one>One</h2><p>Some words of a page.</p>";
        for fragment in [
            "L5",
            "L10-L20",
            "L3C1-L4C8",
            "L10-20",
            "slide=id.p5",
            "heading=h.3z",
            "t=90",
            "/r",
            "!x",
            "a=1&b=2",
        ] {
            assert!(!is_missing(fragment, page), "{fragment}");
        }
        for fragment in ["two", "Lemma", "chapter-7", "L-x"] {
            assert!(is_missing(fragment, page), "{fragment}");
        }
    }

    #[test]
    fn places_that_a_script_may_make_are_not_missing() {
        let script =
            "<script src=/a.js></script><h2>Message passing</h2><p>A <dfn>token</dfn>. $\\label{eq:elbo}$";
        for fragment in ["message-passing", "dfn-token", "eq:elbo"] {
            assert!(!is_missing(fragment, script), "{fragment}");
            assert!(is_missing(fragment, "<h2>Message</h2><p>No script makes anything here."), "{fragment}");
        }
        assert!(is_missing("chapter-7", script));
    }

    #[test]
    fn a_text_is_searched_beside_the_main_part_too() {
        let page = "<p>Main words.</p></main><aside><p>For proofs see the appendix.</p></aside><main>";
        assert!(!is_missing(":~:text=see%20the%20appendix", page));
        assert!(is_missing(":~:text=zebra%20crossing", page));
        assert!(is_missing(":~:text=secret", "<p>Words.</p><script>var secret = 1;</script>"));
    }
}
