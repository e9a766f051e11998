//! Combines glyphs into lines of text.
//!
//! In nearly all files the drawing order is the reading order, so columns are not
//! analysed. A line ends when the baseline moves, or when the position goes
//! back.

use std::cmp::Ordering;

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use super::glyph::Glyph;

/// Directions that differ by less than about ten degrees are equal.
const ONE_DIRECTION: f64 = 0.98;
/// A gap that exceeds the letter spacing of the line by this share of an em separates two words.
const WORD_GAP: f64 = 0.1;
/// A line with fewer gaps than this has no reliable letter spacing.
const GAPS_TO_JUDGE: usize = 6;

/// One line on the page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TextLine {
    pub(super) text: String,
    /// The em height of most of the line, in points.
    pub(super) size: f64,
    /// The start of its baseline, from the lower left corner of the page.
    pub(super) x: f64,
    pub(super) y: f64,
    /// Whether it runs from left to right.
    pub(super) is_upright: bool,
}

impl TextLine {
    /// Text that belongs to a page but has no position.
    pub(super) fn beside(text: String) -> Self {
        Self { text, size: 0.0, x: 0.0, y: f64::NAN, is_upright: false }
    }
}

pub(super) fn lines(glyphs: &[Glyph]) -> Vec<TextLine> {
    let mut lines = Vec::new();
    let mut current: Vec<&Glyph> = Vec::new();
    for glyph in glyphs {
        if !current.is_empty() && !continues_line(&current, glyph) {
            lines.extend(line(&current));
            current.clear();
        }
        current.push(glyph);
    }
    lines.extend(line(&current));
    lines
}

/// Whether the glyph is on the line.
fn continues_line(line: &[&Glyph], glyph: &Glyph) -> bool {
    let Some(last) = line.last() else { return true };
    if last.along.dot(glyph.along) < ONE_DIRECTION {
        return false;
    }
    let size = last.size.max(glyph.size);
    let from_end = glyph.at - last.end();
    let gap = from_end.dot(last.along);
    // After a superscript or subscript the line continues at its baseline.
    let is_level =
        line.iter().rev().take(4).any(|before| {
            (glyph.at - before.at).cross(before.along).abs() < 0.15 * before.size.max(glyph.size)
        });
    let is_near = gap.abs() < 0.6 * size;
    let is_script = is_near && from_end.cross(last.along).abs() < 0.6 * size;
    if !is_level && !is_script {
        return false;
    }
    if is_from_right(glyph) || is_from_right(last) {
        return true;
    }
    gap > -0.6 * size || glyph.is_space() && gap > -2.0 * size
}

fn is_from_right(glyph: &Glyph) -> bool {
    glyph.text.chars().any(|c| matches!(bidi_class(c), BidiClass::R | BidiClass::AL))
}

fn line(glyphs: &[&Glyph]) -> Option<TextLine> {
    let first = glyphs.first()?;
    let text = if glyphs.iter().any(|glyph| is_from_right(glyph)) {
        logical(&spaced(&in_order_of_place(glyphs)))
    } else {
        spaced(&in_order_of_drawing(glyphs))
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| TextLine {
        text,
        size: size_of_most(glyphs),
        x: first.at.x,
        y: first.at.y,
        is_upright: first.along.x > ONE_DIRECTION,
    })
}

fn size_of_most(glyphs: &[&Glyph]) -> f64 {
    let mut sizes: Vec<f64> =
        glyphs.iter().filter(|glyph| !glyph.is_space()).map(|glyph| glyph.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
}

/// A piece of a line: its text, and the gap before it in ems.
struct Piece {
    text: String,
    gap: f64,
}

fn in_order_of_drawing(glyphs: &[&Glyph]) -> Vec<Piece> {
    let gaps = std::iter::once(0.0).chain(glyphs.windows(2).map(|pair| gap(pair[0], pair[1])));
    glyphs.iter().zip(gaps).map(|(glyph, gap)| Piece { text: glyph.text.clone(), gap }).collect()
}

/// From left to right. In a glyph of several characters that run from right to left, the
/// last character comes first.
fn in_order_of_place(glyphs: &[&Glyph]) -> Vec<Piece> {
    let mut placed: Vec<&Glyph> = glyphs.to_vec();
    if let Some(first) = glyphs.first() {
        let place = |glyph: &Glyph| (glyph.at - first.at).dot(first.along);
        placed.sort_by(|one, other| place(one).partial_cmp(&place(other)).unwrap_or(Ordering::Equal));
    }
    let mut pieces = in_order_of_drawing(&placed);
    for (piece, glyph) in pieces.iter_mut().zip(&placed) {
        if is_from_right(glyph) {
            piece.text = piece.text.chars().rev().collect();
        }
    }
    pieces
}

fn gap(before: &Glyph, after: &Glyph) -> f64 {
    (after.at - before.end()).dot(before.along) / before.size.max(after.size)
}

/// Puts a space where the gap is wider than the line's letter spacing.
fn spaced(pieces: &[Piece]) -> String {
    let is_space = |piece: &Piece| piece.text.chars().all(char::is_whitespace);
    let letters = pieces.windows(2).filter(|pair| !is_space(&pair[0]) && !is_space(&pair[1]));
    let usual = usual_gap(letters.map(|pair| pair[1].gap).collect());
    let mut text = String::new();
    for piece in pieces {
        if piece.gap > usual + WORD_GAP || piece.gap < -1.0 {
            text.push(' ');
        }
        text.push_str(&piece.text);
    }
    text
}

/// The letter spacing within words: that of the narrower gaps.
fn usual_gap(mut gaps: Vec<f64>) -> f64 {
    if gaps.len() < GAPS_TO_JUDGE {
        return 0.0;
    }
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 5).copied().unwrap_or(0.0).clamp(-0.05, 1.0)
}

