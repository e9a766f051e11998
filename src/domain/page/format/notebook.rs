//! Jupyter notebooks: the text cells, one after the other.

use serde::Deserialize;

use crate::domain::nbformat::{CellSource, Notebook};
use crate::domain::page::markdown;
use crate::domain::page::source_map::Made;

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    source: Option<CellSource>,
}

/// `None` if it is not a notebook.
pub(in crate::domain::page) fn made(source: &str) -> Option<Made> {
    let notebook: Notebook<Cell> = serde_json::from_str(source).ok()?;
    let mut made = Made::new(source);
    let mut places = Places { source, at: 0, misses: 0 };
    for cell in notebook.into_cells().iter().filter(|cell| cell.cell_type == "markdown") {
        let (text, starts) = cell.placed(&mut places);
        markdown::render(&text, &mut made, |offset| {
            let line = starts.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
            starts.get(line).map_or(0, |(_, place)| *place)
        });
    }
    Some(made)
}

impl Cell {
    /// The text, and the position of each of its lines in the file.
    fn placed(&self, places: &mut Places) -> (String, Vec<(usize, usize)>) {
        let lines = self.source.as_ref().map_or_else(Vec::new, CellSource::strings);
        let mut text = String::new();
        let mut starts = Vec::new();
        for line in lines {
            starts.push((text.len(), places.next(line)));
            text.push_str(line);
        }
        text.push('\n');
        (text, starts)
    }
}

/// Finds the lines of cells in the file, where each is a separate string.
struct Places<'a> {
    source: &'a str,
    at: usize,
    misses: u32,
}

impl Places<'_> {
    /// The position of the next line, or of the last that was found.
    fn next(&mut self, line: &str) -> usize {
        /// A file that escapes its characters in another way is not searched to its end
        /// for each of its lines.
        const MISSES_AT_MOST: u32 = 32;
        if self.misses < MISSES_AT_MOST {
            let Some(written) = written(line) else { return self.at };
            match self.source[self.at..].find(&written) {
                Some(found) => self.at += found,
                None => self.misses += 1,
            }
        }
        self.at
    }
}

/// A line as a JSON string, without the quotation marks.
fn written(line: &str) -> Option<String> {
    let json = serde_json::to_string(line).ok()?;
    let inner = json.get(1..json.len() - 1)?.to_owned();
    (!inner.is_empty()).then_some(inner)
}
