//! The text of a part of the page, as readers see it.

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{ElementRef, Node};

use super::calendar::{LINK, LINK_END, MARK_END};

/// The character in place of a placeholder; it is not shown.
pub(super) const PLACEHOLDER: char = '\u{e000}';
/// The most nodes that are visited for one part, so that nested parts cannot make reading
/// slow.
const NODES_AT_MOST: usize = 2000;
/// The space that is set aside for the text of a part of several nodes.
const TEXT_BYTES: usize = 64;

/// The options for a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// The most characters.
    pub(super) chars: usize,
    /// With marks at the beginnings and ends of links and emphasis, for reading dates.
    pub(super) marks: bool,
    pub(super) extent: Extent,
    /// With text for screen readers only.
    pub(super) spoken: bool,
}

/// The extent of a part's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Extent {
    #[default]
    Whole,
    /// Without nested lists, tables and parts with their own text.
    Own,
    /// Of its own, up to the next line break.
    Line,
}

/// The text of an element, with white space collapsed.
pub(super) fn of(element: ElementRef, style: Style) -> String {
    element.first_child().map_or_else(String::new, |first| gather(first, *element, style).shown)
}

/// The text of an element, and the length of its first line.
pub(super) fn with_first_line(element: ElementRef, style: Style) -> (String, usize) {
    let Some(first) = element.first_child() else { return (String::new(), 0) };
    let text = gather(first, *element, style);
    let end = text.line_end.unwrap_or(text.shown.len());
    let line = text.shown[..end].trim_end().len();
    (text.shown, line)
}

/// The text that follows a node within a part, up to the next line break.
pub(super) fn line_behind(node: NodeRef<Node>, part: ElementRef, style: Style) -> String {
    let style = Style { extent: Extent::Line, ..style };
    next(node, *part, false, &mut |_| {}).map_or_else(String::new, |first| gather(first, *part, style).shown)
}

fn gather(first: NodeRef<Node>, part: NodeRef<Node>, style: Style) -> Text {
    // Most parts are one text, or an element and little more.
    let bytes = first.value().as_text().map_or(TEXT_BYTES, |only| only.len());
    let shown = String::with_capacity(bytes.min(style.chars));
    let mut text = Text { shown, chars: 0, is_spaced: true, line_end: None };
    let mut at = Some(first);
    let mut steps = 0;
    while let Some(node) = at {
        steps += 1;
        if text.chars >= style.chars || steps > NODES_AT_MOST {
            break;
        }
        let mut descends = true;
        match node.value() {
            Node::Text(inner) => text.push(inner, style.chars),
            Node::Element(element) => {
                let name = element.name();
                if name == "br" {
                    text.line_end.get_or_insert(text.shown.len());
                    if style.extent == Extent::Line {
                        break;
                    }
                }
                descends = !(is_hidden(element, style.spoken)
                    || (style.extent != Extent::Whole && is_part(name))
                    || is_permalink(node));
                if is_block(name) || (!descends && style.extent != Extent::Whole) {
                    text.space();
                }
                if style.marks && descends && name == "a" {
                    text.mark(LINK);
                }
                if style.marks
                    && name == "time"
                    && let Some(date) = attribute(element, "datetime")
                {
                    descends = false;
                    text.push(date.get(..10).unwrap_or(date), style.chars);
                }
            }
            _ => descends = false,
        }
        at = next(node, part, descends, &mut |closed| {
            let Some(element) = closed.value().as_element() else { return };
            match element.name() {
                "a" if style.marks => text.mark(LINK_END),
                "b" | "strong" | "em" | "span" | "time" | "u" if style.marks => text.mark(MARK_END),
                name if is_block(name) => text.space(),
                _ => {}
            }
        });
    }
    text.shown.truncate(text.shown.trim_end().len());
    text.line_end = text.line_end.map(|end| end.min(text.shown.len()));
    text
}

/// The next node in document order, within a part.
fn next<'a>(
    node: NodeRef<'a, Node>,
    part: NodeRef<'a, Node>,
    descends: bool,
    closed: &mut impl FnMut(NodeRef<'a, Node>),
) -> Option<NodeRef<'a, Node>> {
    if let Some(child) = node.first_child().filter(|_| descends) {
        return Some(child);
    }
    let mut at = node;
    loop {
        closed(at);
        if let Some(sibling) = at.next_sibling() {
            return Some(sibling);
        }
        at = at.parent().filter(|parent| *parent != part)?;
    }
}

struct Text {
    shown: String,
    chars: usize,
    is_spaced: bool,
    /// Where the first line ends, if a line break ends it.
    line_end: Option<usize>,
}

