//! The words of a text, as the full-text index of `SQLite` divides it: runs of letters and
//! digits without diacritics, in lower case. In scripts without spaces each character is a word.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::search_text::is_word_by_itself;

/// A word, and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub place: Range<usize>,
    pub folded: String,
}

pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    for (at, c) in text.char_indices() {
        let place = at..at + c.len_utf8();
        if c.is_ascii_alphanumeric() {
            // Most characters are of this kind, and need no tables.
            let word = word.get_or_insert_with(|| Word { place: place.clone(), folded: String::new() });
            word.folded.push(c.to_ascii_lowercase());
            word.place.end = place.end;
        } else if is_word_by_itself(c) {
            words.extend(word.take());
            if is_letter(c) {
                words.push(Word { place, folded: c.to_string() });
            }
        } else if is_letter(c) {
            let word = word.get_or_insert_with(|| Word { place: place.clone(), folded: String::new() });
            word.folded.extend(
                std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase),
            );
            word.place.end = place.end;
        } else if is_diacritic(c)
            && let Some(word) = &mut word
        {
            word.place.end = place.end;
        } else {
            words.extend(word.take());
        }
    }
    words.extend(word);
    words
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
        let text = "Na\u{ef}ve co\u{308}operation, GAN\u{7528}\u{751f} 3.14";
        let words = words(text);
        let folded: Vec<&str> = words.iter().map(|word| word.folded.as_str()).collect();
        assert_eq!(folded, ["naive", "cooperation", "gan", "\u{7528}", "\u{751f}", "3", "14"]);
        assert_eq!(&text[words[1].place.clone()], "co\u{308}operation");
    }
}
