//! Parses a TOML file past its errors, so that all of them are reported in one run.
//!
//! Values that are valid TOML but make no sense are the subject of `diagnostics`.

use std::ops::Range;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::rewording::reworded;
use super::{Error, FilePosition};

/// A file with more errors is probably not a configuration, so parsing stops there.
const MAX_ERRORS: usize = 40;
/// The longest value, in lines, that can be skipped.
const MAX_VALUE_LINES: usize = 40;

/// A file of the configuration after parsing.
#[derive(Debug)]
pub(super) struct ParsedFile {
    pub path: PathBuf,
    /// The text, with blanks in place of each entry that has an error.
    pub text: String,
    blanked: Vec<Range<usize>>,
}

/// Parses a file repeatedly, each time without the entry that had the last
/// error. Blanks replace that entry, so that all positions stay the same.
/// Returns the errors with the byte offset of each; without an error there is a value.
pub(super) fn parse<T: DeserializeOwned>(
    path: PathBuf,
    text: String,
) -> (Option<T>, ParsedFile, Vec<(usize, Error)>) {
    let mut file = ParsedFile { path, text, blanked: Vec::new() };
    let mut errors = Vec::new();
    while errors.len() < MAX_ERRORS {
        let what = match toml::from_str::<T>(&file.text) {
            Ok(value) => return (Some(value), file, errors),
            Err(what) => what,
        };
        let at = what.span().map_or(0, |span| span.start);
        let entry = what.span().and_then(|_| entry_or_table(&file.text, at));
        // A key that is missing because its entry was blanked is not an error of its own.
        let is_consequence = entry.as_ref().is_some_and(|entry| file.had_an_error_in(entry));
        if !is_consequence {
            let position = what.span().map(|span| FilePosition::of(&file.text, span.start));
            let what = key_before(&file.text, at) + &reworded(what.message());
            errors.push((at, Error::Invalid { path: file.path.clone(), position, what }));
        }
        let Some(entry) = entry else { break };
        file.text = without(&file.text, entry.clone());
        file.blanked.push(entry);
    }
    (None, file, errors)
}

impl ParsedFile {
    fn had_an_error_in(&self, range: &Range<usize>) -> bool {
        self.blanked.iter().any(|blanked| range.contains(&blanked.start))
    }

    /// Whether the table that begins at this byte had an error.
    pub(super) fn had_an_error_in_table(&self, at: usize) -> bool {
        entry_or_table(&self.text, at).is_some_and(|table| self.had_an_error_in(&table))
    }
}

/// The key of the entry with the error. The rest of the line is not shown, as
/// it may hold a secret.
fn key_before(text: &str, at: usize) -> String {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    line.split_once('=').map_or_else(String::new, |(key, _)| format!("{}: ", key.trim()))
}

/// The range to skip: the entry with the error, or the whole table if the error is in its head.
fn entry_or_table(text: &str, at: usize) -> Option<Range<usize>> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    if text.get(start..)?.trim_start().starts_with('[') { table(text, start) } else { entry(text, start) }
}

/// A table with its sub-tables.
fn table(text: &str, start: usize) -> Option<Range<usize>> {
    let name = |line: &str| {
        let line = line.trim().trim_start_matches('[');
        line.split_once(']').map_or(line, |(name, _)| name).to_owned()
    };
    let mut lines = text.get(start..)?.split_inclusive('\n');
    let head = lines.next()?;
    let inside = format!("{}.", name(head));
    let is_outside = |line: &&str| line.starts_with('[') && !name(line).starts_with(&inside);
    let rest: usize = lines.take_while(|line| !is_outside(line)).map(str::len).sum();
    Some(start..start + head.len() + rest)
}

/// The whole lines of an entry, such that the rest of the file is still TOML.
fn entry(text: &str, start: usize) -> Option<Range<usize>> {
    let ends = text.get(start..)?.match_indices('\n').map(|(end, _)| start + end).chain([text.len()]);
    ends.take(MAX_VALUE_LINES).map(|end| start..end).find(|entry| {
        let rest = without(text, entry.clone());
        // What is wrong further down is found next.
        match toml::from_str::<toml::Table>(&rest) {
            Ok(_) => true,
            Err(next) => next.span().is_some_and(|span| span.start > entry.end),
        }
    })
}

fn without(text: &str, range: Range<usize>) -> String {
    text.char_indices()
        .map(|(at, c)| if range.contains(&at) && c != '\n' { blank(c) } else { c.to_string() })
        .collect()
}

/// As many bytes as the character has.
fn blank(c: char) -> String {
    " ".repeat(c.len_utf8())
}
