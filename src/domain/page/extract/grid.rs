//! Calendars without a table. A child with a time and nothing else is the label of those
//! after it, if the page has several such children.

use scraper::ElementRef;

use super::super::calendar::is_only_time;
use super::super::text::{self, Style};
use super::{Extractor, RowText};

/// The longest label.
const LABEL_CHARS: usize = 60;
const ROW_CHARS: usize = 300;
/// The number of children from which an element is recognised as a calendar.
const CHILDREN_AT_MOST: usize = 400;

impl Extractor<'_> {
    pub(super) fn grid(&mut self, element: ElementRef, name: &str) {
        let Some(parent) = element.parent().and_then(ElementRef::wrap) else { return };
        if self.is_label(element) && (self.has_labels(parent) || self.is_one_of_rows(parent)) {
            let text = label_text(element);
            self.label(parent.id(), &text);
        }
        if matches!(name, "div" | "section" | "article")
            && !self.rows.last().is_some_and(|row| row.is_of_table)
            && self.is_row(element)
        {
            let text = text::of(element, Style { chars: ROW_CHARS, ..Style::default() });
            self.rows.push(RowText { element: element.id(), text, is_of_table: false });
        }
    }

    /// Whether an element has a time and nothing else.
    fn is_label(&self, element: ElementRef) -> bool {
        let is_plain = matches!(element.value().name(), "div" | "span" | "time" | "b" | "strong" | "p");
        is_plain && {
            let text = label_text(element);
            !text.is_empty() && text.chars().count() < LABEL_CHARS && is_only_time(&text, self.dating)
        }
    }

    /// Whether several children of an element are labels.
    fn has_labels(&mut self, parent: ElementRef) -> bool {
        if let Some(known) = self.grids.get(&parent.id()) {
            return *known;
        }
        let is_block =
            matches!(parent.value().name(), "div" | "section" | "article" | "main" | "body" | "td");
        let children = parent.children().filter_map(ElementRef::wrap).take(CHILDREN_AT_MOST);
        let found = is_block && children.filter(|child| self.is_label(*child)).take(2).count() > 1;
        self.grids.insert(parent.id(), found);
        found
    }

    /// Whether an element and some of its siblings begin with a label.
    fn is_one_of_rows(&mut self, element: ElementRef) -> bool {
        let Some(parent) = element.parent().and_then(ElementRef::wrap).filter(|_| self.is_row(element))
        else {
            return false;
        };
        let key = element.parent().map(|parent| parent.id());
        if let Some(known) = key.and_then(|key| self.rows_of.get(&key)) {
            return *known;
        }
        let children = parent.children().filter_map(ElementRef::wrap).take(CHILDREN_AT_MOST);
        let found = children.filter(|child| self.is_row(*child)).take(2).count() > 1;
        if let Some(key) = key {
            self.rows_of.insert(key, found);
        }
        found
    }

    fn is_row(&self, element: ElementRef) -> bool {
        let is_block = matches!(element.value().name(), "div" | "section" | "article" | "li");
        let first = element.children().find_map(ElementRef::wrap);
        is_block && first.is_some_and(|first| self.is_label(first))
    }
}

fn label_text(element: ElementRef) -> String {
    text::of(element, Style { chars: LABEL_CHARS, marks: true, ..Style::default() })
}
