//! Jupyter notebooks (nbformat 3 and 4): the sources of the cells are the work,
//! outputs and counters are not.

use serde::Deserialize;

use super::{Context, Defect, Document, Format};

#[derive(Deserialize)]
struct Notebook {
    nbformat: Option<u32>,
    #[serde(default)]
    cells: Vec<Cell>,
    #[serde(default)]
    worksheets: Vec<Worksheet>,
}

#[derive(Deserialize)]
struct Worksheet {
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    #[serde(default)]
    cell_type: String,
    #[serde(default, alias = "input")]
    source: Source,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Whole(String),
    Lines(Vec<String>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Whole(String::new())
    }
}

impl Cell {
    fn text(&self) -> String {
        match &self.source {
            Source::Whole(text) => text.clone(),
            Source::Lines(lines) => lines.concat(),
        }
    }
}

/// `None` for what is no notebook at all.
pub(super) fn read(bytes: &[u8], context: &Context) -> Option<Document> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let notebook = match serde_json::from_slice::<Notebook>(bytes) {
        Ok(notebook) => notebook,
        Err(error) => {
            let is_named = context.address.path().to_ascii_lowercase().ends_with(".ipynb");
            let defect = if error.is_eof() { Defect::Truncated } else { Defect::Unreadable };
            return is_named.then(|| Document::bare(Format::Notebook).with_defect(defect));
        }
    };
    notebook.nbformat?;
    let cells: Vec<Cell> = notebook
        .cells
        .into_iter()
        .chain(notebook.worksheets.into_iter().flat_map(|sheet| sheet.cells))
        .collect();
    let headings: Vec<String> = cells
        .iter()
        .filter(|cell| cell.cell_type != "code")
        .flat_map(|cell| cell.text().lines().filter_map(heading).collect::<Vec<_>>())
        .collect();
    let text: Vec<String> = cells.iter().map(|cell| format!("{}\n{}", cell.cell_type, cell.text())).collect();
    Some(Document {
        title: headings.first().cloned(),
        text: text.join("\n"),
        headings,
        pages: u32::try_from(cells.len()).ok(),
        ..Document::bare(Format::Notebook)
    })
}

fn heading(line: &str) -> Option<String> {
    let text = line.strip_prefix('#')?.trim_start_matches('#').trim();
    (!text.is_empty()).then(|| text.to_owned())
}
