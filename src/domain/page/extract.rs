//! Extracts the mentions from the tree of a page, in one pass in the order of the page.
//!
//! HTML is read directly. Every other format is converted to HTML first and then read in
//! the same way.

mod blocks;
mod grid;
mod links;
pub(super) mod notes;

use std::rc::Rc;

use ego_tree::NodeId;
use ego_tree::iter::Edge;
use rustc_hash::FxHashMap;
use scraper::{ElementRef, Html};

use super::anchor::{self, Anchors};
use super::calendar::{self, DateExpr, Dating, Label, Languages, Order, heading, names_news};
use super::dom::Dom;
use super::node_map::NodeMap;
use super::outline::{Outline, OutlinePosition};
use super::source_map::SourceMap;
use super::table::{self, CellTime};
use super::text::{self, Style, heading_level, squeezed};
use super::timing::Timing;
use super::{Omission, Page, PageContext, script};
use crate::domain::address::Address;
use crate::domain::link::Sign;

const HEADING_CHARS: usize = 300;
/// The length of the text from which the language and the order of dates are determined.
const SAMPLE_CHARS: usize = 50_000;

/// The differences of a source format from HTML.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dialect {
    /// Headings get their ids from their text.
    pub(super) slugs: bool,
    /// The first heading is the title if there is no other.
    pub(super) titled_by_heading: bool,
}

/// Reads the page.
pub(super) fn page(html: &str, map: &SourceMap, context: &PageContext, dialect: Dialect) -> Page {
    let dom = Dom::parse(html);
    let overview = Overview::of(&dom.html);
    let base = overview.base(context.base);
    let dating = overview.dating(context);
    let mut extractor = Extractor {
        context,
        dom: &dom,
        map,
        dating: &dating,
        base: base.as_ref(),
        dialect,
        outline: Outline::default(),
        anchors: Anchors::default(),
        cells: NodeMap::default(),
        columns: Vec::new(),
        rows: Vec::new(),
        item: ItemLabel::default(),
        grids: NodeMap::default(),
        rows_of: NodeMap::default(),
        starts: Vec::with_capacity(overview.links),
        page: Page { mentions: Vec::with_capacity(overview.links), ..Page::default() },
        has_frames: false,
        notes: FxHashMap::default(),
    };
    for edge in dom.html.tree.root().traverse() {
        match edge {
            Edge::Open(node) => {
                if let Some(element) = ElementRef::wrap(node) {
                    extractor.open(element);
                }
            }
            Edge::Close(node) if node.value().is_element() => extractor.close(node.id()),
            Edge::Close(_) => {}
        }
    }
    extractor.finish(&overview.scripts)
}

/// What the whole page says, for each of its parts.
struct Overview<'a> {
    /// The address of the first `<base href>`.
    base: Option<&'a str>,
    /// The language that the page declares.
    language: Option<&'a str>,
    /// Its title and the headings of the upper levels.
    headings: Vec<String>,
    /// Pieces of its text, of limited length together.
    pieces: Vec<&'a str>,
    /// The number of its elements that may be links.
    links: usize,
    scripts: script::Scripts,
}

impl<'a> Overview<'a> {
    fn of(html: &'a Html) -> Self {
        let mut overview = Self {
            base: None,
            language: None,
            headings: Vec::new(),
            pieces: Vec::new(),
            links: 0,
            scripts: script::Scripts::default(),
        };
        let mut chars = 0;
        // In the order in which the parser made the nodes, which is that of the source.
        for node in html.tree.nodes() {
            if let Some(element) = ElementRef::wrap(node) {
                overview.element(element);
            } else if let Some(piece) = node.value().as_text().filter(|_| chars <= SAMPLE_CHARS) {
                let parent = node.parent().and_then(ElementRef::wrap).map(|parent| parent.value().name());
                if matches!(parent, Some("script" | "style" | "noscript")) || piece.trim().is_empty() {
                    continue;
                }
                chars += piece.len();
                if chars <= SAMPLE_CHARS {
                    overview.pieces.push(piece);
                }
            }
        }
        overview
    }

    fn element(&mut self, element: ElementRef<'a>) {
        let attribute = |name: &str| text::attribute(element.value(), name);
        match element.value().name() {
            "base" => self.base = self.base.or_else(|| attribute("href")),
            "html" => self.language = self.language.or_else(|| attribute("lang")),
            "title" | "h1" | "h2" => {
                self.headings.push(squeezed(&element.text().collect::<String>()));
            }
            "a" => self.links += 1,
            name => self.scripts.element(element, name),
        }
    }

    /// `<base href>` is resolved against the page's own address (WHATWG HTML section 4.2.3).
    fn base(&self, page: Option<&Address>) -> Option<Address> {
        match (self.base, page) {
            (Some(written), Some(page)) => page.join(written).ok().or_else(|| Some(page.clone())),
            (Some(written), None) => Address::parse(written).ok(),
            (None, page) => page.cloned(),
        }
    }

