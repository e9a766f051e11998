//! The forms, words, numbers and characters of a date, each within its limits.

use jiff::civil::Weekday;

/// Two numbers, one of which is the month, or a month by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::page) enum Written {
    /// The month is known.
    Day { month: i8, day: i8 },
    /// `3/4`: the page decides which number is the month.
    Pair(i8, i8),
}

/// How certainly a text is a date, by its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::page) enum DateForm {
    /// A month by name, or a whole date in numbers.
    Sure,
    /// `9/8`, which may be a fraction.
    Slashed,
    /// `2.1.`, which may be the number of a section.
    Dotted,
}

/// The suffixes of "8th", "1er", "3º".
pub(super) const ORDINALS: &[&str] = &["st", "nd", "rd", "th", "er", "e", "º", "ª", "re", "ème", "го", "ое"];
/// Tokens between a day and its month.
pub(super) const OF: &[&str] = &["of", "de", "del", "di", "d", "den"];
/// Tokens between the days of a range or pair.
pub(super) const TO: &[&str] =
    &["to", "and", "bis", "und", "au", "et", "al", "y", "e", "a", "до", "и", "en", "tot", "do", "i", "ve"];

pub(super) fn is_cjk(c: char) -> bool {
    !c.is_ascii() && !c.is_lowercase()
}

/// M, T, W, R, F and S mean days in timetables; they do not identify a weekday.
pub(super) fn is_letter_of_a_day(word: &str) -> bool {
    matches!(word, "m" | "t" | "w" | "r" | "f" | "s" | "u" | "th")
}

/// The single characters for days in Chinese, Japanese and Korean.
pub(super) fn sign_of_a_day(word: &str) -> Option<Weekday> {
    Some(match word {
        "月" | "一" | "월" => Weekday::Monday,
        "火" | "二" | "화" => Weekday::Tuesday,
        "水" | "三" | "수" => Weekday::Wednesday,
        "木" | "四" | "목" => Weekday::Thursday,
        "金" | "五" | "금" => Weekday::Friday,
        "土" | "六" | "토" => Weekday::Saturday,
        "日" | "일" => Weekday::Sunday,
        _ => return None,
    })
}

pub(super) fn small(value: u32, most: u32) -> Option<i8> {
    (1..=most).contains(&value).then(|| i8::try_from(value).ok())?
}

pub(super) fn known(month: u32, day: u32) -> Option<Written> {
    Some(Written::Day { month: small(month, 12)?, day: small(day, 31)? })
}

pub(super) fn year(value: u32, digits: usize) -> Option<i16> {
    i16::try_from(value).ok().filter(|year| digits == 4 && (1990..2100).contains(year))
}

pub(super) fn year_in_short(value: u32, digits: usize) -> Option<i16> {
    match digits {
        2 => i16::try_from(2000 + value).ok(),
        _ => year(value, digits),
    }
}
