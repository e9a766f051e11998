//! The phrases of `words.txt`, and their positions in a text.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::token::{Token, words};

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

const MEANINGS: &[(&str, Meaning)] = &[
    ("week", Meaning::Week),
    ("session", Meaning::Session),
    ("deadline", Meaning::Deadline),
    ("before", Meaning::Before),
    ("other", Meaning::Other),
    ("filler", Meaning::Filler),
    ("news", Meaning::News),
    ("column_date", Meaning::ColumnDate),
    ("column_out", Meaning::ColumnOut),
    ("assignment", Meaning::Assignment),
    ("number", Meaning::Number),
];

/// A phrase that begins with a certain word.
#[derive(Debug)]
struct Phrase {
    meaning: Meaning,
    language: &'static str,
    /// The words after the first.
    rest: Vec<String>,
    /// The position in its line, starting at 1: the value of a number word.
    place: u32,
}

type PhraseTable = HashMap<String, Vec<Phrase>>;

fn table() -> &'static PhraseTable {
    static TABLE: OnceLock<PhraseTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = PhraseTable::new();
        for line in include_str!("words.txt").lines().filter(|line| !line.starts_with('#')) {
            let Some((head, phrases)) = line.split_once(':') else { continue };
            let Some((name, language)) = head.split_once(' ') else { continue };
            let Some((_, meaning)) = MEANINGS.iter().find(|(known, _)| *known == name) else { continue };
            for (place, phrase) in (1..).zip(phrases.split(',')) {
                let mut words = words(phrase).into_iter();
                let Some(first) = words.next() else { continue };
                let phrase = Phrase { meaning: *meaning, language, rest: words.collect(), place };
                table.entry(first).or_default().push(phrase);
            }
        }
        table
    })
}

/// The number of tokens in the longest phrase with a meaning at a place.
pub(super) fn length_at(tokens: &[Token], at: usize, meaning: Meaning) -> Option<usize> {
    phrases_at(tokens, at, meaning).map(|phrase| phrase.rest.len() + 1).max()
}

/// The value of a number word.
pub(super) fn number_at(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let longest = phrases_at(tokens, at, Meaning::Number).max_by_key(|phrase| phrase.rest.len())?;
    Some((longest.place, longest.rest.len() + 1))
}

/// The languages whose word for a meaning is in the text and in no other language.
pub(in crate::domain::page) fn languages_of(word: &str, meaning: Meaning) -> Option<&'static str> {
    let mut fitting =
        table().get(word)?.iter().filter(|phrase| phrase.meaning == meaning && phrase.rest.is_empty());
    let first = fitting.next()?;
    fitting.all(|other| other.language == first.language).then_some(first.language)
}

/// Whether a phrase with a meaning is anywhere in the text.
pub(in crate::domain::page) fn has(text: &[Token], meaning: Meaning) -> bool {
    (0..text.len()).any(|at| length_at(text, at, meaning).is_some())
}

/// Whether the text has only phrases with a meaning, numbers and punctuation.
pub(super) fn is_only(tokens: &[Token], meaning: Meaning) -> bool {
    let mut at = 0;
    let mut has_phrase = false;
    while at < tokens.len() {
        match length_at(tokens, at, meaning) {
            Some(length) => {
                has_phrase = true;
                at += length;
            }
            None if tokens[at].word().is_none() => at += 1,
            None => return false,
        }
    }
    has_phrase
}

fn phrases_at(tokens: &[Token], at: usize, meaning: Meaning) -> impl Iterator<Item = &'static Phrase> {
    let first = tokens.get(at).and_then(Token::word).and_then(|word| table().get(word));
    first.into_iter().flatten().filter(move |phrase| {
        let follows = |(place, word): (usize, &String)| {
            tokens.get(at + 1 + place).and_then(Token::word) == Some(word.as_str())
        };
        phrase.meaning == meaning && phrase.rest.iter().enumerate().all(follows)
    })
}

/// Whether the header of a column has a meaning: a phrase of it, or nothing else.
pub(in crate::domain::page) fn title_means(title: &str, meaning: Meaning) -> bool {
    let tokens = super::token::tokens(title);
    let is_short = tokens.iter().filter(|token| token.word().is_some()).count() <= 4;
    is_short && has(&tokens, meaning)
}
