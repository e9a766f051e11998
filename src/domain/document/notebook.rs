//! Jupyter notebooks of every format version. The sources of the cells are the work;
//! outputs and counters are not.
//!
//! Versions 1 to 3 keep the source under `code`, `text` or `input`, and 2 and 3
//! put the cells in worksheets.

use serde::Deserialize;

use super::{Document, DocumentContext, DocumentDefect, Format, title};
use crate::domain::nbformat::{CellSource, Notebook};

#[derive(Deserialize)]
struct Cell {
    #[serde(default, rename = "cell_type")]
    named: String,
    source: Option<CellSource>,
    input: Option<CellSource>,
    code: Option<CellSource>,
    text: Option<CellSource>,
}

impl Cell {
    fn text(&self) -> String {
        let sources = [&self.source, &self.input, &self.code, &self.text];
        sources.into_iter().flatten().next().map_or_else(String::new, CellSource::text)
    }

    fn headings(&self) -> Vec<String> {
        match self.named.as_str() {
            "code" => Vec::new(),
            "heading" => vec![self.text().trim().to_owned()],
            _ => self.text().lines().filter_map(heading).collect(),
        }
    }
}

/// `None` if it is not a notebook.
pub(super) fn read(bytes: &[u8], context: &DocumentContext) -> Option<Document> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let is_named = context.address.path().to_ascii_lowercase().ends_with(".ipynb");
    let notebook = match serde_json::from_slice::<Notebook<Cell>>(bytes) {
        Ok(notebook) => notebook,
        Err(error) => {
            let defect = if error.is_eof() { DocumentDefect::Truncated } else { DocumentDefect::Unreadable };
            return is_named.then(|| Document::bare(Format::Notebook).with_defect(defect));
        }
    };
    if notebook.version.is_none() && !(is_named && notebook.has_cells()) {
        return None;
    }
    let cells = notebook.into_cells();
    let headings: Vec<String> = cells.iter().flat_map(Cell::headings).collect();
    let text: Vec<String> = cells.iter().map(|cell| format!("{}\n{}", cell.kind(), cell.text())).collect();
    Some(Document {
        title: headings.first().and_then(|heading| title::own(heading)),
        text: text.join("\n"),
        headings,
        pages: u32::try_from(cells.len()).ok(),
        ..Document::bare(Format::Notebook)
    })
}

impl Cell {
    /// The name of the cell kind in version 4, so that a conversion is not a change.
    fn kind(&self) -> &str {
        match self.named.as_str() {
            "text" | "heading" => "markdown",
            kind => kind,
        }
    }
}

fn heading(line: &str) -> Option<String> {
    let text = line.strip_prefix('#')?.trim_start_matches('#').trim();
    (!text.is_empty()).then(|| text.to_owned())
}
