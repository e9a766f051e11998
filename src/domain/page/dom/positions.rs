//! The tree that the parser builds, with the place of each start tag.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use ego_tree::{NodeId, Tree};
use html5ever::tendril::StrTendril;
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, QualName};
use scraper::{Html, HtmlTreeSink, Node};

use super::super::node_map::number;
use super::{ALWAYS_OPENED, DEPTH_AT_MOST, Dom};

/// Memory is reserved for so many nodes at most; a page with more `<` may not have them.
pub(super) const NODES_AT_ONCE: usize = 1 << 18;

/// Where an element stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ElementPlace {
    /// The byte of the source at which its start tag begins.
    pub(super) start: usize,
    depth: u32,
    /// The parser opened it, or opened it again.
    pub(super) is_reopened: bool,
}

impl ElementPlace {
    /// Of an element that has its start tag here.
    pub(super) fn own(start: usize) -> Self {
        Self { start, depth: 0, is_reopened: false }
    }

    /// Of an element that the parser adds.
    pub(super) fn added() -> Self {
        Self { is_reopened: true, ..Self::default() }
    }
}

/// The tree that is being built, and the position of each start tag.
pub(super) struct Positions {
    tree: HtmlTreeSink,
    /// The position of the token that is being read.
    begin: Cell<usize>,
    /// No token was completed since `begin`.
    pub(super) is_pending: Cell<bool>,
    /// The start tag that is being processed, until its element is created.
    pub(super) tag: RefCell<Option<html5ever::LocalName>>,
    /// By the number of the node. Nodes that are no elements have one without meaning.
    places: RefCell<Vec<ElementPlace>>,
    /// How deep the parser stands, at most: known whenever a node is appended.
    depth: Cell<u32>,
}

impl Positions {
    /// For a page with so many tags.
    pub(super) fn new(tags: usize) -> Self {
        let mut html = Html::new_document();
        // Each tag begins a node, or a text begins behind it.
        html.tree = Tree::with_capacity(Node::Document, tags.min(NODES_AT_ONCE));
        Self {
            tree: HtmlTreeSink::new(html),
            begin: Cell::new(0),
            is_pending: Cell::new(false),
            tag: RefCell::new(None),
            places: RefCell::new(Vec::with_capacity(tags.min(NODES_AT_ONCE))),
            depth: Cell::new(0),
        }
    }

    /// The next token begins here.
    pub(super) fn token(&self, at: usize) {
        self.begin.set(at);
        self.is_pending.set(false);
    }

    /// The next piece of the source begins as a start tag does, but may be within another tag.
    pub(super) fn piece(&self, at: usize) {
        if !self.is_pending.replace(true) {
            self.begin.set(at);
        }
    }

    /// An end tag closes one element or more.
    pub(super) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    pub(super) fn is_too_deep(&self, tag: &str) -> bool {
        self.depth.get() >= DEPTH_AT_MOST && !ALWAYS_OPENED.contains(&tag)
    }

    fn appended(&self, parent: NodeId, child: &NodeOrText<NodeId>) {
        let mut places = self.places.borrow_mut();
        let mut depth = places.get(number(parent)).map_or(0, |place| place.depth);
        if let NodeOrText::AppendNode(child) = child {
            depth += 1;
            if let Some(place) = places.get_mut(number(*child)) {
                place.depth = depth;
            }
        }
        self.depth.set(depth);
    }

    pub(super) fn into_dom(self) -> Dom {
        Dom { html: self.tree.finish(), places: self.places.into_inner() }
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
        if is_own {
            *self.tag.borrow_mut() = None;
        }
        let id = self.tree.create_element(name, attributes, flags);
        let at = number(id);
        let mut places = self.places.borrow_mut();
        if places.len() <= at {
            places.resize(at + 1, ElementPlace::default());
        }
        places[at] = ElementPlace { start: self.begin.get(), depth: 0, is_reopened: !is_own };
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
