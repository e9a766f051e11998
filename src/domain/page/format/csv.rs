//! Tables of values separated by commas, semicolons or tabs (RFC 4180).

use super::with_addresses;
use crate::domain::page::source_map::Made;

pub(in crate::domain::page) fn made(source: &str) -> Made {
    let mut made = Made::new(source);
    let separator = separator(source);
    made.markup("<table>", 0);
    for (number, record) in records(source, separator).into_iter().enumerate() {
        let cell = if number == 0 { "th" } else { "td" };
        made.markup("<tr>", record.first().map_or(0, |(_, start)| *start));
        for (text, start) in record {
            made.markup(&format!("<{cell}>"), start);
            with_addresses(&mut made, &text, start);
            made.markup(&format!("</{cell}>"), start);
        }
        made.markup("</tr>", 0);
    }
    made.markup("</table>", source.len());
    made
}

/// The values of each record.
pub(in crate::domain::page) fn rows(source: &str) -> Vec<Vec<String>> {
    let records = records(source, separator(source)).into_iter();
    records.map(|record| record.into_iter().map(|(text, _)| text).collect()).collect()
}

/// The separator of the first line.
fn separator(source: &str) -> char {
    let first = source.split_once('\n').map_or(source, |(first, _)| first);
    let count = |c: char| first.matches(c).count();
    // Of equally frequent ones the comma.
    [';', '\t'].into_iter().fold(',', |best, c| if count(c) > count(best) { c } else { best })
}

/// The fields of each record, with their positions.
pub(super) fn records(source: &str, separator: char) -> Vec<Vec<(String, usize)>> {
    let mut records = vec![Vec::new()];
    let mut field = String::new();
    let mut start = 0;
    let mut is_quoted = false;
    let mut chars = source.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                field.push('"');
                chars.next();
            }
            '"' => is_quoted = !is_quoted,
            c if !is_quoted && (c == separator || c == '\n') => {
                if let Some(record) = records.last_mut() {
                    record.push((std::mem::take(&mut field).trim().to_owned(), start));
                }
                start = at + 1;
                if c == '\n' {
                    records.push(Vec::new());
                }
            }
            '\r' => {}
            c => field.push(c),
        }
    }
    if let Some(record) = records.last_mut().filter(|_| !field.is_empty()) {
        record.push((field, start));
    }
    records.retain(|record| record.iter().any(|(text, _)| !text.is_empty()));
    records
}
