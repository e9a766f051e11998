//! Tables of pandoc whose columns are marked by lines of signs, as pipe tables.

use std::ops::Range;

/// A column that is shorter is no column of a table.
const LEAST_DASHES: usize = 3;

/// A table at the first of some lines.
pub(super) struct Found {
    pub(super) lines: usize,
    pub(super) changes: Vec<(Range<usize>, String)>,
}

/// The table that begins at the first line.
pub(super) fn at(text: &str, lines: &[Range<usize>]) -> Option<Found> {
    grid(text, lines).or_else(|| simple(text, lines))
}

/// `+---+---+` above and below each row. The line below the head, or below the first row,
/// becomes the line that a pipe table needs there.
fn grid(text: &str, lines: &[Range<usize>]) -> Option<Found> {
    let line = |at: usize| lines.get(at).map(|range| &text[range.clone()]);
    if !is_border(line(0)?) {
        return None;
    }
    let mut end = 1;
    while line(end).is_some_and(|line| is_border(line) || line.trim_start().starts_with('|')) {
        end += 1;
    }
    let borders: Vec<usize> = (1..end).filter(|at| line(*at).is_some_and(is_border)).collect();
    let head = borders.iter().copied().find(|at| line(*at).is_some_and(|line| line.contains('=')));
    let head = head.or_else(|| borders.first().copied())?;
    let mut changes = vec![(lines[0].clone(), " ".repeat(lines[0].len()))];
    for at in borders {
        let line = &text[lines[at].clone()];
        let row = if at == head {
            line.replace('+', "|").replace('=', "-")
        } else {
            line.replace('+', "|").replace(['-', '=', ':'], " ")
        };
        changes.push((lines[at].clone(), row));
    }
    Some(Found { lines: end, changes })
}

fn is_border(line: &str) -> bool {
    let line = line.trim();
    line.len() > 4
        && line.starts_with("+-") | line.starts_with("+=") | line.starts_with("+:")
        && line.ends_with('+')
        && line.chars().all(|c| matches!(c, '+' | '-' | '=' | ':'))
}

/// A line of dashes for each column below the head; the rows end at an empty line or at
/// another line of dashes. Bars go where all lines have a space before a column.
fn simple(text: &str, lines: &[Range<usize>]) -> Option<Found> {
    let line =
        |at: usize| lines.get(at).map(|range| &text[range.clone()]).filter(|line| !line.trim().is_empty());
    let starts = columns(line(1)?)?;
    let mut end = 2;
    while line(end).is_some_and(|line| columns(line).is_none()) {
        end += 1;
    }
    let mut changes = Vec::new();
    for (at, range) in lines.iter().enumerate().take(end) {
        changes.push((range.clone(), with_bars(line(at)?, &starts)?));
    }
    let has_last_line = line(end).is_some();
    if has_last_line {
        changes.push((lines[end].clone(), " ".repeat(lines[end].len())));
    }
    (end > 2).then(|| Found { lines: end + usize::from(has_last_line), changes })
}

/// The characters at which the columns begin, if it is a line of dashes for several.
fn columns(line: &str) -> Option<Vec<usize>> {
    if !line.trim_start_matches(' ').starts_with("---") {
        return None;
    }
    let groups: Vec<&str> = line.split(' ').filter(|group| !group.is_empty()).collect();
    let is_dashes = |group: &&str| group.len() >= LEAST_DASHES && group.chars().all(|c| c == '-');
    if groups.len() < 2 || !groups.iter().all(is_dashes) {
        return None;
    }
    let is_start = |at: &usize| line.as_bytes()[*at] == b'-' && (*at == 0 || line.as_bytes()[at - 1] == b' ');
    Some((0..line.len()).filter(is_start).collect())
}

/// The line with a bar before each column but the first; `None` if a text is in the way.
fn with_bars(line: &str, starts: &[usize]) -> Option<String> {
    let mut row = String::with_capacity(line.len());
    let mut bars = starts.iter().skip(1).map(|start| start - 1).peekable();
    for (at, c) in line.chars().enumerate() {
        let is_bar = bars.next_if_eq(&at).is_some();
        match (is_bar, c) {
            (true, ' ') => row.push('|'),
            (true, _) => return None,
            (false, c) => row.push(c),
        }
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::super::in_common_form;

    #[test]
    fn a_grid_becomes_a_pipe_table() {
        let text = "+---+---+\n| A | B |\n+===+===+\n| 1 | 2 |\n+---+---+\n";
        let expected = "         \n| A | B |\n|---|---|\n| 1 | 2 |\n|   |   |\n";
        assert_eq!(in_common_form(text), expected);
    }

    #[test]
    fn columns_of_dashes_become_a_pipe_table() {
        let text = "Date    Reading\n------  ---------------\nSep 8   [a](b)\nSep 10\n\nText\n";
        let expected = "Date   |Reading\n------ |---------------\nSep 8  |[a](b)\nSep 10\n\nText\n";
        assert_eq!(in_common_form(text), expected);
        let in_the_way = "Date    Reading\n----- ---------------\nSeptember 8 [a](b)\n";
        assert_eq!(in_common_form(in_the_way), in_the_way);
    }
}
