//! The elements of a page by name, found in one walk: a page is asked for some forty facts.

use rustc_hash::FxHashMap;
use scraper::node::Element;
use scraper::{ElementRef, Html as Tree, Selector};

/// The elements of a page, in source order.
pub(super) struct PageElements<'a> {
    all: Vec<ElementRef<'a>>,
    by_name: FxHashMap<&'a str, Vec<ElementRef<'a>>>,
}

impl<'a> PageElements<'a> {
    pub(super) fn of(tree: &'a Tree) -> Self {
        let all: Vec<ElementRef> = tree.tree.nodes().filter_map(ElementRef::wrap).collect();
        let mut by_name: FxHashMap<&str, Vec<ElementRef>> = FxHashMap::default();
        for element in &all {
            by_name.entry(element.value().name()).or_default().push(*element);
        }
        Self { all, by_name }
    }

    pub(super) fn all(&self) -> &[ElementRef<'a>] {
        &self.all
    }

    pub(super) fn named(&self, name: &str) -> &[ElementRef<'a>] {
        self.by_name.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Elements that have an attribute, with its value.
    pub(super) fn with<'b>(
        &'b self,
        name: &str,
        attribute_name: &'b str,
    ) -> impl Iterator<Item = (ElementRef<'a>, &'a str)> + 'b {
        let elements = self.named(name).iter();
        elements.filter_map(|element| Some((*element, attribute(element.value(), attribute_name)?)))
    }

    /// Elements with a name that fit a selector.
    pub(super) fn fitting<'b>(
        &'b self,
        name: &str,
        selector: &'b Selector,
    ) -> impl Iterator<Item = ElementRef<'a>> + 'b {
        self.named(name).iter().copied().filter(|element| selector.matches(element))
    }

    /// The content of the first `meta` with one of these names or properties, in the order of
    /// the names.
    pub(super) fn meta(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            self.with("meta", "content").find_map(|(element, content)| {
                let own = |name: &str| attribute(element.value(), name);
                let key = own("name").or_else(|| own("property"))?;
                let content = content.trim();
                (key.eq_ignore_ascii_case(name) && !content.is_empty()).then(|| content.to_owned())
            })
        })
    }

    pub(super) fn title(&self) -> Option<String> {
        self.named("title").first().copied().map(text_of)
    }
}

/// The value of an attribute. Unlike `Element::attr` it makes no interned name of the
/// asked one.
pub(super) fn attribute<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    let mut attributes = element.attrs.iter();
    let found = attributes.find(|(known, _)| *known.local == *name && known.ns.is_empty());
    found.map(|(_, value)| &**value)
}

/// The number of words between white space. Most texts are in ASCII, in which bytes are
/// characters.
pub(super) fn word_count(text: &str) -> usize {
    if !text.is_ascii() {
        return text.split_whitespace().count();
    }
    // As `char::is_whitespace` for ASCII.
    let is_space = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let mut is_after_space = true;
    let mut count = 0;
    for byte in text.bytes() {
        let is_space = is_space(byte);
        count += usize::from(is_after_space && !is_space);
        is_after_space = is_space;
    }
    count
}

/// The text of an element on one line.
pub(super) fn text_of(element: ElementRef) -> String {
    let mut text = String::new();
    for word in element.text().collect::<String>().split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_are_counted_alike_in_every_text(text in "[ a-c\t\u{b}\n\u{1c}\u{85}\u{a0}ä]{0,30}") {
            prop_assert_eq!(word_count(&text), text.split_whitespace().count());
        }
    }

    #[test]
    fn elements_are_found_by_name_in_source_order() {
        let tree = Tree::parse_document(
            "<title>A\n page</title><meta name=a content=' 1 '><meta property=B content=2><meta name=b><p id=x>",
        );
        let page = PageElements::of(&tree);
        assert_eq!(page.title().as_deref(), Some("A page"));
        assert_eq!(page.meta(&["b", "a"]).as_deref(), Some("2"));
        assert_eq!(page.with("meta", "content").count(), 2);
        assert_eq!((page.named("p").len(), page.named("q").len()), (1, 0));
    }
}
