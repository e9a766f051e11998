//! HTML as a tree with the source position of each start tag.
//!
//! The parser builds the tree (WHATWG HTML section 13.2). `extract` decides what its nodes
//! mean.

mod attributes;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::hash::BuildHasherDefault;
use std::ops::Range;

use ego_tree::{NodeId, Tree};
use html5ever::interface::TokenizerResult;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, QualName};
use memchr::memchr_iter;
use scraper::{Html, HtmlTreeSink, Node};

use super::node_map::{NodeMap, NodeSet};

/// Elements are nested no deeper: the parser looks through all open elements at many
/// tags. Browsers stop at 512 as well. Tags that open further ones are passed over;
/// their text and links stay.
const DEPTH_AT_MOST: u32 = 512;
/// Memory is reserved for so many nodes at most; a page with more `<` may not have them.
const NODES_AT_ONCE: usize = 1 << 18;
/// Tags that are never passed over: links, embeds, headings, and those whose content is
/// not parsed as HTML.
const ALWAYS_OPENED: &[&str] = &[
    "a",
    "area",
    "iframe",
    "embed",
    "object",
    "video",
    "audio",
    "source",
    "track",
    "frame",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "script",
    "style",
    "textarea",
    "title",
    "noscript",
    "noembed",
    "noframes",
    "template",
    "xmp",
    "plaintext",
    "br",
];

/// A parsed page.
#[derive(Debug)]
pub(super) struct Dom {
    pub(super) html: Html,
    places: NodeMap<Place>,
    reopened: NodeSet,
}

impl Dom {
    pub(super) fn parse(source: &str) -> Self {
        let tags = memchr_iter(b'<', source.as_bytes()).count();
        let builder = TreeBuilder::new(Positions::new(tags), TreeBuilderOpts::default());
        let tokenizer = Tokenizer::new(Tap { builder }, TokenizerOpts::default());
        let input = BufferQueue::default();
        let bounded = attributes::bounded(source);
        let source = bounded.as_ref();
        // The pieces share their memory with the whole.
        let whole = StrTendril::from_slice(source);
        // The source is fed from one start tag to the next, so the position of a tag is known
        // when it is complete.
        let mut from = 0;
        while from < source.len() {
            let to = next_start_tag(source.as_bytes(), from + 1);
            tokenizer.sink.builder.sink.piece(from);
            input.push_back(part(&whole, from..to));
            while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
            from = to;
        }
        tokenizer.end();
        tokenizer.sink.builder.sink.into_dom()
    }

    /// The byte of the source at which the start tag of an element begins;
    /// `None` for elements that the parser added.
    pub(super) fn start(&self, element: NodeId) -> Option<usize> {
        self.places.get(&element).map(|place| place.start)
    }

    /// Whether the parser opened the element again, because its end tag was missing or
    /// misplaced. For its author it is the same element.
    pub(super) fn is_reopened(&self, element: NodeId) -> bool {
        self.reopened.contains(&element)
    }
}

