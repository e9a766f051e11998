//! Course pages in HTML.

use std::collections::HashSet;

use ego_tree::NodeId;
use scraper::{ElementRef, Html, Node, Selector};

use super::anchor::{self, Anchors};
use super::due::{self, Calendar, When};
use super::outline::{Outline, beginning, squeezed};
use super::{Context, Page, kind, line, target};
use crate::domain::address::Address;
use crate::domain::link::{Kind, Mention, Target};

/// The text of a list item or row says enough in this many characters.
const ROW_CHARS: usize = 300;

pub(super) fn read(source: &str, context: &Context) -> Page {
    let html = Html::parse_document(source);
    let base = base(&html, context.base);
    let headings = headings(&html);
    let context = &context.in_term_of(headings.iter().map(String::as_str));
    let lines = line::of_anchors(source);
    let mut walk = Walk {
        context,
        base: base.as_ref(),
        outline: Outline::default(),
        calendar: Calendar::default(),
        rows: None,
        row: None,
        page: Page::default(),
    };
    let mut anchors = Anchors::default();
    let mut nth = 0;
    for node in html.tree.root().descendants() {
        let Some(element) = ElementRef::wrap(node) else { continue };
        let name = element.value().name();
        anchors.add(element.value().id());
        anchors.add(element.value().attr("name"));
        if let Some(level) = heading_level(name) {
            let text = text_of(element);
            walk.calendar.heading(&text, context);
            walk.outline.enter(level, &text);
        } else if name == "a" || name == "area" {
            let line = lines.get(nth).copied().unwrap_or(0);
            nth += 1;
            walk.link(element, line);
        } else if name == "tr" {
            walk.row(element);
        } else if name == "title" && walk.page.title.is_none() {
            walk.page.title = Some(squeezed(&text_of(element))).filter(|title| !title.is_empty());
        }
    }
    let mut page = walk.page;
    page.defects = anchor::defects(&page.mentions, &anchors);
    page
}

/// The title and the highest headings, in the order of the page.
fn headings(html: &Html) -> Vec<String> {
    let highest = Selector::parse("title, h1, h2").into_iter();
    highest.flat_map(|selector| html.select(&selector).map(text_of).collect::<Vec<_>>()).collect()
}

fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// `<base href>` counts from the page's own address (WHATWG HTML section 4.2.3).
fn base(html: &Html, page: Option<&Address>) -> Option<Address> {
    let written = Selector::parse("base[href]").ok().and_then(|selector| {
        html.select(&selector).next().and_then(|base| base.value().attr("href")).map(str::to_owned)
    });
    match (written, page) {
        (Some(written), Some(page)) => page.join(&written).ok().or_else(|| Some(page.clone())),
        (Some(written), None) => Address::parse(&written).ok(),
        (None, page) => page.cloned(),
    }
}

struct Walk<'a> {
    context: &'a Context<'a>,
    base: Option<&'a Address>,
    outline: Outline,
    calendar: Calendar,
    /// The table being read, and its rows so far.
    rows: Option<(NodeId, due::Rows)>,
    /// The row being read, and when its links are needed.
    row: Option<(NodeId, When)>,
    page: Page,
}

impl Walk<'_> {
    fn row(&mut self, tr: ElementRef) {
        let cells = cells(tr);
        let Some(table) = cells.table else { return };
        let mut rows = self
            .rows
            .take()
            .filter(|(of_table, _)| *of_table == table)
            .map_or_else(due::Rows::default, |(_, rows)| rows);
        let when = rows.next(&cells.own, cells.is_short, &self.calendar, self.context);
        self.rows = Some((table, rows));
        self.row = Some((tr.id(), when));
    }

    fn link(&mut self, element: ElementRef, line: u32) {
        let Some(written) = element.value().attr("href") else { return };
        let target = target::resolve(written, self.base, self.context.base);
        let words = words(element);
        let headings = self.outline.path();
        let block = block_of(element);
        let row = block.map(|block| beginning(&text_of(block), ROW_CHARS)).unwrap_or_default();
        let when = match (&self.row, block) {
            (Some((tr, when)), Some(block)) if *tr == block.id() => when.clone(),
            _ => due::of(&[], &row, &self.calendar, self.context),
        };
        let kind = match &target {
            Target::Web { address, .. } => kind::of(&kind::Place {
                address,
                words: &words,
                headings: &headings,
                row: &row,
                page: self.context.base,
                rules: self.context.kinds,
            }),
            Target::InPage(_) | Target::Nothing | Target::OtherScheme(_) | Target::Malformed(_) => {
                Kind::Other
            }
        };
        self.page.mentions.push(Mention {
            written: written.to_owned(),
            target,
            words,
            headings,
            row,
            week: when.week,
            due: when.due,
            line,
            kind,
            page: None,
        });
    }
}

