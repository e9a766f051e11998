//! The blocks of a page that give the time for the links in them: items, cells, lines,
//! terms, summaries.

use scraper::ElementRef;

use super::super::calendar::{self, item};
use super::super::outline::OutlinePosition;
use super::super::text::{self, Extent, Style, unmarked};
use super::super::timing::Timing;
use super::{Extractor, RowText};
use crate::domain::link::Sign;

/// The most characters of an item's text that are read.
const ROW_CHARS: usize = 300;
/// A longer bold line is a sentence and not a label.
const LABEL_CHARS: usize = 90;

const ITEM: Style = Style { chars: ROW_CHARS, marks: true, extent: Extent::Own, spoken: false };

impl Extractor<'_> {
    pub(super) fn block(&mut self, element: ElementRef, name: &str) {
        match name {
            "li" | "dd" => self.item(element),
            "p" => {
                self.bold_line(element);
                self.item(element);
            }
            "tr" => {
                let text = text::of(element, Style { chars: ROW_CHARS, ..Style::default() });
                self.rows.push(RowText { element: element.id(), text, is_of_table: true });
            }
            "td" | "th" => self.cell(element),
            "dt" => self.term(element),
            "details" => self.details(element),
            "br" => self.line(element),
            "footer" if !is_in_content(element) => {
                self.outline.block_of(element.id(), OutlinePosition::default());
            }
            "nav" | "footer" => self.outline.block(element.id(), |_| Timing::default()),
            "aside" | "figure" => self.outline.block(element.id(), Clone::clone),
            "div" | "section" | "article" | "span" | "time" | "b" | "strong" => {
                self.grid(element, name);
            }
            _ => {}
        }
    }

    fn item(&mut self, element: ElementRef) {
        let (marked, line_end) = text::with_first_line(element, ITEM);
        let first_line = &marked[..line_end];
        // A paragraph in an item has the text of the item.
        if self.item.text != first_line {
            self.item.label = item(first_line, self.dating, self.dating.order);
            self.item.text.clear();
            self.item.text.push_str(first_line);
        }
        let label = &self.item.label;
        if !self.rows.last().is_some_and(|row| row.is_of_table) {
            self.rows.push(RowText { element: element.id(), text: unmarked(&marked), is_of_table: false });
        }
        self.outline.block(element.id(), |outer| outer.within(label, Sign::Item, first_line));
    }

    /// A line of a block may give the time for its own links.
    fn line(&mut self, element: ElementRef) {
        let Some(block) = element.ancestors().filter_map(ElementRef::wrap).find(|ancestor| {
            matches!(ancestor.value().name(), "p" | "li" | "dd" | "td" | "th" | "div" | "body")
        }) else {
            return;
        };
        let text = text::line_behind(*element, block, ITEM);
        let label = item(&text, self.dating, self.dating.order);
        if !label.is_empty() && block.value().name() != "body" {
            self.outline.line(|outer| outer.within(&label, Sign::Item, &text));
        }
    }

    /// A paragraph that is completely bold counts as a heading.
    fn bold_line(&mut self, element: ElementRef) {
        let mut inner = element
            .children()
            .filter(|node| node.value().as_text().is_none_or(|text| !text.trim().is_empty()));
        let (Some(only), None) = (inner.next(), inner.next()) else { return };
        let is_bold =
            only.value().as_element().is_some_and(|element| matches!(element.name(), "b" | "strong"));
        let Some(parent) = element.parent().filter(|_| is_bold) else { return };
        let text = text::of(element, Style { chars: LABEL_CHARS, ..Style::default() });
        if text.chars().count() < LABEL_CHARS {
            self.label(parent.id(), &text);
        }
    }

    pub(super) fn label(&mut self, parent: ego_tree::NodeId, text: &str) {
        let label = calendar::heading(text, self.dating);
        self.outline.label(parent, |outer| outer.within(&label, Sign::Label, text));
    }

    fn term(&mut self, element: ElementRef) {
        let text = text::of(element, Style { chars: LABEL_CHARS, ..Style::default() });
        if let Some(parent) = element.parent() {
            self.label(parent.id(), &text);
        }
        if !self.rows.last().is_some_and(|row| row.is_of_table) {
            self.rows.push(RowText { element: element.id(), text: text.clone(), is_of_table: false });
        }
    }

    fn details(&mut self, element: ElementRef) {
        let summary =
            element.children().filter_map(ElementRef::wrap).find(|child| child.value().name() == "summary");
        let text = summary.map(|summary| text::of(summary, Style { chars: LABEL_CHARS, ..Style::default() }));
        let text = text.unwrap_or_default();
        let label = calendar::heading(&text, self.dating);
        self.outline.block(element.id(), |outer| outer.within(&label, Sign::Label, &text));
    }

    fn cell(&mut self, element: ElementRef) {
        match self.cells.remove(&element.id()) {
            Some(time) => {
                self.columns.push((element.id(), time.column));
                self.outline.block(element.id(), |outer| outer.within(&time.label, time.sign, &time.text));
            }
            None => self.outline.block(element.id(), Clone::clone),
        }
    }
}

/// The footer of a section belongs to it; the footer of the page does not belong to the last
/// heading of its content.
fn is_in_content(element: ElementRef) -> bool {
    element
        .ancestors()
        .filter_map(ElementRef::wrap)
        .any(|ancestor| matches!(ancestor.value().name(), "main" | "article" | "section"))
}
