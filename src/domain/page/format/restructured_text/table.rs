//! Tables of characters, and tables of comma-separated values.

use super::super::{Line, csv};
use super::TextReader;

impl TextReader {
    /// Rows between borders of characters; cells are below each other.
    pub(super) fn table(&mut self, lines: &[Line], at: usize) -> usize {
        let columns = columns(lines[at].text);
        let is_grid = lines[at].text.trim_start().starts_with('+');
        self.lists.end(&mut self.made, 0, lines[at].start);
        self.made.markup("<table>", lines[at].start);
        let mut next = at + 1;
        let mut row: Vec<Line> = Vec::new();
        while next < lines.len() && !lines[next].is_blank() {
            let line = lines[next];
            let begins = !is_grid
                && columns.first().is_some_and(|(start, end)| {
                    line.text
                        .get(*start..(*end).min(line.text.len()))
                        .is_some_and(|cell| !cell.trim().is_empty())
                });
            if is_border(line.text) || begins {
                self.row(&row, &columns);
                row.clear();
            }
            if !is_border(line.text) {
                row.push(line);
            }
            next += 1;
        }
        self.row(&row, &columns);
        self.made.markup("</table>", lines[at].start);
        next
    }

    fn row(&mut self, row: &[Line], columns: &[(usize, usize)]) {
        let Some(first) = row.first() else { return };
        self.made.markup("<tr>", first.start);
        let last = columns.len().saturating_sub(1);
        for (number, (start, end)) in columns.iter().enumerate() {
            self.made.markup("<td>", first.start);
            let mut text = String::new();
            let mut starts = Vec::new();
            for line in row {
                let end = if number == last && !line.text.ends_with('|') {
                    line.text.len()
                } else {
                    (*end).min(line.text.len())
                };
                let Some(cell) = line.text.get((*start).min(end)..end) else { continue };
                starts.push((text.len(), line.start + start));
                text.push_str(cell.trim_end());
                text.push(' ');
            }
            self.inline(&text, &|offset| {
                let line = starts.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
                starts.get(line).map_or(0, |(start, place)| place + (offset - start))
            });
            self.made.markup("</td>", first.start);
        }
        self.made.markup("</tr>", first.start);
    }

    /// Lines of comma-separated values in a `csv-table`; the head is an option of it.
    pub(super) fn csv_table(&mut self, head: Option<(&str, usize)>, rows: &[Line]) {
        let start = head.map_or_else(|| rows.first().map_or(0, |row| row.start), |(_, start)| start);
        self.made.markup("<table>", start);
        let rows = rows.iter().map(|row| ("td", row.text, row.start));
        for (cell, text, start) in head.map(|(text, start)| ("th", text, start)).into_iter().chain(rows) {
            self.made.markup("<tr>", start);
            for (value, offset) in csv::records(text, ',').into_iter().flatten() {
                self.made.markup(&format!("<{cell}>"), start);
                self.inline(&value, &|inner| start + offset + inner);
                self.made.markup(&format!("</{cell}>"), start);
            }
            self.made.markup("</tr>", start);
        }
        self.made.markup("</table>", start);
    }
}

/// The border of a table: `+---+---+` or `==== ====`.
pub(super) fn is_border(text: &str) -> bool {
    let text = text.trim();
    let is_grid =
        text.len() > 2 && text.starts_with('+') && text.chars().all(|c| matches!(c, '+' | '-' | '='));
    let is_simple = text.len() > 3
        && text.contains("= =") | text.contains("=  =")
        && text.chars().all(|c| matches!(c, '=' | ' '));
    is_grid || is_simple
}

/// The beginnings and ends of the columns below a border.
fn columns(border: &str) -> Vec<(usize, usize)> {
    let is_rule = |c: char| matches!(c, '-' | '=');
    let mut columns = Vec::new();
    let mut start = None;
    for (at, c) in border.char_indices().chain([(border.len(), ' ')]) {
        match (is_rule(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                columns.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    columns
}