/// The words of a link; what stands for them where it has none.
fn words(element: ElementRef) -> String {
    let text = squeezed(&text_of(element));
    if !text.is_empty() {
        return text;
    }
    let attribute = |name: &str| element.value().attr(name).map(squeezed).filter(|text| !text.is_empty());
    let image = element
        .descendants()
        .filter_map(ElementRef::wrap)
        .find_map(|inner| inner.value().attr("alt").map(squeezed).filter(|text| !text.is_empty()));
    image
        .or_else(|| attribute("alt"))
        .or_else(|| attribute("aria-label"))
        .or_else(|| attribute("title"))
        .unwrap_or_default()
}

/// Text as shown: no scripts, styles or templates; blocks apart from each other.
fn text_of(element: ElementRef) -> String {
    let mut hidden = HashSet::new();
    let mut text = String::new();
    for node in element.descendants() {
        if node.parent().is_some_and(|parent| hidden.contains(&parent.id())) {
            hidden.insert(node.id());
            continue;
        }
        match node.value() {
            Node::Text(inner) => text.push_str(inner),
            Node::Element(inner) => match inner.name() {
                "script" | "style" | "template" => {
                    hidden.insert(node.id());
                }
                "br" | "p" | "div" | "li" | "td" | "th" | "tr" => text.push(' '),
                _ => {}
            },
            _ => {}
        }
    }
    text
}

/// The innermost row, item or paragraph that a link stands in.
fn block_of(element: ElementRef) -> Option<ElementRef> {
    element
        .ancestors()
        .filter_map(ElementRef::wrap)
        .find(|ancestor| matches!(ancestor.value().name(), "li" | "tr" | "dt" | "dd" | "p"))
        .map(|block| enclosing_row(block).unwrap_or(block))
}

/// A paragraph or list in a table cell belongs to the table's row.
fn enclosing_row(block: ElementRef) -> Option<ElementRef> {
    block
        .ancestors()
        .filter_map(ElementRef::wrap)
        .take_while(|ancestor| !matches!(ancestor.value().name(), "body" | "section" | "article"))
        .find(|ancestor| ancestor.value().name() == "tr")
}

/// A table row, cell by cell.
struct Cells {
    own: Vec<due::Cell>,
    table: Option<NodeId>,
    is_short: bool,
}

fn cells(block: ElementRef) -> Cells {
    let table =
        block.ancestors().filter_map(ElementRef::wrap).find(|ancestor| ancestor.value().name() == "table");
    let titles = table.map(column_titles).unwrap_or_default();
    let count = own_cells(block).count();
    // Spanned cells stand at the left: what is missing is missing there.
    let missing = titles.len().saturating_sub(count);
    let own = own_cells(block)
        .enumerate()
        .map(|(column, cell)| due::Cell {
            title: titles.get(column + missing).cloned().unwrap_or_default(),
            text: beginning(&text_of(cell), ROW_CHARS),
        })
        .collect();
    Cells { own, table: table.map(|table| table.id()), is_short: missing > 0 }
}

fn own_cells(row: ElementRef) -> impl Iterator<Item = ElementRef> {
    row.children().filter_map(ElementRef::wrap).filter(|cell| matches!(cell.value().name(), "td" | "th"))
}

fn column_titles(table: ElementRef) -> Vec<String> {
    table
        .descendants()
        .filter_map(ElementRef::wrap)
        .find(|row| row.value().name() == "tr")
        .filter(|row| own_cells(*row).any(|cell| cell.value().name() == "th"))
        .map(|row| own_cells(row).map(|cell| squeezed(&text_of(cell)).to_lowercase()).collect())
        .unwrap_or_default()
}
