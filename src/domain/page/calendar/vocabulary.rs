//! The phrases of `words.txt` and the names of the CLDR by their words, and the positions
//! of phrases in a text.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::meaning::{LanguageCode, Meaning, Phrase, UNKNOWN, WordMeaning};
use super::names;
use super::token::{self, Token};

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

type Vocabulary = FxHashMap<String, WordMeaning>;

fn table() -> &'static Vocabulary {
    static TABLE: OnceLock<Vocabulary> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Vocabulary::default();
        names::each(|word, entry| table.entry(word).or_default().names.push(entry));
        for line in include_str!("words.txt").lines().filter(|line| !line.starts_with('#')) {
            let Some((head, phrases)) = line.split_once(':') else { continue };
            let Some((name, language)) = head.split_once(' ') else { continue };
            let Some((_, meaning)) = MEANINGS.iter().find(|(known, _)| *known == name) else { continue };
            for (place, phrase) in (1..).zip(phrases.split(',')) {
                let folded = token::folded(phrase);
                let mut words = token::words(&folded).into_iter().map(str::to_owned);
                let Some(first) = words.next() else { continue };
                let phrase = Phrase { meaning: *meaning, language, rest: words.collect(), place };
                table.entry(first).or_default().phrases.push(phrase);
            }
        }
        table
    })
}

/// What is known of a word in lower case.
pub(super) fn meaning_of(word: &str) -> &'static WordMeaning {
    table().get(word).unwrap_or(&UNKNOWN)
}

/// The tokens of a folded text, with what is known of their words.
pub(super) fn tokens(folded: &str) -> Vec<Token<'_>> {
    // A word and a sign in five characters.
    let mut tokens = Vec::with_capacity(folded.len() * 2 / 5 + 2);
    tokens.extend(token::split(folded).map(with_meaning));
    tokens
}

/// The same of the beginning of a text.
pub(super) fn first_tokens(folded: &str, count: usize) -> Vec<Token<'_>> {
    token::split(folded).take(count).map(with_meaning).collect()
}

fn with_meaning(token: Token<'_>) -> Token<'_> {
    Token { meaning: token.word().map_or(&UNKNOWN, meaning_of), ..token }
}

/// The number of tokens in the longest phrase with a meaning at a place.
pub(super) fn length_at(tokens: &[Token], at: usize, meaning: Meaning) -> Option<usize> {
    phrases_at(tokens, at, meaning).map(|phrase| phrase.rest.len() + 1).max()
}

/// Whether the text before a place counts sessions, weeks or assignments, such as "Lecture"
/// or "Problem set", so that the number at the place is no day.
pub(super) fn counts_before(tokens: &[Token], at: usize) -> bool {
    const COUNTED: [Meaning; 3] = [Meaning::Session, Meaning::Week, Meaning::Assignment];
    const WORDS_AT_MOST: usize = 2;
    let has_sign = at > 0 && tokens[at - 1].is_sign("#№");
    has_sign
        || (1..=WORDS_AT_MOST.min(at)).any(|length| {
            COUNTED.into_iter().any(|meaning| length_at(tokens, at - length, meaning) == Some(length))
        })
}

/// The value of a number word.
pub(super) fn number_at(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let longest = phrases_at(tokens, at, Meaning::Number).max_by_key(|phrase| phrase.rest.len())?;
    Some((longest.place, longest.rest.len() + 1))
}

/// The language of a word for a meaning, if it is one in no other language.
pub(super) fn language_of(word: &WordMeaning, meaning: Meaning) -> Option<LanguageCode> {
    let mut fitting =
        word.phrases.iter().filter(|phrase| phrase.meaning == meaning && phrase.rest.is_empty());
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

fn phrases_at<'a>(
    tokens: &'a [Token<'a>],
    at: usize,
    meaning: Meaning,
) -> impl Iterator<Item = &'static Phrase> + 'a {
    let phrases = tokens.get(at).map_or(&UNKNOWN, |token| token.meaning).phrases.iter();
    phrases.filter(move |phrase| {
        let follows = |(place, word): (usize, &String)| {
            tokens.get(at + 1 + place).and_then(Token::word) == Some(word.as_str())
        };
        phrase.meaning == meaning && phrase.rest.iter().enumerate().all(follows)
    })
}

/// Whether the header of a column has a meaning: a phrase of it, or nothing else.
pub(in crate::domain::page) fn title_means(title: &str, meaning: Meaning) -> bool {
    let folded = token::folded(title);
    let tokens = tokens(&folded);
    let is_short = tokens.iter().filter(|token| token.word().is_some()).count() <= 4;
    is_short && has(&tokens, meaning)
}
