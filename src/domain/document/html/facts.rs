//! Facts of web pages only: the documents they are about, client-side redirects, password fields.

use scraper::{ElementRef, Html as Tree};

use super::{SOURCE_BYTES, documents, meta, select, text_of};
use crate::domain::address::Address;
use crate::domain::document::Html;

/// A meta refresh later than this reloads a page that is meant to be read.
const REFRESH_SECONDS: f64 = 10.0;
/// A page with an application root and fewer words than this is filled by its script.
const SHELL_WORDS: usize = 40;
/// Text that servers append after the end of a page is shorter than this.
const END_WITHIN: usize = 4096;

pub(super) fn of(tree: &Tree, source: &str, base: &Address) -> Html {
    let words_shown = main_words_of_body(tree);
    let end = source.floor_char_boundary(SOURCE_BYTES);
    Html {
        documents: documents::of(tree, base, words_shown),
        sends_to: refresh(tree, base).or_else(|| script_redirect(tree, base, words_shown)),
        words_shown: u32::try_from(words_shown).unwrap_or(u32::MAX),
        anchors: anchors(tree),
        asks_password: select(tree, "input[type=password]").next().is_some(),
        is_shell: is_shell(tree, words_shown),
        has_end: has_end(source),
        noarchive: meta(tree, &["robots"]).is_some_and(|robots| robots.to_lowercase().contains("noarchive")),
        source: source[..end].to_owned(),
    }
}

fn main_words_of_body(tree: &Tree) -> usize {
    shown(tree).map(|text| text.split_whitespace().count()).sum()
}

/// All words that the body shows.
pub(super) fn visible_text(tree: &Tree) -> String {
    shown(tree).collect::<Vec<_>>().join(" ")
}

/// The texts of the body that a reader sees.
fn shown(tree: &Tree) -> impl Iterator<Item = &str> {
    let is_shown = |element: &ElementRef| {
        !matches!(element.value().name(), "script" | "style" | "template" | "noscript")
    };
    select(tree, "body").flat_map(|body| body.descendants()).filter_map(move |node| {
        let text: &str = node.value().as_text()?;
        let parent = node.parent().and_then(ElementRef::wrap);
        parent.is_none_or(|parent| is_shown(&parent)).then_some(text)
    })
}

/// `<meta http-equiv=refresh content="0; url=…">` (WHATWG HTML section 4.2.5.3).
fn refresh(tree: &Tree, base: &Address) -> Option<Address> {
    select(tree, "meta[http-equiv][content]").find_map(|element| {
        if !element.value().attr("http-equiv")?.eq_ignore_ascii_case("refresh") {
            return None;
        }
        refresh_target(element.value().attr("content")?, base)
    })
}

/// The address in the value of a refresh, `0; url=…`, in an element of a page or in a
/// header. `None` if it reloads the same page or waits for long.
pub(super) fn refresh_target(value: &str, base: &Address) -> Option<Address> {
    let (delay, rest) = value.split_once([';', ','])?;
    let is_soon = delay.trim().parse::<f64>().is_ok_and(|seconds| seconds <= REFRESH_SECONDS);
    let rest = rest.trim();
    let url = rest
        .get(..3)
        .filter(|start| start.eq_ignore_ascii_case("url"))
        .map_or(Some(rest), |_| rest[3..].trim_start().strip_prefix('='))?;
    let address = base.join(url.trim().trim_matches(['"', '\''])).ok()?;
    (is_soon && address != *base).then_some(address)
}

/// The target of a page that shows nothing and whose only script sets the location.
fn script_redirect(tree: &Tree, base: &Address, words_shown: usize) -> Option<Address> {
    const STARTS: &[&str] = &[
        "window.location.replace(",
        "location.replace(",
        "window.location.href",
        "location.href",
        "window.location",
        "document.location",
        "top.location",
        "location",
    ];
    if words_shown > SHELL_WORDS {
        return None;
    }
    let scripts: Vec<String> =
        select(tree, "script:not([src])").map(|script| script.text().collect()).collect();
    let [script] = scripts.as_slice() else { return None };
    let script = script.trim();
    let rest = STARTS.iter().find_map(|start| script.strip_prefix(start))?.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let url = rest[1..].split(quote).next()?;
    base.join(url).ok().filter(|address| address != base)
}

/// Few words, a script, and a root element for its output: one with a usual name, or an
/// empty one in a page that loads its script or requires JavaScript.
fn is_shell(tree: &Tree, words_shown: usize) -> bool {
    const USUAL: &str = "#root, #app, #__next, #__nuxt, app-root, #svelte, #___gatsby, #q-app";
    if words_shown >= SHELL_WORDS || select(tree, "script").next().is_none() {
        return false;
    }
    let is_empty =
        |element: &ElementRef| element.child_elements().next().is_none() && text_of(*element).is_empty();
    let is_place = |element: &ElementRef| {
        let name = element.value().name();
        name.contains('-') || (matches!(name, "div" | "main") && element.value().id().is_some())
    };
    let loads_script = select(tree, "script[src]").next().is_some();
    let asks_for_script = select(tree, "noscript")
        .any(|noscript| noscript.text().collect::<String>().to_lowercase().contains("javascript"));
    select(tree, USUAL).next().is_some()
        || (loads_script && select(tree, "body > *").any(|element| is_place(&element) && is_empty(&element)))
        || (asks_for_script && words_shown == 0)
}

/// Whether the markup is complete.
pub(super) fn has_end(source: &str) -> bool {
    let tail = source[source.floor_char_boundary(source.len().saturating_sub(END_WITHIN))..].to_lowercase();
    tail.contains("</html") || tail.contains("</body")
}

fn anchors(tree: &Tree) -> Vec<String> {
    const ANCHORS_AT_MOST: usize = 20_000;
    tree.tree
        .nodes()
        .filter_map(ElementRef::wrap)
        .flat_map(|element| [element.value().attr("id"), element.value().attr("name")])
        .flatten()
        .take(ANCHORS_AT_MOST)
        .map(str::to_owned)
        .collect()
}
