//! The term that a page names itself: "Spring 2026" in its title or a heading.

use jiff::civil::{Date, date};

use crate::domain::course::Term;

/// A month and its day.
type Day = (i8, i8);

/// Wide enough for semesters and quarters: it gives the year to a date, no more.
const SEASONS: &[(&str, Day, Day)] = &[
    ("winter", (1, 1), (3, 31)),
    ("spring", (1, 10), (6, 20)),
    ("summer", (5, 15), (9, 15)),
    ("fall", (8, 15), (12, 31)),
    ("autumn", (8, 15), (12, 31)),
];

/// The first term that one of these texts names.
pub(super) fn named_in<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<Term> {
    texts.find_map(term)
}

/// A season and a year within three words of each other, as in "Spring Quarter 2026".
fn term(text: &str) -> Option<Term> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).chain(words.windows(3)).find_map(|near| {
        let season = |word: &&str| SEASONS.iter().find(|(name, ..)| name == word);
        let (_, first, last) = near.iter().find_map(season)?;
        let year = near.iter().find_map(|word| year(word))?;
        Some(Term { first: day(year, *first), last: day(year, *last) })
    })
}

fn year(word: &str) -> Option<i16> {
    word.parse().ok().filter(|year| word.len() == 4 && (1990..2100).contains(year))
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
        for text in ["Springer 2026", "The 2017 papers we read in the spring", "Winter", "fall back 12"] {
            assert_eq!(named_in([text].into_iter()), None, "{text}");
        }
    }
}
