//! The words of a text, as the full-text index of `SQLite` divides it: runs of letters and
//! digits without diacritics, in lower case. In scripts without spaces each character is a word.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::search_text::is_word_by_itself;

/// A word, and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub place: Range<usize>,
    /// Most words of a text are folded as they stand.
    pub folded: Cow<'a, str>,
}

pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut word: Option<WordPart> = None;
    let end = |word: WordPart| word.end(text);
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            let word = word.get_or_insert_with(|| WordPart::at(at));
            word.place.end = after;
            if let Some(folded) = &mut word.folded {
                folded.push(c);
            }
        } else if is_word_by_itself(c) {
            words.extend(word.take().map(end));
            if is_letter(c) {
                words.push(Word { place: at..after, folded: Cow::Borrowed(&text[at..after]) });
            }
        } else if is_letter(c) {
            let word = word.get_or_insert_with(|| WordPart::at(at));
            let folded = word.folded.get_or_insert_with(|| text[word.place.clone()].to_owned());
            folded.extend(
                std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase),
            );
            word.place.end = after;
        } else if is_diacritic(c)
            && let Some(word) = &mut word
        {
            word.folded.get_or_insert_with(|| text[word.place.clone()].to_owned());
            word.place.end = after;
        } else {
            words.extend(word.take().map(end));
        }
    }
    words.extend(word.map(end));
    words
}

/// The beginning of a word.
struct WordPart {
    place: Range<usize>,
    /// `None` as long as the text itself is folded.
    folded: Option<String>,
}

impl WordPart {
    fn at(start: usize) -> Self {
        Self { place: start..start, folded: None }
    }

    fn end(self, text: &str) -> Word<'_> {
        let Self { place, folded } = self;
        let folded = folded.map_or_else(|| Cow::Borrowed(&text[place.clone()]), Cow::Owned);
        Word { place, folded }
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && !is_combining_mark(c)
}

/// A mark above or below a letter of the alphabets that have case.
fn is_diacritic(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_have_their_places() {
        let text = "Na\u{ef}ve co\u{308}operation, GAN\u{7528}\u{751f} 3.14 e\u{301} plainBut";
        let words = words(text);
        let folded: Vec<&str> = words.iter().map(|word| &*word.folded).collect();
        assert_eq!(
            folded,
            ["naive", "cooperation", "gan", "\u{7528}", "\u{751f}", "3", "14", "e", "plainbut"]
        );
        assert_eq!(&text[words[1].place.clone()], "co\u{308}operation");
    }
}
