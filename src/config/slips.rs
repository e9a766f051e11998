//! Every mistake of a configuration that TOML itself can place, not only the first.

use std::ops::Range;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::{Mistake, Place};

/// More than this, and the file is something else.
const AT_MOST: usize = 40;
/// Lines that one value may fill.
const LINES_OF_A_VALUE: usize = 40;

/// A file of the configuration, as it was read at last.
#[derive(Debug)]
pub(super) struct Text {
    pub path: PathBuf,
    /// Its text, with blanks in place of what was wrong.
    pub read: String,
    blanked: Vec<Range<usize>>,
}

/// Reads a file again and again, each time without the entry that was wrong
/// the time before. Blanks keep the place of everything else.
pub(super) fn read<T: DeserializeOwned>(
    path: PathBuf,
    text: String,
) -> (Option<T>, Text, Vec<(usize, Mistake)>) {
    let mut text = Text { path, read: text, blanked: Vec::new() };
    let mut found = Vec::new();
    while found.len() < AT_MOST {
        let what = match toml::from_str::<T>(&text.read) {
            Ok(value) => return (Some(value), text, found),
            Err(what) => what,
        };
        let at = what.span().map_or(0, |span| span.start);
        let place = what.span().and_then(|_| place(&text.read, at));
        // A table that lacks what was blanked in it is no mistake of its own.
        let is_echo = place.as_ref().is_some_and(|place| text.had_a_slip_in(place));
        if !is_echo {
            let place = what.span().map(|span| Place::of(&text.read, span.start));
            let what = key_before(&text.read, at) + what.message();
            found.push((at, Mistake::Meaning { path: text.path.clone(), place, what }));
        }
        let Some(place) = place else { break };
        text.read = without(&text.read, place.clone());
        text.blanked.push(place);
    }
    (None, text, found)
}

impl Text {
    fn had_a_slip_in(&self, place: &Range<usize>) -> bool {
        self.blanked.iter().any(|before| place.contains(&before.start))
    }

    /// Whether something was wrong in the table that begins there.
    pub(super) fn had_a_slip_in_table(&self, at: usize) -> bool {
        place(&self.read, at).is_some_and(|table| self.had_a_slip_in(&table))
    }
}

/// Whose value it is that is wrong. Of the line nothing else is shown: it may
/// hold a secret, as under a mistyped key.
fn key_before(text: &str, at: usize) -> String {
    let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    line.split_once('=').map(|(key, _)| format!("{}: ", key.trim())).unwrap_or_default()
}

/// What is left out to read on: an entry, or a whole table where its head is wrong.
fn place(text: &str, at: usize) -> Option<Range<usize>> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    if text.get(start..)?.trim_start().starts_with('[') { table(text, start) } else { entry(text, start) }
}

/// A table with the tables inside it.
fn table(text: &str, start: usize) -> Option<Range<usize>> {
    let name =
        |line: &str| line.trim().trim_start_matches('[').split(']').next().unwrap_or_default().to_owned();
    let mut lines = text.get(start..)?.split_inclusive('\n');
    let head = lines.next()?;
    let inside = format!("{}.", name(head));
    let is_outside = |line: &&str| line.starts_with('[') && !name(line).starts_with(&inside);
    let rest: usize = lines.take_while(|line| !is_outside(line)).map(str::len).sum();
    Some(start..start + head.len() + rest)
}

/// The whole lines of an entry, so that the rest is still TOML.
fn entry(text: &str, start: usize) -> Option<Range<usize>> {
    let ends = text.get(start..)?.match_indices('\n').map(|(end, _)| start + end).chain([text.len()]);
    ends.take(LINES_OF_A_VALUE).map(|end| start..end).find(|entry| {
        let rest = without(text, entry.clone());
        // What is wrong further down is found next.
        match toml::from_str::<toml::Table>(&rest) {
            Ok(_) => true,
            Err(next) => next.span().is_some_and(|span| span.start > entry.end),
        }
    })
}

fn without(text: &str, place: Range<usize>) -> String {
    text.char_indices()
        .map(|(at, c)| if place.contains(&at) && c != '\n' { blank(c) } else { c.to_string() })
        .collect()
}

/// As many bytes as the character has.
fn blank(c: char) -> String {
    " ".repeat(c.len_utf8())
}
