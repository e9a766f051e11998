//! HTML that is properly nested, as it is made from other formats: every element has its end
//! tag and stands where the parser leaves it. The tree follows from the tags alone, in less than
//! half of the time of the parser.

use ego_tree::{NodeId, Tree};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tag, TagKind, Token};
use html5ever::{LocalName, QualName, local_name, ns};
use scraper::node::{Element, Text};
use scraper::{Html, Node};

use super::super::node_map::number;
use super::positions::{ElementPlace, NODES_AT_ONCE};
use super::{Dom, tokens};

/// Elements that are nested deeper are left to the parser, which has a limit.
const DEPTH_AT_MOST: usize = 100;

/// The rules of the parser for an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    /// It ends a paragraph.
    Block,
    Paragraph,
    Heading,
    /// It ends a paragraph, and stands in one of these elements only.
    Part(&'static [&'static str]),
    /// Parts of a table, which have no text.
    Rows(&'static [&'static str]),
    Link,
    Inline,
    /// Without content or end tag.
    Void,
    VoidBlock,
}

impl Model {
    /// `None` for elements that only the parser knows.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "blockquote" | "div" | "dl" | "ol" | "pre" | "section" | "ul" => Self::Block,
            "p" => Self::Paragraph,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Self::Heading,
            "li" => Self::Part(&["ul", "ol"]),
            "dt" | "dd" => Self::Part(&["dl"]),
            "td" | "th" => Self::Part(&["tr"]),
            "table" => Self::Rows(&[]),
            "thead" | "tbody" | "tfoot" => Self::Rows(&["table"]),
            "tr" => Self::Rows(&["thead", "tbody", "tfoot"]),
            "a" => Self::Link,
            "b" | "code" | "del" | "em" | "i" | "span" | "strong" | "sub" | "sup" => Self::Inline,
            "br" | "img" => Self::Void,
            "hr" => Self::VoidBlock,
            _ => return None,
        })
    }

    fn is_void(self) -> bool {
        matches!(self, Self::Void | Self::VoidBlock)
    }
}

/// An element without its end tag so far.
struct Open {
    id: NodeId,
    name: LocalName,
    model: Model,
}

struct Builder {
    html: Html,
    places: Vec<ElementPlace>,
    body: NodeId,
    open: Vec<Open>,
}

/// The tree of a source with so many tags; `None` if it is not properly nested.
pub(super) fn parse(source: &StrTendril, tags: usize) -> Option<Dom> {
    let mut at = 0;
    let mut builder = None;
    while at < source.len() {
        let (token, end) = tokens::plain(source, at)?;
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                let model = Model::of(&tag.name)?;
                builder.get_or_insert_with(|| Builder::new(tags)).start(tag, model, at)?;
            }
            Token::TagToken(tag) => builder.as_mut()?.end(&tag)?,
            Token::CharacterTokens(text) => builder.as_mut()?.text(text)?,
            _ => return None,
        }
        at = end;
    }
    builder.filter(|builder| builder.open.is_empty()).map(|Builder { html, places, .. }| Dom { html, places })
}

impl Builder {
    /// With the elements that the parser adds around a page without them.
    fn new(tags: usize) -> Self {
        let mut html = Html::new_document();
        html.tree = Tree::with_capacity(Node::Document, tags.min(NODES_AT_ONCE));
        let element = |name| Node::Element(Element::new(QualName::new(None, ns!(html), name), Vec::new()));
        let mut root = html.tree.root_mut();
        let mut outermost = root.append(element(local_name!("html")));
        outermost.append(element(local_name!("head")));
        let body = outermost.append(element(local_name!("body"))).id();
        let mut places = Vec::with_capacity(tags.min(NODES_AT_ONCE));
        places.resize(number(body) + 1, ElementPlace::added());
        Self { html, places, body, open: Vec::new() }
    }

    fn start(&mut self, tag: Tag, model: Model, at: usize) -> Option<()> {
        let is_fitting = self.may_contain(model) && self.open.len() < DEPTH_AT_MOST;
        if !is_fitting || (tag.self_closing && !model.is_void()) {
            return None;
        }
        let name = QualName::new(None, ns!(html), tag.name.clone());
        let id = self.append(Node::Element(Element::new(name, tag.attrs)))?;
        self.places.resize(number(id), ElementPlace::default());
        self.places.push(ElementPlace::own(at));
        if !model.is_void() {
            self.open.push(Open { id, name: tag.name, model });
        }
        Some(())
    }

    /// Whether an element with such rules may stand at this place.
    fn may_contain(&self, model: Model) -> bool {
        let is_open = |model| self.open.iter().any(|open| open.model == model);
        let parent = self.open.last();
        let is_in = |names: &[&str]| parent.is_some_and(|parent| names.contains(&&*parent.name));
        let is_in_rows = parent.is_some_and(|parent| matches!(parent.model, Model::Rows(_)));
        match model {
            Model::Part(parents) => is_in(parents) && !is_open(Model::Paragraph),
            Model::Rows(parents) if !parents.is_empty() => is_in(parents),
            _ if is_in_rows => false,
            Model::Heading => {
                !is_open(Model::Paragraph) && parent.is_none_or(|parent| parent.model != Model::Heading)
            }
            Model::Block | Model::Paragraph | Model::Rows(_) | Model::VoidBlock => !is_open(Model::Paragraph),
            Model::Link => !is_open(Model::Link),
            Model::Inline | Model::Void => true,
        }
    }

    fn end(&mut self, tag: &Tag) -> Option<()> {
        self.open.pop().filter(|open| open.name == tag.name).map(|_| ())
    }

    fn text(&mut self, text: StrTendril) -> Option<()> {
        let is_white = || text.bytes().all(|byte| byte.is_ascii_whitespace());
        let is_fitting = self.open.last().is_none_or(|parent| match parent.model {
            Model::Rows(_) => is_white(),
            // The parser drops a line break behind the start tag.
            _ => parent.name != local_name!("pre") || !text.starts_with('\n'),
        });
        is_fitting.then(|| self.append(Node::Text(Text { text })))?.map(|_| ())
    }

    fn append(&mut self, node: Node) -> Option<NodeId> {
        let parent = self.open.last().map_or(self.body, |parent| parent.id);
        self.html.tree.get_mut(parent).map(|mut parent| parent.append(node).id())
    }
}
