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
    // Each line of a cell is a separate string in the file.
    let mut at = 0;
    for cell in notebook.into_cells().iter().filter(|cell| cell.cell_type == "markdown") {
        let (text, starts) = cell.placed(source, &mut at);
        markdown::render(&text, &mut made, |offset| {
            let line = starts.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
            starts.get(line).map_or(0, |(_, place)| *place)
        });
    }
    Some(made)
}

impl Cell {
    /// The text, and the position of each of its lines in the file.
    fn placed(&self, source: &str, at: &mut usize) -> (String, Vec<(usize, usize)>) {
        let lines = self.source.as_ref().map_or_else(Vec::new, CellSource::strings);
        let mut text = String::new();
        let mut starts = Vec::new();
        for line in lines {
            if let Some(found) = written(line).and_then(|written| source[*at..].find(&written)) {
                *at += found;
            }
            starts.push((text.len(), *at));
            text.push_str(line);
        }
        text.push('\n');
        (text, starts)
    }
}

/// A line as a JSON string, without the quotation marks.
fn written(line: &str) -> Option<String> {
    let json = serde_json::to_string(line).ok()?;
    let inner = json.get(1..json.len() - 1)?.to_owned();
    (!inner.is_empty()).then_some(inner)
}
