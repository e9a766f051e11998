//! YAML and JSON: the fields beside an address give its words, its day and its week.

use std::ops::Range;

use saphyr_parser::{Event, Parser};

use crate::domain::page::calendar;
use crate::domain::page::markdown;
use crate::domain::page::source_map::{Made, escape};

/// More deeply nested data is not a calendar.
const DEPTH_AT_MOST: usize = 64;
/// Fields with the name of a record.
const NAMES: &[&str] = &["title", "name", "text", "label", "topic", "description", "caption"];
/// Fields with the time of a record.
const DAYS: &[&str] = &["date", "day", "when", "start", "datum", "fecha", "due", "deadline"];
/// Fields with an address, which may be relative.
const ADDRESSES: &[&str] = &[
    "url",
    "href",
    "link",
    "links",
    "pdf",
    "slides",
    "slide",
    "deck",
    "video",
    "recording",
    "paper",
    "reading",
    "readings",
    "notes",
    "code",
    "notebook",
    "file",
    "files",
    "handout",
    "source",
    "src",
    "doi",
    "material",
    "materials",
    "resources",
    "html",
    "homework",
    "solution",
    "solutions",
    "book",
    "chapter",
];
/// File name extensions that a relative address may have.
const ENDINGS: &[&str] =
    &[".pdf", ".html", ".htm", ".md", ".ipynb", ".pptx", ".ppt", ".key", ".zip", ".mp4", ".qmd"];

/// A value and its position.
#[derive(Debug)]
enum Value {
    Text { text: String, start: usize },
    List(Vec<Value>),
    Fields(Vec<(String, Value)>),
}

/// Why data cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::page) struct NotData;

pub(in crate::domain::page) fn made(source: &str) -> Result<Made, NotData> {
    let values = parse(source)?;
    let mut made = Made::new(source);
    for value in &values {
        write(value, "", &mut made);
    }
    Ok(made)
}

/// The links in the front matter of a page, before the page itself.
pub(in crate::domain::page) fn head(source: &str, data: Range<usize>, made: &mut Made) {
    let start = data.start;
    let Ok(values) = parse(&source[data]) else { return };
    let mut own = Made::new(source);
    for value in values {
        let Value::Fields(fields) = value else { continue };
        // The date in the front matter is that of the page, not of its links.
        let linking =
            fields.into_iter().filter(|(name, _)| !is_one_of(name, DAYS) && !is_one_of(name, NAMES));
        for (name, value) in linking {
            write(&value, &name, &mut own);
        }
    }
    if own.html.contains("<a ") {
        made.append(&own, start);
    }
}

/// The documents of a source.
fn parse(source: &str) -> Result<Vec<Value>, NotData> {
    let places = Places::of(source);
    let mut done: Vec<Value> = Vec::new();
    let mut open: Vec<Value> = Vec::new();
    let mut keys: Vec<Option<String>> = Vec::new();
    for event in Parser::new_from_str(source) {
        let (event, span) = event.map_err(|_| NotData)?;
        let complete = match event {
            Event::Scalar(text, ..) => {
                let start = places.byte(span.start.line(), span.start.col());
                Some(Value::Text { text: text.into_owned(), start })
            }
            Event::SequenceStart(..) => {
                open.push(Value::List(Vec::new()));
                keys.push(None);
                None
            }
            Event::MappingStart(..) => {
                open.push(Value::Fields(Vec::new()));
                keys.push(None);
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                keys.pop();
                open.pop()
            }
            _ => None,
        };
        if open.len() > DEPTH_AT_MOST {
            return Err(NotData);
        }
        let Some(value) = complete else { continue };
        match (open.last_mut(), keys.last_mut()) {
            (Some(Value::List(values)), _) => values.push(value),
            (Some(Value::Fields(fields)), Some(key)) => match (key.take(), value) {
                (None, Value::Text { text, .. }) => *key = Some(text),
                (None, _) => *key = Some(String::new()),
                (Some(name), value) => fields.push((name, value)),
            },
            _ => done.push(value),
        }
    }
    Ok(done)
}

/// The positions of the lines of a source, to convert lines and characters to bytes.
struct Places<'a> {
    lines: Vec<(usize, &'a str)>,
}

