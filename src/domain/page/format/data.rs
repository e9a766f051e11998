//! YAML and JSON: the fields beside an address give its words, its day and its week.

use std::ops::Range;

use crate::domain::page::calendar;
use crate::domain::page::markdown;
use crate::domain::page::source_map::{Made, escape};
use crate::domain::page::yaml::{DataValue, NotData, parse};

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

pub(in crate::domain::page) fn made(source: &str) -> Result<Made, NotData> {
    let values = parse(source)?;
    let mut made = Made::new(source);
    for value in &values {
        write(value, "", &mut made);
    }
    Ok(made)
}

/// The links in the front matter of a page, before the page itself. The fields in
/// `shown` stand in the page.
pub(in crate::domain::page) fn head(source: &str, data: Range<usize>, shown: &[String], made: &mut Made) {
    let start = data.start;
    let Ok(values) = parse(&source[data]) else { return };
    let mut own = Made::new(source);
    for value in values {
        let DataValue::Fields(fields) = value else { continue };
        // The date in the front matter is that of the page, not of its links.
        let linking = fields
            .into_iter()
            .filter(|(name, _)| !is_one_of(name, DAYS) && !is_one_of(name, NAMES) && !shown.contains(name));
        for (name, value) in linking {
            write(&value, &name, &mut own);
        }
    }
    if own.html.contains("<a ") {
        made.append(&own, start);
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    let name = name.to_lowercase();
    names.iter().any(|known| name == *known || name.ends_with(&format!("_{known}")))
}

fn write(value: &DataValue, name: &str, made: &mut Made) {
    match value {
        DataValue::Text { text, start } => text_value(text, *start, name, made),
        DataValue::List(values) => {
            for value in values {
                write(value, name, made);
            }
        }
        DataValue::Fields(fields) => record(fields, name, made),
    }
}

/// A record is an item: first its day and week, then its links, then its nested records.
fn record(fields: &[(String, DataValue)], name: &str, made: &mut Made) {
    let text = |names: &[&str]| {
        names.iter().find_map(|wanted| {
            fields.iter().find_map(|(field, value)| match value {
                DataValue::Text { text, start }
                    if is_one_of(field, &[*wanted]) && !text.trim().is_empty() =>
                {
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
            (DataValue::Text { text: address, start }, Some((words, _)))
                if is_address(address, field) && is_one_of(field, &["url", "href", "link", "src"]) =>
            {
                made.link(address.trim(), words, *start);
            }
            (DataValue::Text { text, .. }, Some((words, at))) if text == words && !text.contains("](") => {
                made.text(&format!(" {words} "), at);
            }
            _ => write(value, field, made),
        }
    }
    debug_assert!(name.len() < usize::MAX);
    made.markup("</li></ul>", start);
}

fn first_place(value: &DataValue) -> Option<usize> {
    match value {
        DataValue::Text { start, .. } => Some(*start),
        DataValue::List(values) => values.iter().find_map(first_place),
        DataValue::Fields(fields) => fields.iter().find_map(|(_, value)| first_place(value)),
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
    } else if calendar::words(&calendar::folded(trimmed)).len() < 40 {
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
