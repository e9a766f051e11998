//! Splits text into the tokens of dates: numbers, words and characters.

use super::meaning::{UNKNOWN, WordMeaning};

/// Marks the beginning of a link in a marked text.
pub(in crate::domain::page) const LINK: char = '\u{1}';
/// Marks the end of a link.
pub(in crate::domain::page) const LINK_END: char = '\u{2}';
/// Marks the end of an emphasised part.
pub(in crate::domain::page) const MARK_END: char = '\u{3}';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    Number {
        value: u32,
        digits: usize,
    },
    /// In lower case.
    Word(&'a str),
    Sign(char),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) piece: TokenKind<'a>,
    /// No space is between it and the token before.
    pub(super) is_glued: bool,
    /// What is known of the word; `vocabulary` looks it up once.
    pub(super) meaning: &'static WordMeaning,
}

impl<'a> Token<'a> {
    pub(super) fn number(&self) -> Option<(u32, usize)> {
        match self.piece {
            TokenKind::Number { value, digits } => Some((value, digits)),
            TokenKind::Word(_) | TokenKind::Sign(_) => None,
        }
    }

    pub(super) fn word(&self) -> Option<&'a str> {
        match self.piece {
            TokenKind::Word(word) => Some(word),
            TokenKind::Number { .. } | TokenKind::Sign(_) => None,
        }
    }

    pub(super) fn sign(&self) -> Option<char> {
        match self.piece {
            TokenKind::Sign(sign) => Some(sign),
            TokenKind::Number { .. } | TokenKind::Word(_) => None,
        }
    }

    pub(super) fn is_sign(&self, signs: &str) -> bool {
        self.sign().is_some_and(|sign| signs.contains(sign))
    }

    /// A mark at the beginning or end of a link or emphasis, which is not text.
    pub(super) fn is_marker(&self) -> bool {
        matches!(self.sign(), Some(LINK | LINK_END | MARK_END))
    }
}

/// A text in lower case, from which tokens are made.
pub(in crate::domain::page) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).collect()
}

/// The tokens of a folded text: digits of any script, words, and every other character.
/// An ideograph is a word by itself. Nothing is known yet of the words.
pub(super) fn split(folded: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = folded;
    std::iter::from_fn(move || {
        let text = rest.trim_start();
        let is_glued = text.len() == rest.len() && rest.len() < folded.len();
        let first = text.chars().next()?;
        let (piece, length) = if digit(first).is_some() {
            let number = &text[..run(text, u8::is_ascii_digit, |c| digit(c).is_some())];
            let (mut value, mut digits) = (0_u32, 0);
            for digit in number.chars().filter_map(digit) {
                value = value.saturating_mul(10).saturating_add(digit);
                digits += 1;
            }
            (TokenKind::Number { value, digits }, number.len())
        } else if is_letter(first) {
            let length = run(text, u8::is_ascii_alphabetic, is_letter);
            (TokenKind::Word(&text[..length]), length)
        } else if is_ideograph(first) {
            (TokenKind::Word(&text[..first.len_utf8()]), first.len_utf8())
        } else {
            (TokenKind::Sign(first), first.len_utf8())
        };
        rest = &text[length..];
        Some(Token { piece, is_glued, meaning: &UNKNOWN })
    })
}

/// The length of the first characters of a kind, most of which are ASCII.
fn run(text: &str, is_ascii: impl Fn(&u8) -> bool, is_of_kind: impl Fn(char) -> bool) -> usize {
    let ascii = text.bytes().take_while(is_ascii).count();
    text[ascii..].find(|c| !is_of_kind(c)).map_or(text.len(), |end| ascii + end)
}

/// Marks of text direction, and soft hyphens.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
}

fn is_letter(c: char) -> bool {
    (c.is_alphabetic() && !is_ideograph(c)) || matches!(c, '\u{5f3}') || is_combining(c)
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{652}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// The value of a digit: ASCII, full width, Arabic-Indic.
fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        _ => return None,
    };
    Some(u32::from(c) - u32::from(zero))
}

/// Whether a text has a digit of any script.
pub(super) fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
        || (!text.is_ascii() && text.chars().any(|c| digit(c).is_some()))
}

/// The words of a folded text.
pub(in crate::domain::page) fn words(folded: &str) -> Vec<&str> {
    split(folded).filter_map(|token| token.word()).collect()
}