/// The reading order of a line that is given from left to right. Bidirectional
/// reordering is its own inverse here.
fn logical(shown: &str) -> String {
    let from_right = shown.chars().filter(|c| matches!(bidi_class(*c), BidiClass::R | BidiClass::AL)).count();
    let from_left = shown.chars().filter(|c| bidi_class(*c) == BidiClass::L).count();
    let level = if from_right >= from_left { Level::rtl() } else { Level::ltr() };
    let bidi = BidiInfo::new(shown, Some(level));
    bidi.paragraphs.iter().map(|paragraph| bidi.reorder_line(paragraph, paragraph.range.clone())).collect()
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::{Point, Vec2};

    use super::*;

    fn glyph(text: &str, x: f64, y: f64) -> Glyph {
        Glyph {
            text: text.to_owned(),
            at: Point::new(x, y),
            along: Vec2::new(1.0, 0.0),
            width: 5.0,
            size: 10.0,
        }
    }

    fn texts(glyphs: &[Glyph]) -> Vec<String> {
        lines(glyphs).into_iter().map(|line| line.text).collect()
    }

    /// The letters of a word from `x` on, `step` points apart.
    fn word(text: &str, x: f64, y: f64, step: f64) -> Vec<Glyph> {
        (0_u32..).zip(text.chars()).map(|(n, c)| glyph(&c.to_string(), x + f64::from(n) * step, y)).collect()
    }

    #[test]
    fn a_gap_separates_words_and_a_moved_baseline_lines() {
        let glyphs =
            [word("two", 0.0, 50.0, 5.0), word("words", 17.5, 50.0, 5.0), word("next", 0.0, 38.0, 5.0)];
        assert_eq!(texts(&glyphs.concat()), ["two words", "next"]);
    }

    #[test]
    fn letterspaced_words_are_one_word() {
        let glyphs = [word("spaced", 0.0, 0.0, 8.0), word("out", 56.0, 0.0, 8.0)];
        assert_eq!(texts(&glyphs.concat()), ["spaced out"]);
    }

    #[test]
    fn a_superscript_stays_in_its_line() {
        let mut raised = glyph("2", 10.0, 3.5);
        raised.size = 7.0;
        raised.width = 3.5;
        let glyphs = [word("km", 0.0, 0.0, 5.0), vec![raised], word("of", 16.5, 0.0, 5.0)];
        assert_eq!(texts(&glyphs.concat()), ["km2 of"]);
    }

    #[test]
    fn right_to_left_lines_are_read_in_any_drawing_order() {
        // "shalom 12" in Hebrew letters; the digits are at the left of the page.
        let letters = ["\u{5dd}", "\u{5d5}", "\u{5dc}", "\u{5e9}"];
        let shown: Vec<Glyph> =
            (0_u32..).zip(letters).map(|(n, letter)| glyph(letter, 15.0 + f64::from(n) * 5.0, 0.0)).collect();
        let figures = word("12", 0.0, 0.0, 5.0);
        let expected = ["\u{5e9}\u{5dc}\u{5d5}\u{5dd} 12"];
        assert_eq!(texts(&[figures.clone(), shown.clone()].concat()), expected);
        let written: Vec<Glyph> = shown.into_iter().rev().chain(figures).collect();
        assert_eq!(texts(&written), expected);
    }
}
