//! The title of a PDF: the title in the file's metadata, otherwise the largest text at
//! the top of its first page.

use super::Sheet;
use super::line::TextLine;
use super::text_string;
use crate::domain::document::title::{letters, one_line, own};

/// Lines whose sizes differ by less than this share have equal size.
const ONE_SIZE: f64 = 0.04;
/// The share of the first page, from the top, that may contain a title.
const HEAD: f64 = 0.6;

pub(super) fn of(information: Option<&[u8]>, first: Option<&Sheet>) -> Option<String> {
    information.and_then(|title| own(&text_string::decode(title))).or_else(|| largest(first?))
}

/// The largest lines at the top, if they are adjacent.
fn largest(first: &Sheet) -> Option<String> {
    let is_head = |line: &&TextLine| {
        line.is_upright
            && line.y > (1.0 - HEAD) * first.height
            && letters(&line.text) >= 3
            && !line.text.contains('\u{fffd}')
    };
    let head: Vec<&TextLine> = first.lines.iter().filter(is_head).collect();
    let head = if head.is_empty() {
        first
            .lines
            .iter()
            .filter(|line| letters(&line.text) >= 3 && !line.text.contains('\u{fffd}'))
            .collect()
    } else {
        head
    };
    let size = head.iter().map(|line| line.size).max_by(f64::total_cmp)?;
    let is_as_large = |line: &&&TextLine| (line.size - size).abs() <= ONE_SIZE * size;
    let title: Vec<&str> = head
        .iter()
        .skip_while(|line| !is_as_large(line))
        .take_while(is_as_large)
        .map(|line| line.text.as_str())
        .collect();
    Some(one_line(&title.join(" "))).filter(|title| letters(title) >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, size: f64, y: f64) -> TextLine {
        TextLine { text: text.to_owned(), size, x: 50.0, y, is_upright: true }
    }

    fn sheet(lines: Vec<TextLine>) -> Sheet {
        Sheet { lines, height: 800.0, pictures: Vec::new() }
    }

    #[test]
    fn the_largest_lines_at_the_top_are_the_title() {
        let first = sheet(vec![
            line("Journal of Flows 12", 8.0, 780.0),
            line("Flows that can be", 17.2, 700.0),
            line("inverted", 17.2, 680.0),
            line("A. Author", 11.0, 650.0),
            line("DRAFT", 60.0, 100.0),
        ]);
        for own in [None, Some(&b"main.dvi"[..]), Some(b"Microsoft Word - paper.doc"), Some(b"12")] {
            assert_eq!(of(own, Some(&first)).as_deref(), Some("Flows that can be inverted"));
        }
        assert_eq!(of(Some(b"\xfe\xff\x00O\x00w\x00n"), Some(&first)).as_deref(), Some("Own"));
    }
}
