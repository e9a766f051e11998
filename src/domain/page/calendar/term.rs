//! The term that a page itself names: "Spring 2026" in its title or a heading.

use jiff::civil::{Date, date};

use super::token::{Token, folded, split};
use crate::domain::course::Term;

/// A month and its day.
type Day = (i8, i8);

/// Wide enough for semesters and quarters. It only determines the year of a date.
/// A term whose last day comes before its first ends in the next year.
const SEASONS: &[(&[&str], Day, Day)] = &[
    (&["winter", "wi", "hiver", "invierno", "inverno", "зима"], (1, 1), (3, 31)),
    (
        &[
            "spring",
            "sp",
            "s",
            "spr",
            "frühling",
            "frühjahr",
            "printemps",
            "primavera",
            "lente",
            "voorjaar",
            "wiosna",
            "весна",
            "bahar",
            "봄",
            "春",
        ],
        (1, 10),
        (6, 20),
    ),
    (
        &["summer", "su", "été", "verano", "estate", "verão", "zomer", "lato", "лето", "yaz", "夏"],
        (5, 15),
        (9, 15),
    ),
    (&["sommersemester", "sose", "ss", "sommer"], (4, 1), (9, 30)),
    (&["wintersemester", "wise", "ws"], (10, 1), (3, 31)),
    (
        &[
            "fall",
            "autumn",
            "fa",
            "f",
            "aut",
            "herbst",
            "automne",
            "otoño",
            "autunno",
            "outono",
            "herfst",
            "najaar",
            "jesień",
            "осень",
            "güz",
            "가을",
            "秋",
            "michaelmas",
        ],
        (8, 15),
        (12, 31),
    ),
];

/// Abbreviated seasons, which need the year directly after them: "F'25", "Sp 2026".
const SHORT: usize = 2;

/// The first term in one of these texts.
pub(in crate::domain::page) fn named_in<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<Term> {
    texts.find_map(term)
}

/// The language of the first season in a text, if it is not English.
pub(in crate::domain::page) fn season_language(text: &str) -> Option<&'static str> {
    const LANGUAGES: &[(&str, &[&str])] = &[
        ("fr", &["automne", "printemps", "hiver", "été"]),
        ("de", &["wintersemester", "sommersemester", "herbst", "frühling", "frühjahr", "wise", "sose"]),
        ("es", &["otoño", "invierno", "verano"]),
        ("it", &["autunno"]),
        ("pt", &["outono", "verão"]),
        ("nl", &["herfst", "najaar", "voorjaar"]),
        ("pl", &["jesień", "wiosna"]),
        ("ru", &["осень", "весна"]),
        ("tr", &["güz", "bahar"]),
    ];
    let folded = folded(text);
    let words = super::token::words(&folded);
    let named = |(_, seasons): &&(&str, &[&str])| words.iter().any(|word| seasons.contains(word));
    LANGUAGES.iter().find(named).map(|(language, _)| *language)
}

/// A season and a year within three words of each other, as in "Spring Quarter 2026".
fn term(text: &str) -> Option<Term> {
    let folded = folded(text);
    let tokens = split(&folded).collect::<Vec<_>>();
    (0..tokens.len()).find_map(|at| {
        let word = tokens[at].word()?;
        let (names, first, last) = SEASONS.iter().find(|(names, ..)| names.contains(&word))?;
        debug_assert!(!names.is_empty());
        let year = if word.len() <= SHORT && word.is_ascii() {
            year_in_short(&tokens, at)?
        } else {
            year_near(&tokens, at)?
        };
        let last_year = if last < first { year.checked_add(1)? } else { year };
        Some(Term { first: day(year, *first), last: day(last_year, *last) })
    })
}

/// "F'25", "FA25", "WS 2026/27".
fn year_in_short(tokens: &[Token], at: usize) -> Option<i16> {
    let mut next = at + 1;
    while tokens.get(next).is_some_and(|token| token.is_sign("'’-")) {
        next += 1;
    }
    let (value, digits) = tokens.get(next)?.number()?;
    let is_near = next > at + 1 || tokens[next].is_glued;
    match digits {
        2 if is_near => i16::try_from(2000 + value).ok(),
        4 => year(value),
        _ => None,
    }
}

fn year_near(tokens: &[Token], at: usize) -> Option<i16> {
    let mut words = 0;
    for next in at + 1..tokens.len().min(at + 6) {
        match tokens[next].number() {
            Some((value, 4)) => return year(value),
            Some((value, 2)) if tokens[next - 1].is_sign("'’") || next == at + 1 => {
                return i16::try_from(2000 + value).ok();
            }
            _ => words += usize::from(tokens[next].word().is_some()),
        }
        if words > 1 {
            break;
        }
    }
    let before = tokens[..at].iter().rev().filter(|token| token.sign().is_none()).take(1);
    before.filter_map(Token::number).find_map(|(value, digits)| (digits == 4).then(|| year(value))?)
}

fn year(value: u32) -> Option<i16> {
    i16::try_from(value).ok().filter(|year| (1990..2100).contains(year))
}

fn day(year: i16, (month, day): Day) -> Date {
    date(year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_beside_a_year_is_a_term() {
        for text in ["DEEP GENERATIVE MODELS SPRING 2026", "CS 349, Spring Quarter 2026", "2026 spring"] {
            let term = named_in([text].into_iter()).unwrap();
            assert_eq!((term.first, term.last), (date(2026, 1, 10), date(2026, 6, 20)), "{text}");
        }
        for text in
            ["Springer 2026", "The 2017 papers we read in the spring", "Winter", "fall back in 12 days"]
        {
            assert_eq!(named_in([text].into_iter()), None, "{text}");
        }
        for (text, first) in [
            ("Systems for Sorting (F'25)", date(2025, 8, 15)),
            ("CS 61B FA25", date(2025, 8, 15)),
            ("Sortieren, Wintersemester 2026/27", date(2026, 10, 1)),
            ("Algorithmes, automne 2026", date(2026, 8, 15)),
            ("Sp 2026", date(2026, 1, 10)),
        ] {
            assert_eq!(named_in([text].into_iter()).map(|term| term.first), Some(first), "{text}");
        }
    }
}
