//! Weeks of the term, as calendars number them.

use super::meaning::Meaning;
use super::token::Token;
use super::vocabulary::{length_at, number_at};

/// The highest week number; calendar weeks go up to 53.
const LAST: u32 = 60;

/// A week, and the position after it.
pub(super) fn at(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    word_first(tokens, at).or_else(|| number_first(tokens, at))
}

/// "Week 3", "Week #3", "Wk. 3", "Week Four", "неделя 3".
fn word_first(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let mut next = at + length_at(tokens, at, Meaning::Week)?;
    if tokens.get(next).is_some_and(|token| token.is_sign("#.:№")) {
        next += 1;
    }
    if let Some((value, _)) = tokens.get(next).and_then(Token::number) {
        let is_part = tokens.get(next + 1).is_some_and(|token| token.is_glued && token.is_sign("/%"));
        return ((1..=LAST).contains(&value) && !is_part).then_some((value, next + 1));
    }
    number_at(tokens, next).map(|(value, length)| (value, next + length))
}

/// "3. Woche", "3rd week", "第3週", "3주차", "3-я неделя".
fn number_first(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let is_counted = tokens.get(at).and_then(Token::word).is_some_and(|word| matches!(word, "第" | "제"));
    let start = at + usize::from(is_counted);
    let (value, mut next) = match tokens.get(start).and_then(Token::number) {
        Some((value, digits)) => ((digits <= 2).then_some(value)?, start + 1),
        None if is_counted => number_at(tokens, start).map(|(value, length)| (value, start + length))?,
        None => return None,
    };
    let mut is_ordinal = is_counted;
    while let Some(token) = tokens.get(next).filter(|token| token.is_glued) {
        let is_ending = token.word().is_some_and(|word| {
            matches!(
                word,
                "st" | "nd" | "rd" | "th" | "a" | "ª" | "e" | "ère" | "ème" | "re" | "я" | "ta" | "de"
            )
        });
        if !(is_ending || token.is_sign(".-ªº")) {
            break;
        }
        is_ordinal = true;
        next += 1;
    }
    let length = length_at(tokens, next, Meaning::Week)?;
    // "3주": the character for "week" also counts weeks, so more is needed.
    let is_korean = tokens[next].word().is_some_and(|word| word == "주차");
    ((is_ordinal || is_korean) && (1..=LAST).contains(&value)).then_some((value, next + length))
}

#[cfg(test)]
mod tests {
    use super::super::token::folded;
    use super::super::vocabulary::tokens;
    use super::*;

    #[test]
    fn weeks_are_read_in_many_languages() {
        for (text, week) in [
            ("Week 3", 3),
            ("WEEK 03", 3),
            ("Week Four", 4),
            ("Week #5", 5),
            ("Wk 6", 6),
            ("Week7", 7),
            ("Wk. 8:", 8),
            ("Semana 8", 8),
            ("第9周", 9),
            ("第4週", 4),
            ("第四周", 4),
            ("Woche 2", 2),
            ("KW 41", 41),
            ("3. Woche", 3),
            ("Semaine 5 : tas", 5),
            ("settimana 3", 3),
            ("2nd week", 2),
            ("Неделя 3", 3),
            ("3-я неделя", 3),
            ("3주차", 3),
            ("제3주", 3),
            ("Hafta 3", 3),
            ("3. hafta", 3),
            ("الأسبوع ٣", 3),
            ("שבוע 3", 3),
            ("Tydzień 3", 3),
            ("Weeks 3-4", 3),
        ] {
            assert_eq!(at(&tokens(&folded(text)), 0).map(|(week, _)| week), Some(week), "{text}");
        }
        for text in ["A weekend of sorting", "Week of Sep 7", "Weekly", "Week 2026", "3 weeks"] {
            assert_eq!(at(&tokens(&folded(text)), 0), None, "{text}");
        }
    }
}
