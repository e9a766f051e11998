//! Cells of a table in DOCX that go over several columns or rows, as HTML.

use std::collections::HashMap;

/// The digits of a number of rows, which is counted after it is written.
const DIGITS: usize = 5;
const ROWS_AT_MOST: u32 = 99_999;

/// A table at a place.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The column of the next cell.
    column: usize,
    /// The cells over several rows, by their columns.
    merged: HashMap<usize, MergedCell>,
}

#[derive(Debug)]
struct MergedCell {
    rows: u32,
    /// Where the number of rows stands in the HTML.
    at: usize,
}

/// The properties of a cell.
#[derive(Debug, Default)]
pub(super) struct NextCell {
    pub(super) columns: Option<u16>,
    /// Whether it begins or continues a cell over several rows.
    pub(super) merge: Option<Merge>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    Begins,
    Continues,
}

impl Table {
    pub(super) fn begin_row(&mut self) {
        self.column = 0;
    }

    /// Writes the tag of a cell. A cell that continues the one above it only counts as a row of it.
    pub(super) fn begin(&mut self, cell: &NextCell, name: &str, html: &mut String) {
        let column = self.column;
        self.column += usize::from(cell.columns.unwrap_or(1).max(1));
        if cell.merge == Some(Merge::Continues)
            && let Some(above) = self.merged.get_mut(&column)
        {
            above.rows = (above.rows + 1).min(ROWS_AT_MOST);
            html.replace_range(above.at..above.at + DIGITS, &format!("{:0DIGITS$}", above.rows));
            return;
        }
        let columns = cell.columns.map(|columns| format!(" colspan={columns}")).unwrap_or_default();
        html.push_str(&format!("<{name}{columns}"));
        self.merged.remove(&column);
        if cell.merge == Some(Merge::Begins) {
            html.push_str(" rowspan=");
            self.merged.insert(column, MergedCell { rows: 1, at: html.len() });
            html.push_str(&format!("{:0DIGITS$}", 1));
        }
        html.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_over_several_rows_counts_them() {
        let mut table = Table::default();
        let mut html = String::new();
        let cell = |merge| NextCell { columns: None, merge };
        for merge in [Some(Merge::Begins), Some(Merge::Continues), Some(Merge::Continues), None] {
            table.begin_row();
            table.begin(&cell(merge), "td", &mut html);
            table.begin(&cell(None), "td", &mut html);
        }
        assert_eq!(html, "<td rowspan=00003><td><td><td><td><td>");
    }
}
