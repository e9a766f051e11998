//! Accents that are drawn as separate glyphs over or under a letter.

use unicode_normalization::UnicodeNormalization as _;

use super::glyph::Glyph;

/// Spacing accents, and the combining characters for them.
const MARKS: &[(char, char)] = &[
    ('`', '\u{300}'),
    ('\u{b4}', '\u{301}'),
    ('\u{2c6}', '\u{302}'),
    ('^', '\u{302}'),
    ('\u{2dc}', '\u{303}'),
    ('~', '\u{303}'),
    ('\u{af}', '\u{304}'),
    ('\u{2d8}', '\u{306}'),
    ('\u{2d9}', '\u{307}'),
    ('\u{a8}', '\u{308}'),
    ('\u{2da}', '\u{30a}'),
    ('\u{2dd}', '\u{30b}'),
    ('\u{2c7}', '\u{30c}'),
    ('\u{b8}', '\u{327}'),
    ('\u{2db}', '\u{328}'),
];

/// Joins each accent with the letter before or after it that has the same position.
pub(super) fn combine(glyphs: &mut Vec<Glyph>) {
    let mut combined: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    let mut pending: Option<(Glyph, char)> = None;
    for mut glyph in glyphs.drain(..) {
        if let Some((accent, mark)) = pending.take() {
            if is_over_letter(&accent, &glyph) {
                glyph.text = with_mark(&glyph.text, mark);
            } else {
                combined.push(accent);
            }
        }
        match mark_of(&glyph) {
            Some(mark) => match combined.last_mut().filter(|letter| is_over_letter(&glyph, letter)) {
                Some(letter) => letter.text = with_mark(&letter.text, mark),
                None => pending = Some((glyph, mark)),
            },
            None => combined.push(glyph),
        }
    }
    combined.extend(pending.map(|(accent, _)| accent));
    *glyphs = combined;
}

fn mark_of(glyph: &Glyph) -> Option<char> {
    let mut chars = glyph.text.chars();
    let (only, None) = (chars.next()?, chars.next()) else { return None };
    MARKS.iter().find(|(accent, _)| *accent == only).map(|(_, mark)| *mark)
}

/// Whether their centres are at one position of the line, with a tolerance for slanted letters.
fn is_over_letter(accent: &Glyph, letter: &Glyph) -> bool {
    let is_letter = letter.text.chars().count() == 1 && letter.text.starts_with(char::is_alphabetic);
    let middle = |glyph: &Glyph| glyph.at + glyph.along * (glyph.width / 2.0);
    let apart = middle(accent) - middle(letter);
    is_letter
        && accent.along.dot(letter.along) > 0.98
        && apart.dot(letter.along).abs() < (0.5 * letter.width).max(0.05 * letter.size)
        && apart.cross(letter.along).abs() < 0.6 * letter.size
}

fn with_mark(letter: &str, mark: char) -> String {
    let letter = match letter {
        "\u{131}" => "i",
        "\u{237}" => "j",
        other => other,
    };
    letter.chars().chain([mark]).nfc().collect()
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::{Point, Vec2};

    use super::*;

    fn glyph(text: &str, x: f64) -> Glyph {
        Glyph {
            text: text.to_owned(),
            at: Point::new(x, 0.0),
            along: Vec2::new(1.0, 0.0),
            width: 5.0,
            size: 10.0,
        }
    }

    #[test]
    fn an_accent_joins_its_letter() {
        let mut glyphs = vec![
            glyph("\u{b4}", 0.0),
            glyph("e", 0.2),
            glyph("c", 5.0),
            glyph("\u{b8}", 5.1),
            glyph("\u{a8}", 10.0),
            glyph("\u{131}", 10.0),
            glyph("~", 20.0),
            glyph("x", 25.0),
        ];
        combine(&mut glyphs);
        let texts: Vec<&str> = glyphs.iter().map(|glyph| glyph.text.as_str()).collect();
        assert_eq!(texts, ["\u{e9}", "\u{e7}", "\u{ef}", "~", "x"]);
    }
}
