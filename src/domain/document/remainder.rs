//! The remainder of a long text, behind the part that is kept in memory: its digest, and
//! digests of pieces by which two versions of it are compared.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::text;
use crate::domain::capture::Digest;

/// A piece ends, on average, after this many words. The words decide where, so an
/// insertion changes one piece and not all that follow.
const PIECE_WORDS: u32 = 64;
const LONGEST_PIECE: u32 = 8 * PIECE_WORDS;
/// The text is cut between two lines, or else between two words, if a gap is within this
/// many bytes.
const LONGEST_LINE: usize = 64 << 10;

/// A text of which only the digest and the number of words are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DigestedText {
    /// Of the folded words with one space between two.
    pub digest: Digest,
    pub words: u32,
}

/// What is known of the text behind the kept part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remainder {
    whole: DigestedText,
    words: u32,
    /// The digests of the pieces, in order.
    pieces: Vec<u32>,
}

/// Digests words as they come. They are gathered, because every update has its cost.
#[derive(Default)]
struct Digester {
    hasher: Sha256,
    gathered: Vec<u8>,
    words: u32,
}

/// The bytes that are digested at once.
const GATHERED: usize = 4096;

impl Digester {
    fn add(&mut self, word: &str) {
        if self.words > 0 {
            self.gathered.push(b' ');
        }
        self.gathered.extend_from_slice(word.as_bytes());
        if self.gathered.len() >= GATHERED {
            self.hasher.update(&self.gathered);
            self.gathered.clear();
        }
        self.words = self.words.saturating_add(1);
    }

    fn finish(mut self) -> DigestedText {
        self.hasher.update(&self.gathered);
        DigestedText { digest: Digest::from_bytes(self.hasher.finalize().into()), words: self.words }
    }
}

impl DigestedText {
    pub(super) fn of(text: &str) -> Self {
        let mut digester = Digester::default();
        text::each_word(text, |word| digester.add(word));
        digester.finish()
    }
}

impl Remainder {
    /// Splits a text that is longer than `most` bytes: the length of the part to keep, and
    /// the remainder. `None` for a shorter text.
    pub(super) fn split(text: &str, most: usize) -> Option<(usize, Self)> {
        if text.len() <= most {
            return None;
        }
        let end = text.floor_char_boundary(most);
        let last = &text[text.floor_char_boundary(end.saturating_sub(LONGEST_LINE))..end];
        // Whole lines are digested like the undivided text.
        let gap = last.rfind('\n').or_else(|| last.rfind(char::is_whitespace));
        let kept = gap.map_or(end, |gap| end - last.len() + gap);
        let mut digester = Digester::default();
        text::each_word(&text[..kept], |word| digester.add(word));
        let before = digester.words;
        let mut pieces = Pieces::default();
        text::each_word(&text[kept..], |word| {
            digester.add(word);
            pieces.add(word);
        });
        let whole = digester.finish();
        Some((kept, Self { whole, words: whole.words - before, pieces: pieces.finish() }))
    }

    /// The whole text, the kept part included.
    pub(super) fn whole(&self) -> DigestedText {
        self.whole
    }

    pub fn words(&self) -> u32 {
        self.words
    }

    /// About how many words of the longer of two remainders the other one lacks.
    pub fn words_changed(before: Option<&Self>, after: Option<&Self>) -> u32 {
        let mut counts: HashMap<u32, i64> = HashMap::new();
        for piece in before.iter().flat_map(|remainder| &remainder.pieces) {
            *counts.entry(*piece).or_default() += 1;
        }
        for piece in after.iter().flat_map(|remainder| &remainder.pieces) {
            *counts.entry(*piece).or_default() -= 1;
        }
        let gone = counts.values().copied().filter(|count| *count > 0).sum();
        let come = counts.values().copied().filter(|count| *count < 0).sum::<i64>().abs();
        let words = |side: Option<&Self>, pieces| side.map_or(0, |side| side.words_of(pieces));
        words(before, gone).max(words(after, come))
    }

    /// About as many words as this number of pieces has.
    fn words_of(&self, pieces: i64) -> u32 {
        let all = i64::try_from(self.pieces.len()).unwrap_or(i64::MAX).max(1);
        u32::try_from((pieces * i64::from(self.words)).div_euclid(all)).unwrap_or(u32::MAX)
    }
}

/// Digests pieces of words as they come.
#[derive(Default)]
struct Pieces {
    done: Vec<u32>,
    piece: DefaultHasher,
    /// The words of the last piece.
    words: u32,
}

impl Pieces {
    fn add(&mut self, word: &str) {
        word.hash(&mut self.piece);
        self.words += 1;
        let mut alone = DefaultHasher::new();
        word.hash(&mut alone);
        if alone.finish().is_multiple_of(u64::from(PIECE_WORDS)) || self.words == LONGEST_PIECE {
            self.end_piece();
        }
    }

    fn end_piece(&mut self) {
        self.done.push(short(&self.piece));
        self.piece = DefaultHasher::new();
        self.words = 0;
    }

    fn finish(mut self) -> Vec<u32> {
        if self.words > 0 {
            self.end_piece();
        }
        self.done
    }
}

fn short(hasher: &DefaultHasher) -> u32 {
    let bytes = hasher.finish().to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Format};
    use super::*;

    fn text(words: usize) -> Vec<String> {
        (0..words).map(|n| format!("w{}", n * 7919 % 10_007)).collect()
    }

    fn shortened(words: &[String], most: usize) -> Document {
        Document { text: words.join(" "), ..Document::bare(Format::Text) }.shortened(most)
    }

    #[test]
    fn a_shortened_text_has_the_fingerprint_and_the_words_of_the_whole() {
        let words = text(5000);
        let (whole, short) = (shortened(&words, usize::MAX), shortened(&words, 1000));
        assert_eq!((short.fingerprint(), short.words()), (whole.fingerprint(), whole.words()));
        for document in [&whole, &short] {
            assert!(document.has_words(0) && document.has_words(5000) && !document.has_words(5001));
        }
        assert!(short.text.len() <= 1000 && whole.text.starts_with(&short.text));
        let last_kept = short.text.rsplit(' ').next().unwrap();
        assert!(words.iter().any(|word| word == last_kept), "words are not cut");
        assert_eq!(whole.remainder, None);
    }

    #[test]
    fn an_insertion_changes_one_piece() {
        let old = text(20_000);
        let mut new = old.clone();
        new.insert(10_000, "inserted".to_owned());
        let changed = |old: &[String], new: &[String]| {
            let (old, new) = (shortened(old, 1000), shortened(new, 1000));
            Remainder::words_changed(old.remainder.as_ref(), new.remainder.as_ref())
        };
        assert_eq!(changed(&old, &old), 0);
        assert!((1..=2 * PIECE_WORDS).contains(&changed(&old, &new)));
        assert!(changed(&old, &old[..10_000]) > 8000, "half of it is gone");
    }

    #[test]
    fn a_text_without_spaces_is_cut_between_characters() {
        let text = "\u{6df1}".repeat(9000);
        let short = Document { text, ..Document::bare(Format::Text) }.shortened(20_000);
        assert_eq!(short.text.len() % 3, 0);
        assert!(short.text.len() > 15_000, "there is no gap");
    }
}