impl Text {
    fn push(&mut self, text: &str, most: usize) {
        let mut rest = text;
        while let Some(first) = rest.chars().next().filter(|_| self.chars < most) {
            if first.is_whitespace() {
                self.space();
                rest = &rest[first.len_utf8()..];
            } else if first == PLACEHOLDER {
                rest = &rest[first.len_utf8()..];
            } else {
                let word = &rest[..word_end(rest)];
                self.word(word, most - self.chars);
                rest = &rest[word.len()..];
            }
        }
    }

    /// The first characters of a word, which has some.
    fn word(&mut self, word: &str, most: usize) {
        let is_short = word.len() <= most;
        let shown = if is_short { word } else { &word[..length_of_chars(word, most)] };
        self.shown.push_str(shown);
        self.chars += shown.chars().count();
        self.is_spaced = false;
    }

    fn space(&mut self) {
        if !self.is_spaced {
            self.shown.push(' ');
            self.chars += 1;
            self.is_spaced = true;
        }
    }

    fn mark(&mut self, mark: char) {
        self.shown.push(mark);
    }
}

/// Where the first word of a text ends.
fn word_end(text: &str) -> usize {
    let is_end = |c: char| c.is_whitespace() || c == PLACEHOLDER;
    let graphic = text.bytes().take_while(u8::is_ascii_graphic).count();
    text[graphic..].find(is_end).map_or(text.len(), |end| graphic + end)
}

/// The length of the first characters in bytes.
fn length_of_chars(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

/// A marked text without its marks. White space is collapsed in it already.
pub(super) fn unmarked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split([LINK, LINK_END, MARK_END]) {
        let is_spaced = shown.is_empty() || shown.ends_with(' ');
        shown.push_str(if is_spaced { piece.trim_start() } else { piece });
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// The text with every run of white space as one space.
pub(super) fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}

/// The value of an attribute. Unlike `Element::attr` it makes no interned name of the
/// asked one.
pub(super) fn attribute<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    let mut attributes = element.attrs.iter();
    let found = attributes.find(|(known, _)| *known.local == *name && known.ns.is_empty());
    found.map(|(_, value)| &**value)
}

fn is_hidden(element: &Element, spoken: bool) -> bool {
    if matches!(
        element.name(),
        "script" | "style" | "template" | "noscript" | "rp" | "head" | "title" | "annotation"
    ) {
        return true;
    }
    if element.attrs.is_empty() {
        return false;
    }
    let has = |name: &str| attribute(element, name);
    has("hidden").is_some()
        || has("aria-hidden").is_some_and(|value| value == "true")
        || has("style").is_some_and(hides)
        || (!spoken && has("class").is_some_and(|class| class.split_whitespace().any(is_spoken_only)))
}

/// Whether a style hides its element.
pub(super) fn hides(style: &str) -> bool {
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.contains("display:none") || style.contains("visibility:hidden")
}

fn is_spoken_only(class: &str) -> bool {
    matches!(
        class,
        "sr-only" | "visually-hidden" | "screen-reader-text" | "visuallyhidden" | "screenreader-only"
    )
}

/// The character beside a heading that links to the heading itself.
pub(super) fn is_permalink(node: NodeRef<Node>) -> bool {
    let Some(link) = ElementRef::wrap(node).filter(|element| element.value().name() == "a") else {
        return false;
    };
    let is_in_page = attribute(link.value(), "href").is_some_and(|href| href.contains('#'));
    let is_in_heading = || {
        let near = link.ancestors().take(2).filter_map(ElementRef::wrap);
        near.map(|element| element.value().name()).any(|name| heading_level(name).is_some() || name == "dt")
    };
    let has_class = || {
        let class = attribute(link.value(), "class").unwrap_or_default();
        class.split_whitespace().any(|class| {
            matches!(
                class,
                "headerlink"
                    | "header-anchor"
                    | "heading-anchor"
                    | "hash-link"
                    | "heading-link"
                    | "anchorjs-link"
                    | "permalink"
                    | "anchor-link"
            )
        })
    };
    let is_sign = || {
        let text: String = link.text().take(3).collect();
        let mut signs = text.trim().chars().filter(|c| *c != '\u{fe0e}' && *c != '\u{fe0f}').peekable();
        signs.peek().is_some() && signs.all(|c| "¶#§🔗⚓\u{f0c1}\u{e80c}".contains(c))
    };
    is_in_page && (has_class() || (is_in_heading() && is_sign()))
}

pub(super) fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// Elements that begin on a line of their own.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "br" | "p"
            | "div"
            | "li"
            | "td"
            | "th"
            | "tr"
            | "dt"
            | "dd"
            | "ul"
            | "ol"
            | "dl"
            | "table"
            | "section"
            | "article"
            | "summary"
            | "blockquote"
            | "pre"
            | "hr"
            | "figure"
            | "figcaption"
            | "option"
            | "label"
    ) || heading_level(name).is_some()
}

/// Parts whose text does not belong to the item or cell around them.
fn is_part(name: &str) -> bool {
    matches!(name, "ul" | "ol" | "dl" | "table" | "pre" | "details")
}