impl<'a> Places<'a> {
    fn of(source: &'a str) -> Self {
        let lines = super::lines(source).into_iter().map(|line| (line.start, line.text)).collect();
        Self { lines }
    }

    fn byte(&self, line: usize, column: usize) -> usize {
        let Some((start, text)) = line.checked_sub(1).and_then(|line| self.lines.get(line)) else { return 0 };
        start + text.char_indices().nth(column).map_or(text.len(), |(at, _)| at)
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    let name = name.to_lowercase();
    names.iter().any(|known| name == *known || name.ends_with(&format!("_{known}")))
}

fn write(value: &Value, name: &str, made: &mut Made) {
    match value {
        Value::Text { text, start } => text_value(text, *start, name, made),
        Value::List(values) => {
            for value in values {
                write(value, name, made);
            }
        }
        Value::Fields(fields) => record(fields, name, made),
    }
}

/// A record is an item: first its day and week, then its links, then its nested records.
fn record(fields: &[(String, Value)], name: &str, made: &mut Made) {
    let text = |names: &[&str]| {
        names.iter().find_map(|wanted| {
            fields.iter().find_map(|(field, value)| match value {
                Value::Text { text, start } if is_one_of(field, &[*wanted]) && !text.trim().is_empty() => {
                    Some((text.as_str(), *start))
                }
                _ => None,
            })
        })
    };
    let start = fields.iter().find_map(|(_, value)| first_place(value)).unwrap_or_default();
    made.markup("<ul><li>", start);
    if let Some((week, _)) = text(&["week"]) {
        let number: String = week.chars().filter(char::is_ascii_digit).collect();
        if !number.is_empty() {
            made.text(&format!("Week {number} "), start);
        }
    }
    if let Some((day, _)) = text(DAYS) {
        made.text(&format!("({day}): "), start);
    }
    let title = text(NAMES);
    for (field, value) in fields {
        if is_one_of(field, DAYS) || field == "week" {
            continue;
        }
        match (value, title) {
            (Value::Text { text: address, start }, Some((words, _)))
                if is_address(address, field) && is_one_of(field, &["url", "href", "link", "src"]) =>
            {
                made.link(address.trim(), words, *start);
            }
            (Value::Text { text, .. }, Some((words, at))) if text == words && !text.contains("](") => {
                made.text(&format!(" {words} "), at);
            }
            _ => write(value, field, made),
        }
    }
    debug_assert!(name.len() < usize::MAX);
    made.markup("</li></ul>", start);
}

fn first_place(value: &Value) -> Option<usize> {
    match value {
        Value::Text { start, .. } => Some(*start),
        Value::List(values) => values.iter().find_map(first_place),
        Value::Fields(fields) => fields.iter().find_map(|(_, value)| first_place(value)),
    }
}

fn text_value(text: &str, start: usize, name: &str, made: &mut Made) {
    let trimmed = text.trim();
    if is_address(trimmed, name) {
        let words = name.replace(['_', '-'], " ");
        made.link(
            trimmed,
            if is_one_of(name, &["url", "href", "link", "links", "src"]) { "" } else { &words },
            start,
        );
        made.text(" ", start);
    } else if trimmed.contains("](") || trimmed.contains("<a ") || trimmed.contains("://") {
        made.markup("<span>", start);
        let fragment = markdown::fragment(trimmed);
        made.markup(&fragment, start);
        made.markup("</span>", start);
    } else if calendar::words(trimmed).len() < 40 {
        let mut escaped = String::new();
        escape(trimmed, &mut escaped);
        made.markup(&format!(" {escaped} "), start);
    }
}

/// An absolute address, or a file in a field for addresses.
fn is_address(text: &str, field: &str) -> bool {
    let text = text.trim();
    let is_word = !text.is_empty() && !text.contains(char::is_whitespace);
    let is_absolute = text.starts_with("http://") || text.starts_with("https://");
    let path = text.split_once(['?', '#']).map_or(text, |(path, _)| path).to_ascii_lowercase();
    let is_file = is_one_of(field, ADDRESSES)
        && (ENDINGS.iter().any(|ending| path.ends_with(ending)) || path.starts_with('/'));
    is_word && (is_absolute || is_file)
}
