//! Checks that the place exists to which a fragment points. A missing place is a note, not a dead link.

use crate::domain::document::Document;
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
            .any(|text| !has_text(text, document));
        if missing {
            return Some(Note::MissingFragment(fragment.to_owned()));
        }
    }
    // `#!/...` and `#/...` are routes of an application, not places in a page.
    let checked =
        !id.is_empty() && id != "top" && !id.starts_with('!') && !id.starts_with('/') && !html.is_shell;
    let decoded = percent_decoded(id);
    let found = html
        .anchors
        .iter()
        .any(|anchor| *anchor == id || *anchor == decoded || *anchor == format!("user-content-{id}"));
    (checked && !found).then(|| Note::MissingFragment(fragment.to_owned()))
}

fn page_number(fragment: &str) -> Option<u32> {
    fragment.split('&').find_map(|part| part.strip_prefix("page="))?.parse().ok()
}

/// A text directive, `[prefix-,]start[,end][,-suffix]`: start and end must be in the page.
fn has_text(directive: &str, document: &Document) -> bool {
    let text = folded(&document.text);
    directive
        .split(',')
        .filter(|part| !part.starts_with('-') && !part.ends_with('-'))
        .all(|part| text.contains(&folded(&percent_decoded(part))))
}

/// Letters and digits alone, because quotes, dashes and spaces may differ between the
/// directive and the page.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
