//! Converts course pages in other formats to HTML with source positions.
//!
//! Each reader converts the links, headings, items and tables of its format, and passes
//! everything else on as text.

mod bibtex;
mod csv;
mod data;
mod latex;
mod notebook;
mod org;
mod restructured_text;

pub(super) use bibtex::made as bibtex;
pub(super) use csv::{made as csv, rows as csv_rows};
pub(super) use data::{head as data_head, made as data};
pub(super) use latex::made as latex;
pub(super) use notebook::made as notebook;
pub(super) use org::made as org;
pub(super) use restructured_text::made as restructured_text;

use std::ops::Range;

use super::autolink;
use super::source_map::Made;

/// A line of a text and its position.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    text: &'a str,
    start: usize,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

fn lines(source: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    source
        .split_inclusive('\n')
        .map(|line| {
            let found = Line { text: line.trim_end_matches(['\n', '\r']), start };
            start += line.len();
            found
        })
        .collect()
}

/// Only the addresses of a text.
pub(super) fn addresses(source: &str, range: Range<usize>, made: &mut Made) {
    for bare in autolink::find(&source[range.clone()]) {
        made.link(&bare.address, "", range.start + bare.range.start);
    }
}

/// A text whose bare addresses become links.
fn with_addresses(made: &mut Made, text: &str, start: usize) {
    let mut from = 0;
    for bare in autolink::find(text) {
        made.text(&text[from..bare.range.start], start + from);
        made.link(&bare.address, &text[bare.range.clone()], start + bare.range.start);
        from = bare.range.end;
    }
    made.text(&text[from..], start + from);
}

/// Lists by indentation, opened and closed with their items.
#[derive(Debug, Default)]
struct Lists {
    /// The indentation of each open list.
    open: Vec<usize>,
}

impl Lists {
    fn item(&mut self, made: &mut Made, indent: usize, start: usize) {
        while self.open.last().is_some_and(|last| *last > indent) {
            self.open.pop();
            made.markup("</li></ul>", start);
        }
        if self.open.last() == Some(&indent) {
            made.markup("</li><li>", start);
        } else {
            self.open.push(indent);
            made.markup("<ul><li>", start);
        }
    }

    /// A text that is indented no further than the items ends them.
    fn end(&mut self, made: &mut Made, indent: usize, start: usize) {
        while self.open.last().is_some_and(|last| *last >= indent) {
            self.open.pop();
            made.markup("</li></ul>", start);
        }
    }
}

/// The text after the marker of a list item, and its distance from the start of the line.
fn item_mark(line: &str) -> Option<usize> {
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let mark = match rest.chars().next()? {
        '-' | '+' | '*' | '•' => rest.chars().next()?.len_utf8(),
        '#' if rest.starts_with("#.") => 2,
        c if c.is_ascii_digit() && number.starts_with(['.', ')']) => rest.len() - number.len() + 1,
        _ => return None,
    };
    rest[mark..].starts_with([' ', '\t']).then(|| indent + mark + 1)
}
