//! Running lines: lines that a publisher or a slide template puts on every page.

use std::collections::HashMap;

use super::Sheet;
use super::line::TextLine;
use crate::domain::document::text;

/// Running lines are searched in documents of at least this many pages.
const FROM_PAGES: usize = 3;
/// The top and bottom share of a page where running lines are.
const EDGE: f64 = 0.08;
/// Baselines closer than this, in points, count as equal.
const SAME_HEIGHT: f64 = 2.0;

/// The lines of each page that belong to the work.
pub(super) fn without(sheets: &[Sheet]) -> Vec<Vec<&str>> {
    let edges: Vec<Vec<bool>> = sheets.iter().map(edge_lines).collect();
    let mut on_pages: HashMap<String, usize> = HashMap::new();
    for (sheet, edge) in sheets.iter().zip(&edges) {
        let mut masks: Vec<String> = sheet
            .lines
            .iter()
            .zip(edge)
            .filter(|(_, is_edge)| **is_edge)
            .map(|(line, _)| masked(&line.text))
            .collect();
        masks.sort_unstable();
        masks.dedup();
        for mask in masks {
            *on_pages.entry(mask).or_default() += 1;
        }
    }
    let is_running = |line: &TextLine| {
        sheets.len() >= FROM_PAGES
            && on_pages.get(&masked(&line.text)).is_some_and(|count| count * 2 > sheets.len())
    };
    let belongs = |line: &TextLine, is_edge: bool| {
        !(is_edge && (is_running(line) || is_page_number(&line.text))) && !is_stamp(&line.text)
    };
    sheets
        .iter()
        .zip(&edges)
        .map(|(sheet, edge)| {
            let lines = sheet.lines.iter().zip(edge);
            lines.filter(|(line, edge)| belongs(line, **edge)).map(|(line, _)| line.text.as_str()).collect()
        })
        .collect()
}

/// The lines at the edge of the page, and its first and last line in any
/// position.
fn edge_lines(sheet: &Sheet) -> Vec<bool> {
    let heights = || sheet.lines.iter().filter(|line| line.is_upright).map(|line| line.y);
    let low = heights().fold(f64::MAX, f64::min);
    let high = heights().fold(f64::MIN, f64::max);
    let is_edge = |line: &TextLine| {
        let is_near_margin = line.y < EDGE * sheet.height || line.y > (1.0 - EDGE) * sheet.height;
        let is_outermost = line.y <= low + SAME_HEIGHT || line.y >= high - SAME_HEIGHT;
        !line.is_upright || is_near_margin || is_outermost
    };
    sheet.lines.iter().map(is_edge).collect()
}

/// The line with its numbers and dates replaced.
fn masked(line: &str) -> String {
    let folded = text::folded(line);
    let mut masked = String::new();
    for word in folded.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if text::is_month(bare) || text::is_weekday(bare) {
            masked.push('@');
        } else {
            for c in word.chars() {
                match c {
                    '0'..='9' if masked.ends_with('#') => {}
                    '0'..='9' => masked.push('#'),
                    c => masked.push(c),
                }
            }
        }
        masked.push(' ');
    }
    masked
}

fn is_page_number(line: &str) -> bool {
    let is_roman = line.len() <= 6 && line.chars().all(|c| "ivxlc".contains(c));
    is_roman || (line.len() <= 12 && line.chars().all(|c| c.is_ascii_digit() || " -/of".contains(c)))
}

/// The side stamp of a preprint server has the day of its build, that of a publisher the
/// day of the download.
fn is_stamp(line: &str) -> bool {
    (line.starts_with("arXiv:") && line.len() < 80) || text::is_stamp(&text::folded(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(lines: &[(&str, f64)]) -> Sheet {
        let line = |(text, y): &(&str, f64)| TextLine {
            text: (*text).to_owned(),
            size: 10.0,
            x: 0.0,
            y: *y,
            is_upright: true,
        };
        Sheet { lines: lines.iter().map(line).collect(), height: 300.0, pictures: Vec::new() }
    }

    #[test]
    fn a_footer_with_date_and_number_is_removed() {
        let pages: Vec<Sheet> = (1..5)
            .map(|n| {
                let footer = format!("A. Author \u{2014} 3 March 2021 \u{2014} {n}/4");
                let words = ["Flows", "Scores", "Noise", "Samples"][n - 1];
                sheet(&[(words, 250.0), ("What they share", 150.0), (&footer, 10.0)])
            })
            .collect();
        assert_eq!(without(&pages)[2], ["Noise", "What they share"]);
    }
}