/// Where the next text begins that may be a start tag; the end if there is none.
fn next_start_tag(source: &[u8], from: usize) -> usize {
    memchr_iter(b'<', &source[from..])
        .map(|at| from + at)
        .find(|at| source.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
        .unwrap_or(source.len())
}

/// A part of a text that shares its memory, except in texts of several gigabytes.
fn part(whole: &StrTendril, range: Range<usize>) -> StrTendril {
    match (u32::try_from(range.start), u32::try_from(range.len())) {
        (Ok(start), Ok(length)) => whole.subtendril(start, length),
        _ => StrTendril::from_slice(&whole[range]),
    }
}

/// The positions of the start tags of links, in source order.
pub fn starts_of_links(source: &str) -> Vec<usize> {
    let dom = Dom::parse(source);
    let elements = dom.html.tree.root().descendants().filter_map(scraper::ElementRef::wrap);
    let links = elements.filter(|element| matches!(element.value().name(), "a" | "area"));
    let own = links.filter(|element| !dom.is_reopened(element.id()));
    let mut starts: Vec<usize> = own.filter_map(|element| dom.start(element.id())).collect();
    starts.sort_unstable();
    starts
}

/// Passes the start tags to the tree.
struct Tap {
    builder: TreeBuilder<NodeId, Positions>,
}

impl TokenSink for Tap {
    type Handle = NodeId;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<NodeId> {
        let positions = &self.builder.sink;
        let name = match &token {
            Token::TagToken(Tag { kind: TagKind::StartTag, name, .. }) => Some(name.clone()),
            _ => None,
        };
        if !matches!(token, Token::ParseError(_)) {
            positions.is_pending.set(false);
        }
        match &token {
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => positions.leave(),
            Token::TagToken(tag) if positions.is_too_deep(&tag.name) => return TokenSinkResult::Continue,
            _ => {}
        }
        *positions.tag.borrow_mut() = name;
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Where an element stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The byte of the source at which its start tag begins.
    start: usize,
    depth: u32,
}

/// The tree that is being built, and the position of each start tag.
struct Positions {
    tree: HtmlTreeSink,
    /// The position of the token that is being read.
    begin: Cell<usize>,
    /// No token was completed since `begin`.
    is_pending: Cell<bool>,
    /// The start tag that is being processed, until its element is created.
    tag: RefCell<Option<html5ever::LocalName>>,
    places: RefCell<NodeMap<Place>>,
    /// How deep the parser stands, at most: known whenever a node is appended.
    depth: Cell<u32>,
    reopened: RefCell<NodeSet>,
}

impl Positions {
    /// For a page with so many tags.
    fn new(tags: usize) -> Self {
        let mut html = Html::new_document();
        // Each tag begins a node, or a text begins behind it.
        html.tree = Tree::with_capacity(Node::Document, tags.min(NODES_AT_ONCE));
        Self {
            tree: HtmlTreeSink::new(html),
            begin: Cell::new(0),
            is_pending: Cell::new(false),
            tag: RefCell::new(None),
            places: RefCell::new(NodeMap::with_capacity_and_hasher(
                tags.min(NODES_AT_ONCE) / 2,
                BuildHasherDefault::default(),
            )),
            depth: Cell::new(0),
            reopened: RefCell::default(),
        }
    }

    /// The next piece of the source begins as a start tag does, but may be within another tag.
    fn piece(&self, at: usize) {
        if !self.is_pending.replace(true) {
            self.begin.set(at);
        }
    }

    /// An end tag closes one element or more.
    fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    fn is_too_deep(&self, tag: &str) -> bool {
        self.depth.get() >= DEPTH_AT_MOST && !ALWAYS_OPENED.contains(&tag)
    }

    fn appended(&self, parent: NodeId, child: &NodeOrText<NodeId>) {
        let mut places = self.places.borrow_mut();
        let mut depth = places.get(&parent).map_or(0, |place| place.depth);
        if let NodeOrText::AppendNode(child) = child {
            depth += 1;
            if let Some(place) = places.get_mut(child) {
                place.depth = depth;
            }
        }
        self.depth.set(depth);
    }

    fn into_dom(self) -> Dom {
        Dom {
            html: self.tree.finish(),
            places: self.places.into_inner(),
            reopened: self.reopened.into_inner(),
        }
    }
}

impl TreeSink for Positions {
    type Handle = NodeId;
    type Output = Html;
    type ElemName<'a> = <HtmlTreeSink as TreeSink>::ElemName<'a>;

    fn finish(self) -> Html {
        self.tree.finish()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> NodeId {
        let is_own = self.tag.borrow().as_ref().is_some_and(|tag| *tag == name.local);
        let id = self.tree.create_element(name, attributes, flags);
        self.places.borrow_mut().insert(id, Place { start: self.begin.get(), depth: 0 });
        if is_own {
            *self.tag.borrow_mut() = None;
        } else {
            self.reopened.borrow_mut().insert(id);
        }
        id
    }

    fn parse_error(&self, message: Cow<'static, str>) {
        self.tree.parse_error(message);
    }

    fn get_document(&self) -> NodeId {
        self.tree.get_document()
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Self::ElemName<'a> {
        self.tree.elem_name(target)
    }

    fn create_comment(&self, text: StrTendril) -> NodeId {
        self.tree.create_comment(text)
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> NodeId {
        self.tree.create_pi(target, data)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.appended(*parent, &child);
        self.tree.append(parent, child);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        self.tree.append_based_on_parent_node(element, previous, child);
    }

    fn append_doctype_to_document(&self, name: StrTendril, public_id: StrTendril, system_id: StrTendril) {
        self.tree.append_doctype_to_document(name, public_id, system_id);
    }

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        self.tree.get_template_contents(target)
    }

    fn same_node(&self, one: &NodeId, other: &NodeId) -> bool {
        self.tree.same_node(one, other)
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.tree.set_quirks_mode(mode);
    }

    fn append_before_sibling(&self, sibling: &NodeId, node: NodeOrText<NodeId>) {
        self.tree.append_before_sibling(sibling, node);
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        self.tree.add_attrs_if_missing(target, attributes);
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.tree.remove_from_parent(target);
    }

    fn reparent_children(&self, node: &NodeId, parent: &NodeId) {
        self.tree.reparent_children(node, parent);
    }
}

#[cfg(test)]
mod tests {
    use scraper::ElementRef;

    use super::*;

    fn starts(source: &str, name: &str) -> Vec<usize> {
        let dom = Dom::parse(source);
        let elements = dom.html.tree.root().descendants().filter_map(ElementRef::wrap);
        elements
            .filter(|element| element.value().name() == name && !dom.is_reopened(element.id()))
            .filter_map(|element| dom.start(element.id()))
            .collect()
    }

    #[test]
    fn a_start_tag_is_found_where_it_begins() {
        let source =
            "<p>a < b <A\n title='x < y <z>' href=1>c</a><!-- <a> --><script>'<a>'</script><a href=2>";
        let expected: Vec<usize> = vec![source.find("<A").unwrap(), source.rfind("<a href").unwrap()];
        assert_eq!(starts(source, "a"), expected);
        assert_eq!(starts("<noscript><a></noscript>\n<a>", "a"), [25]);
    }

    #[test]
    fn deep_nesting_is_cut_and_its_links_stay() {
        let deep = |tag: &str| format!("{}<a href=1>x</a>", tag.repeat(20_000));
        for tag in ["<div>", "<ul><li>", "<table><tr><td>", "<b id=x><i>", "<blockquote><p>"] {
            let source = format!("{}<p>Text</p></div></ul></table> <ul><li><a href=2>y</a>", deep(tag));
            assert_eq!(starts(&source, "a").len(), 2, "{tag}");
        }
        let source = format!("{}{} <section><a href=2>y</a>", deep("<div>"), "</div>".repeat(20_000));
        assert_eq!(starts(&source, "section").len(), 1);
    }

    #[test]
    fn reopened_elements_are_known() {
        let source = "<div><a href=1>one<p>two</div><p>three";
        let dom = Dom::parse(source);
        let links = dom.html.tree.root().descendants().filter_map(ElementRef::wrap);
        let links: Vec<_> = links.filter(|element| element.value().name() == "a").collect();
        assert!(links.len() > 1);
        assert_eq!(starts(source, "a"), [5]);
    }
}
