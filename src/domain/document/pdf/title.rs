//! The title of a PDF: what the file says of itself, else the largest text at
//! the head of its first page.

use super::Sheet;
use super::line::Line;
use crate::domain::document::title::{letters, one_line, own};

/// Lines whose sizes differ by less than this share are set alike.
const ONE_SIZE: f64 = 0.04;
/// The share of the first page, from the top, where a title stands.
const HEAD: f64 = 0.6;

pub(super) fn of(information: Option<&[u8]>, first: Option<&Sheet>) -> Option<String> {
    information.and_then(|title| own(&decode(title))).or_else(|| largest(first?))
}

/// A text string: UTF-16 or UTF-8 by its mark, else the encoding of documents,
/// which is Latin 1 but for a few signs (ISO 32000-1, 7.9.2.2).
pub(super) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xff, 0xfe, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Many write UTF-8 without the mark.
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        },
    }
}

/// The largest lines of the head, where they stand together.
fn largest(first: &Sheet) -> Option<String> {
    let is_head = |line: &&Line| {
        line.is_upright
            && line.y > (1.0 - HEAD) * first.height
            && letters(&line.text) >= 3
            && !line.text.contains('\u{fffd}')
    };
    let head: Vec<&Line> = first.lines.iter().filter(is_head).collect();
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
    let is_as_large = |line: &&&Line| (line.size - size).abs() <= ONE_SIZE * size;
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

    fn line(text: &str, size: f64, y: f64) -> Line {
        Line { text: text.to_owned(), size, x: 50.0, y, is_upright: true }
    }

    fn sheet(lines: Vec<Line>) -> Sheet {
        Sheet { lines, height: 800.0, pictures: Vec::new() }
    }

    #[test]
    fn the_largest_lines_of_the_head_are_the_title() {
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