    /// The term, the languages and the order of dates.
    fn dating(&self, context: &PageContext) -> Dating {
        let mut languages = Languages::of(self.language, &calendar::folded(&self.pieces.join("\n")));
        if let Some(language) = self.headings.iter().find_map(|text| calendar::season_language(text)) {
            languages.add(language);
        }
        let term = context.term.or_else(|| calendar::named_in(self.headings.iter().map(String::as_str)));
        let order = if languages.is_day_first(self.language) { Order::DayFirst } else { Order::MonthFirst };
        let mut dating = Dating { term, today: context.today, languages, order };
        let dates: Vec<DateExpr> = self
            .pieces
            .iter()
            .filter(|piece| piece.len() < 200 && piece.contains('/'))
            .flat_map(|piece| calendar::dates(piece, &dating.languages))
            .collect();
        dating.order = dating.order_of(dates.iter(), order);
        dating
    }
}

struct Extractor<'a> {
    context: &'a PageContext<'a>,
    dom: &'a Dom,
    map: &'a SourceMap,
    dating: &'a Dating,
    base: Option<&'a Address>,
    dialect: Dialect,
    outline: Outline,
    anchors: Anchors,
    /// The times that tables give to their cells.
    cells: NodeMap<CellTime>,
    /// The column headers around a place.
    columns: Vec<(NodeId, Rc<str>)>,
    /// The rows and items around a place.
    rows: Vec<RowText>,
    item: ItemLabel,
    /// Elements with several children that are labels.
    grids: NodeMap<bool>,
    /// Elements with several children that begin with a label.
    rows_of: NodeMap<bool>,
    /// The position of each mention in the HTML.
    starts: Vec<usize>,
    page: Page,
    has_frames: bool,
    /// Where the page refers to each of its footnotes, by the id of the note.
    notes: FxHashMap<String, OutlinePosition>,
}

/// What the last item gives, by the text that was read.
#[derive(Default)]
struct ItemLabel {
    text: String,
    label: Label,
}

struct RowText {
    element: NodeId,
    text: String,
    is_of_table: bool,
}

impl Extractor<'_> {
    fn open(&mut self, element: ElementRef) {
        let name = element.value().name();
        self.anchors.add(element.value().id());
        self.anchors.add(text::attribute(element.value(), "name"));
        self.note(element);
        if let Some(level) = heading_level(name) {
            self.heading(element, level);
            return;
        }
        match name {
            "a" | "area" => self.link(element),
            "iframe" | "embed" | "object" | "video" | "audio" | "source" | "track" | "frame" => {
                self.embed(element)
            }
            "table" => self.cells.extend(table::read(element, self.dating).cells),
            "title" if self.page.title.is_none() && !is_in_drawing(element) => {
                self.page.title =
                    Some(squeezed(&element.text().collect::<String>())).filter(|title| !title.is_empty());
            }
            _ => self.block(element, name),
        }
    }

    fn close(&mut self, element: NodeId) {
        self.outline.close(element);
        while self.columns.last().is_some_and(|(cell, _)| *cell == element) {
            self.columns.pop();
        }
        while self.rows.last().is_some_and(|row| row.element == element) {
            self.rows.pop();
        }
    }

    fn heading(&mut self, element: ElementRef, level: u8) {
        let text = text::of(element, Style { chars: HEADING_CHARS, ..Style::default() });
        if self.dialect.slugs {
            self.anchors.add_heading(&text);
        } else {
            self.anchors.add_likely(&text);
        }
        if self.dialect.titled_by_heading && self.page.title.is_none() && !text.is_empty() {
            self.page.title = Some(text.clone());
        }
        let label = heading(&text, self.dating);
        let is_news = names_news(&text);
        self.outline.heading(level, &text, |outer| {
            if is_news { Timing::silenced() } else { outer.within(&label, Sign::Heading, &text) }
        });
    }

    fn finish(mut self, scripts: &script::Scripts) -> Page {
        let mut order: Vec<usize> = (0..self.page.mentions.len()).collect();
        order.sort_by_key(|at| self.starts[*at]);
        if order.windows(2).any(|pair| pair[0] > pair[1]) {
            let mentions = order.iter().map(|at| self.page.mentions[*at].clone()).collect();
            self.page.mentions = mentions;
        }
        self.page.defects = anchor::defects(&self.page.mentions, &self.anchors, scripts);
        if self.has_frames {
            self.page.omissions.push(Omission::Framed);
        }
        if scripts.make_links(self.page.mentions.len()) {
            self.page.omissions.push(Omission::MadeByScript);
        }
        self.page
    }
}

/// The titles inside a drawing are not the page's title.
fn is_in_drawing(element: ElementRef) -> bool {
    element.ancestors().filter_map(ElementRef::wrap).any(|ancestor| ancestor.value().name() == "svg")
}
