//! The cells of a table in their rows and columns (WHATWG HTML section 4.9.12).

use std::rc::Rc;

use ego_tree::NodeId;
use scraper::ElementRef;

use super::super::calendar::{CellText, Dating};
use super::super::text::{self, Style};

/// The most characters of a cell's text that are read.
const CELL_CHARS: usize = 160;
/// A wider table is not a calendar.
const COLUMNS_AT_MOST: usize = 64;
/// The time of a cell that spans rows ends after this many rows.
const ROWS_AT_MOST: usize = 1000;

#[derive(Clone, Debug)]
pub(super) struct TableCell {
    pub(super) id: NodeId,
    /// With marks at the beginnings and ends of links.
    pub(super) text: Rc<str>,
    pub(super) times: Rc<CellText>,
    pub(super) column: usize,
    pub(super) width: usize,
    pub(super) is_head: bool,
    /// Begun in a row above.
    pub(super) is_below: bool,
}

pub(super) type TableRow = Vec<TableCell>;

/// The rows with their cells in place. A cell that spans rows is in each of them.
pub(super) fn rows(table: ElementRef, dating: &Dating) -> Vec<TableRow> {
    // Most cells of a table have no time.
    let no_time = Rc::new(CellText::default());
    let mut spanning: Vec<(TableCell, usize)> = Vec::new();
    let mut rows = Vec::new();
    for tr in own_rows(table) {
        let mut row: TableRow = Vec::new();
        let mut left: Vec<(TableCell, usize)> = Vec::new();
        for (cell, more) in spanning.drain(..) {
            row.push(TableCell { is_below: true, ..cell.clone() });
            if more > 1 {
                left.push((cell, more - 1));
            }
        }
        let taken = |row: &TableRow, at: usize| {
            row.iter().any(|cell| cell.is_below && (cell.column..cell.column + cell.width).contains(&at))
        };
        let mut column = 0;
        for element in cells(tr) {
            while taken(&row, column) {
                column += 1;
            }
            if column >= COLUMNS_AT_MOST {
                break;
            }
            let span = |name: &str| {
                text::attribute(element.value(), name)
                    .and_then(|value| value.trim().parse::<usize>().ok())
                    .unwrap_or(1)
            };
            let width = span("colspan").clamp(1, COLUMNS_AT_MOST);
            let text = text::of(element, Style { chars: CELL_CHARS, marks: true, ..Style::default() });
            let times = CellText::read(&text, dating);
            let cell = TableCell {
                id: element.id(),
                times: if times == *no_time { Rc::clone(&no_time) } else { Rc::new(times) },
                text: text.into(),
                column,
                width,
                is_head: is_head(element),
                is_below: false,
            };
            let height = span("rowspan").min(ROWS_AT_MOST);
            if height > 1 {
                left.push((cell.clone(), height - 1));
            }
            column += width;
            row.push(cell);
        }
        row.sort_by_key(|cell| cell.column);
        row.shrink_to_fit();
        spanning = left;
        rows.push(row);
    }
    rows
}

/// The rows of the table itself, without those of nested tables.
fn own_rows(table: ElementRef) -> impl Iterator<Item = ElementRef> {
    let parts = table.children().filter_map(ElementRef::wrap);
    parts.flat_map(|part| match part.value().name() {
        "tr" => vec![part],
        "thead" | "tbody" | "tfoot" => {
            part.children().filter_map(ElementRef::wrap).filter(|row| row.value().name() == "tr").collect()
        }
        _ => Vec::new(),
    })
}

fn cells(row: ElementRef) -> impl Iterator<Item = ElementRef> {
    row.children().filter_map(ElementRef::wrap).filter(|cell| matches!(cell.value().name(), "td" | "th"))
}

/// A header cell: `th`, or completely bold.
fn is_head(cell: ElementRef) -> bool {
    let mut inner =
        cell.children().filter(|node| node.value().as_text().is_none_or(|text| !text.trim().is_empty()));
    let is_bold = |node: ego_tree::NodeRef<scraper::Node>| {
        node.value().as_element().is_some_and(|element| matches!(element.name(), "b" | "strong"))
    };
    cell.value().name() == "th" || (inner.next().is_some_and(is_bold) && inner.next().is_none())
}
