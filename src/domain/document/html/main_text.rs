//! The main part of a page, which stays the same when the site around it changes.

use std::cell::LazyCell;

use ego_tree::iter::Edge;
use scraper::{ElementRef, Node};

use super::elements::{PageElements, attribute, word_count};

/// The text of the work on a page.
#[derive(Clone, Debug, Default)]
pub(super) struct MainText {
    /// One block per line.
    pub(super) text: String,
    pub(super) headings: Vec<String>,
}

/// A main part that is this short compared with the whole body is not the work.
const STUB_WORDS: usize = 20;

/// The text of `main`, or of `article`s, or of the body, without navigation and the like.
pub(super) fn of(page: &PageElements) -> MainText {
    let is_main = |element: &&ElementRef| {
        let value = element.value();
        value.name() == "main" || attribute(value, "role") == Some("main")
    };
    let main: Vec<ElementRef> = page.all().iter().filter(is_main).copied().collect();
    let mut found = MainText::default();
    for candidates in [main.as_slice(), page.named("article"), page.named("body")] {
        found = text_of_all(&outermost(candidates));
        if found.text.split_whitespace().take(STUB_WORDS).count() == STUB_WORDS {
            break;
        }
    }
    found
}

/// Elements that are not inside another one of the list.
fn outermost<'a>(elements: &[ElementRef<'a>]) -> Vec<ElementRef<'a>> {
    let ids: std::collections::HashSet<_> = elements.iter().map(|element| element.id()).collect();
    elements
        .iter()
        .copied()
        .filter(|element| !element.ancestors().any(|ancestor| ids.contains(&ancestor.id())))
        .collect()
}

fn text_of_all(roots: &[ElementRef]) -> MainText {
    let mut main = MainText::default();
    for root in roots {
        walk(*root, &mut main);
    }
    main
}

fn walk(root: ElementRef, main: &mut MainText) {
    // Few pages have a part for which it is needed.
    let whole = LazyCell::new(|| words_in(root));
    let mut left_out = None;
    let mut heading: Option<String> = None;
    for edge in root.traverse() {
        match edge {
            Edge::Open(node) if left_out.is_none() => match node.value() {
                Node::Text(text) => {
                    main.text.push_str(&text.replace('\n', " "));
                    if let Some(heading) = &mut heading {
                        heading.push_str(text);
                    }
                }
                Node::Element(_) => {
                    let Some(element) = ElementRef::wrap(node) else { continue };
                    if node.id() != root.id()
                        && (is_left_out(element) || is_around_by_class(element, || *whole))
                    {
                        left_out = Some(node.id());
                        continue;
                    }
                    let name = element.value().name();
                    if is_heading(name) {
                        heading = Some(String::new());
                    }
                    if is_block(name) {
                        main.text.push('\n');
                    }
                }
                _ => {}
            },
            Edge::Close(node) => {
                if left_out == Some(node.id()) {
                    left_out = None;
                } else if left_out.is_none()
                    && let Node::Element(element) = node.value()
                {
                    if is_heading(element.name())
                        && let Some(text) = heading.take()
                    {
                        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                        main.headings.extend((!text.is_empty()).then_some(text));
                    }
                    main.text.push(if is_block(element.name()) {
                        '\n'
                    } else if element.name() == "td" {
                        ' '
                    } else {
                        continue;
                    });
                }
            }
            Edge::Open(_) => {}
        }
    }
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn is_block(name: &str) -> bool {
    is_heading(name)
        || matches!(
            name,
            "p" | "div"
                | "li"
                | "ul"
                | "ol"
                | "dl"
                | "dt"
                | "dd"
                | "tr"
                | "table"
                | "section"
                | "article"
                | "main"
                | "header"
                | "blockquote"
                | "pre"
                | "figure"
                | "figcaption"
                | "br"
                | "hr"
                | "td"
                | "th"
                | "details"
                | "summary"
        )
}

/// Elements that belong to the site and not to the work.
fn is_left_out(element: ElementRef) -> bool {
    let value = element.value();
    let by_name = matches!(
        value.name(),
        "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "nav"
            | "footer"
            | "aside"
            | "form"
            | "iframe"
            | "button"
            | "select"
            | "canvas"
            | "object"
            | "video"
            | "audio"
            | "dialog"
    );
    // The header of an article has its title; that of a page has the site's title.
    let is_page_header = value.name() == "header" && !is_within_work(element);
    let is_hidden = attribute(value, "aria-hidden") == Some("true") || attribute(value, "hidden").is_some();
    let role = attribute(value, "role").unwrap_or_default();
    by_name
        || is_page_header
        || is_hidden
        || matches!(role, "navigation" | "banner" | "contentinfo" | "complementary" | "search" | "dialog")
        || value.id().is_some_and(is_around)
        || value.classes().any(is_around)
}

/// Class names of parts around a work ("comments-area", "ad-slot"). Wrappers of whole
/// pages also have them ("has-ads"), so they count only for an element with the smaller
/// part of the words of the whole.
fn is_around_by_class(element: ElementRef, whole: impl FnOnce() -> usize) -> bool {
    element.value().classes().any(is_made_for_surroundings) && words_in(element) * 2 < whole()
}

fn words_in(element: ElementRef) -> usize {
    element.text().map(word_count).sum()
}

fn is_made_for_surroundings(class: &str) -> bool {
    const PARTS: &[&str] = &[
        "comment",
        "comments",
        "ad",
        "ads",
        "advert",
        "advertisement",
        "promo",
        "sponsor",
        "sponsored",
        "cookie",
        "cookies",
        "consent",
        "gdpr",
        "newsletter",
        "breadcrumb",
        "breadcrumbs",
        "pagination",
        "disqus",
        "navigation",
        "nav",
        "navbar",
        "popup",
        "modal",
        "related",
        "recommended",
        "recommendations",
        "trending",
        "share",
        "social",
    ];
    let mut parts = class.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| PARTS.iter().any(|known| known.eq_ignore_ascii_case(part)))
}

fn is_within_work(element: ElementRef) -> bool {
    element.ancestors().filter_map(ElementRef::wrap).any(|ancestor| {
        matches!(ancestor.value().name(), "article" | "main")
            || attribute(ancestor.value(), "role") == Some("main")
    })
}

/// Names that page authors give to the parts around a work.
fn is_around(name: &str) -> bool {
    const AROUND: &[&str] = &[
        "comments",
        "comment",
        "comment-list",
        "disqus_thread",
        "respond",
        "cookie",
        "cookies",
        "cookie-banner",
        "cookie-consent",
        "consent",
        "gdpr",
        "sidebar",
        "related",
        "related-posts",
        "recommended",
        "recommendations",
        "share",
        "sharing",
        "social",
        "social-share",
        "share-buttons",
        "newsletter",
        "subscribe",
        "breadcrumb",
        "breadcrumbs",
        "pagination",
        "paginav",
        "post-nav",
        "prev-next",
        "site-header",
        "site-footer",
        "site-nav",
        "navbar",
        "menu",
        "advert",
        "ads",
        "ad",
        "adsbygoogle",
        "promo",
        "sponsored",
        "view-count",
        "views",
    ];
    AROUND.iter().any(|known| known.eq_ignore_ascii_case(name))
}
