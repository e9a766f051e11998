//! What the vocabulary and the names of months and days say of one word.

use jiff::civil::Weekday;

/// A language, by its ISO 639 code.
pub(in crate::domain::page) type LanguageCode = &'static str;

/// The meaning of a word for a date near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::domain::page) enum Meaning {
    Week,
    Session,
    Deadline,
    Before,
    Other,
    Filler,
    News,
    ColumnDate,
    ColumnOut,
    Assignment,
    Number,
}

/// A phrase that begins with a certain word.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) meaning: Meaning,
    pub(super) language: LanguageCode,
    /// The words after the first.
    pub(super) rest: Vec<String>,
    /// The position in its line, starting at 1: the value of a number word.
    pub(super) place: u32,
}

/// A month or a day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::page) enum Named {
    Month(i8),
    Day(Weekday),
}

/// The name of a month or day in a language.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameEntry {
    pub(super) language: LanguageCode,
    pub(super) named: Named,
    /// A whole name, not an abbreviation.
    pub(super) is_whole: bool,
}

/// All that is known of a word.
#[derive(Debug, Default)]
pub(super) struct WordMeaning {
    /// The phrases that begin with it.
    pub(super) phrases: Vec<Phrase>,
    pub(super) names: Vec<NameEntry>,
}

/// Nothing is known of most words.
pub(super) static UNKNOWN: WordMeaning = WordMeaning { phrases: Vec::new(), names: Vec::new() };
