//! Facts of web pages only: the documents they are about, client-side redirects, password fields.

use scraper::ElementRef;

use super::elements::{PageElements, attribute, text_of, word_count};
use super::{SOURCE_BYTES, documents};
use crate::domain::address::Address;
use crate::domain::document::Html;

/// A meta refresh later than this reloads a page that is meant to be read.
const REFRESH_SECONDS: f64 = 10.0;
/// A page with an application root and fewer words than this is filled by its script.
const SHELL_WORDS: usize = 40;
/// Text that servers append after the end of a page is shorter than this.
const END_WITHIN: usize = 4096;

pub(super) fn of(page: &PageElements, source: &str, base: &Address) -> Html {
    let words_shown = main_words_of_body(page);
    let end = source.floor_char_boundary(SOURCE_BYTES);
    Html {
        documents: documents::of(page, base, words_shown),
        sends_to: refresh(page, base).or_else(|| script_redirect(page, base, words_shown)),
        words_shown: u32::try_from(words_shown).unwrap_or(u32::MAX),
        anchors: anchors(page),
        asks_password: page.with("input", "type").any(|(_, kind)| kind.eq_ignore_ascii_case("password")),
        is_shell: is_shell(page, words_shown),
        has_end: has_end(source),
        noarchive: page.meta(&["robots"]).is_some_and(|robots| robots.to_lowercase().contains("noarchive")),
        source: source[..end].to_owned(),
    }
}

fn main_words_of_body(page: &PageElements) -> usize {
    shown(page).map(word_count).sum()
}

/// All words that the body shows.
pub(super) fn visible_text(page: &PageElements) -> String {
    shown(page).collect::<Vec<_>>().join(" ")
}

/// The texts of the body that a reader sees.
fn shown<'a>(page: &PageElements<'a>) -> impl Iterator<Item = &'a str> {
    let is_shown = |element: &ElementRef| {
        !matches!(element.value().name(), "script" | "style" | "template" | "noscript")
    };
    let bodies = page.named("body").to_vec();
    bodies.into_iter().flat_map(|body| body.descendants()).filter_map(move |node| {
        let text: &str = node.value().as_text()?;
        let parent = node.parent().and_then(ElementRef::wrap);
        parent.is_none_or(|parent| is_shown(&parent)).then_some(text)
    })
}

/// `<meta http-equiv=refresh content="0; url=…">` (WHATWG HTML section 4.2.5.3).
fn refresh(page: &PageElements, base: &Address) -> Option<Address> {
    page.with("meta", "http-equiv").find_map(|(element, header)| {
        let content = attribute(element.value(), "content")?;
        header.eq_ignore_ascii_case("refresh").then(|| refresh_target(content, base))?
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
fn script_redirect(page: &PageElements, base: &Address, words_shown: usize) -> Option<Address> {
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
    let is_inline = |script: &&ElementRef| attribute(script.value(), "src").is_none();
    let mut scripts = page.named("script").iter().filter(is_inline);
    let (Some(script), None) = (scripts.next(), scripts.next()) else { return None };
    let script: String = script.text().collect();
    let script = script.trim();
    let rest = STARTS.iter().find_map(|start| script.strip_prefix(start))?.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let url = rest[1..].split(quote).next()?;
    base.join(url).ok().filter(|address| address != base)
}

/// Few words, a script, and a root element for its output: one with a usual name, or an
/// empty one in a page that loads its script or requires JavaScript.
fn is_shell(page: &PageElements, words_shown: usize) -> bool {
    const USUAL: &[&str] = &["root", "app", "__next", "__nuxt", "svelte", "___gatsby", "q-app"];
    if words_shown >= SHELL_WORDS || page.named("script").is_empty() {
        return false;
    }
    let is_empty =
        |element: &ElementRef| element.child_elements().next().is_none() && text_of(*element).is_empty();
    let is_place = |element: &ElementRef| {
        let name = element.value().name();
        name.contains('-') || (matches!(name, "div" | "main") && element.value().id().is_some())
    };
    let is_usual = |element: &ElementRef| {
        let id = element.value().id();
        element.value().name() == "app-root" || id.is_some_and(|id| USUAL.contains(&id))
    };
    let loads_script = page.with("script", "src").next().is_some();
    let asks_for_script = page
        .named("noscript")
        .iter()
        .any(|noscript| noscript.text().collect::<String>().to_lowercase().contains("javascript"));
    let mut in_body = page.named("body").iter().flat_map(ElementRef::child_elements);
    page.all().iter().any(is_usual)
        || (loads_script && in_body.any(|element| is_place(&element) && is_empty(&element)))
        || (asks_for_script && words_shown == 0)
}

/// Whether the markup is complete.
pub(super) fn has_end(source: &str) -> bool {
    let tail = source[source.floor_char_boundary(source.len().saturating_sub(END_WITHIN))..].to_lowercase();
    tail.contains("</html") || tail.contains("</body")
}

fn anchors(page: &PageElements) -> Vec<String> {
    const ANCHORS_AT_MOST: usize = 20_000;
    page.all()
        .iter()
        .flat_map(|element| [element.value().id(), attribute(element.value(), "name")])
        .flatten()
        .take(ANCHORS_AT_MOST)
        .map(str::to_owned)
        .collect()
}
