//! The layout of Jupyter notebooks (nbformat) in all its versions, without the content of cells.
//!
//! Versions 2 and 3 put the cells in worksheets.

use serde::Deserialize;
use serde_json::Value;

/// A notebook; `C` is what its reader takes of a cell.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub struct Notebook<C> {
    #[serde(rename = "nbformat")]
    pub version: Option<u32>,
    #[serde(default = "Vec::new")]
    cells: Vec<C>,
    #[serde(default = "Vec::new")]
    worksheets: Vec<Worksheet<C>>,
    #[serde(default)]
    pub metadata: Value,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
struct Worksheet<C> {
    #[serde(default = "Vec::new")]
    cells: Vec<C>,
}

/// The source of a cell: a string, or its lines with their ends.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum CellSource {
    Whole(String),
    Lines(Vec<String>),
}

impl<C> Notebook<C> {
    /// The cells in the order of the notebook.
    pub fn into_cells(self) -> Vec<C> {
        self.cells.into_iter().chain(self.worksheets.into_iter().flat_map(|sheet| sheet.cells)).collect()
    }

    pub fn has_cells(&self) -> bool {
        !self.cells.is_empty() || self.worksheets.iter().any(|sheet| !sheet.cells.is_empty())
    }
}

impl CellSource {
    pub fn text(&self) -> String {
        match self {
            Self::Whole(text) => text.clone(),
            Self::Lines(lines) => lines.concat(),
        }
    }

    /// The strings of the file.
    pub fn strings(&self) -> Vec<&str> {
        match self {
            Self::Whole(text) => vec![text],
            Self::Lines(lines) => lines.iter().map(String::as_str).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_in_order_from_each_place() {
        #[derive(Debug, Deserialize)]
        struct Cell {
            source: CellSource,
        }
        let json =
            r#"{"nbformat":3,"cells":[{"source":"a"}],"worksheets":[{"cells":[{"source":["b\n","c"]}]},{}]}"#;
        let notebook: Notebook<Cell> = serde_json::from_str(json).unwrap();
        assert!(notebook.has_cells());
        let texts: Vec<String> = notebook.into_cells().iter().map(|cell| cell.source.text()).collect();
        assert_eq!(texts, ["a", "b\nc"]);
        assert!(!serde_json::from_str::<Notebook<Cell>>(r#"{"worksheets":[{}]}"#).unwrap().has_cells());
    }
}
