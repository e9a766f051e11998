//! The part of a passage around the words of a query.

use std::ops::Range;

use super::search_hit::{SnippetPart, query_words};
use super::words::{Word, words};

const WORDS_SHOWN: usize = 28;
const OMITTED: &str = "\u{2026}";

/// A word of a query: several words if it has signs between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SoughtPhrase {
    pub words: Vec<String>,
    /// The last word is the beginning of a longer one.
    pub is_beginning: bool,
}

impl SoughtPhrase {
    /// The words of a query as a reader typed it.
    pub(super) fn of_query(query: &str) -> Vec<Self> {
        query_words(query)
            .map(|(word, is_beginning)| Self {
                words: words(word).into_iter().map(|word| word.folded.into_owned()).collect(),
                is_beginning,
            })
            .filter(|phrase| !phrase.words.is_empty())
            .collect()
    }

    /// How often the phrase is in a text with these words.
    pub(super) fn count_in(&self, words: &[Word]) -> usize {
        (0..words.len()).filter(|start| self.is_at(&words[*start..])).count()
    }

    fn is_at(&self, words: &[Word]) -> bool {
        let last = self.words.len().saturating_sub(1);
        words.len() > last
            && self.words.iter().zip(words).enumerate().all(|(at, (sought, word))| {
                if at == last && self.is_beginning {
                    word.folded.starts_with(sought)
                } else {
                    word.folded == *sought
                }
            })
    }
}

/// The best part of a text; `None` if the text lacks one of the phrases.
pub(super) fn snippet(text: &str, phrases: &[SoughtPhrase]) -> Option<Vec<SnippetPart>> {
    let words = &words(text);
    let matches = matches(words, phrases);
    if !(0..phrases.len()).all(|phrase| matches.iter().any(|found| found.phrase == phrase)) {
        return None;
    }
    let shown = best_window(&matches, words.len());
    let mut parts = Parts(Vec::new());
    let is_first = shown.start == 0;
    let is_last = shown.end == words.len();
    let mut at = if is_first { 0 } else { words[shown.start].place.start };
    if !is_first {
        parts.add(OMITTED, false);
    }
    for found in
        merged(&matches).into_iter().filter(|found| shown.contains(&found.start) && found.end <= shown.end)
    {
        let place = words[found.start].place.start..words[found.end - 1].place.end;
        parts.add(&text[at..place.start], false);
        parts.add(&text[place.clone()], true);
        at = place.end;
    }
    let end = if is_last { text.len() } else { words[shown.end - 1].place.end };
    parts.add(&text[at..end.max(at)], false);
    if !is_last {
        parts.add(OMITTED, false);
    }
    Some(parts.0)
}

/// A match of a phrase: which phrase, and its words in the text.
struct Match {
    phrase: usize,
    words: Range<usize>,
}

fn matches(words: &[Word], phrases: &[SoughtPhrase]) -> Vec<Match> {
    let starts = 0..words.len();
    let at = |start: usize| {
        phrases.iter().enumerate().filter_map(move |(index, phrase)| {
            let found = phrase.is_at(&words[start..]);
            found.then(|| Match { phrase: index, words: start..start + phrase.words.len() })
        })
    };
    starts.flat_map(at).collect()
}

/// The words to show: those around the match after which most phrases follow, in the middle.
fn best_window(matches: &[Match], words: usize) -> Range<usize> {
    let score = |from: usize| {
        let start = matches[from].words.start;
        // The matches are in the order of their first words.
        let near = matches[from..].iter().take_while(|found| found.words.start < start + WORDS_SHOWN);
        let inside: Vec<&Match> = near.filter(|found| found.words.end <= start + WORDS_SHOWN).collect();
        let mut phrases: Vec<usize> = inside.iter().map(|found| found.phrase).collect();
        phrases.sort_unstable();
        phrases.dedup();
        let end = inside.iter().map(|found| found.words.end).max().unwrap_or(start);
        ((phrases.len(), inside.len()), end)
    };
    let mut best = ((0, 0), 0..0);
    for (from, first) in matches.iter().enumerate() {
        let (score, end) = score(from);
        if score > best.0 {
            best = (score, first.words.start..end);
        }
    }
    let spare = WORDS_SHOWN.saturating_sub(best.1.len());
    let start = best.1.start.saturating_sub(spare / 2).min(words.saturating_sub(WORDS_SHOWN));
    start..(start + WORDS_SHOWN).min(words)
}

/// The words of the matches in order, without overlaps.
fn merged(matches: &[Match]) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for found in matches {
        match merged.last_mut() {
            Some(last) if found.words.start < last.end => last.end = last.end.max(found.words.end),
            Some(_) | None => merged.push(found.words.clone()),
        }
    }
    merged
}

struct Parts(Vec<SnippetPart>);

impl Parts {
    fn add(&mut self, text: &str, is_match: bool) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.is_match == is_match => last.text.push_str(text),
            Some(_) | None => self.0.push(SnippetPart { text: text.to_owned(), is_match }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, sought: &[&str]) -> String {
        let phrases: Vec<SoughtPhrase> = sought
            .iter()
            .map(|word| SoughtPhrase { words: vec![(*word).to_owned()], is_beginning: word.len() > 2 })
            .collect();
        let parts = snippet(text, &phrases).unwrap();
        parts
            .iter()
            .map(|part| if part.is_match { format!("[{}]", part.text) } else { part.text.clone() })
            .collect()
    }

    #[test]
    fn the_matches_are_marked_in_a_short_text() {
        assert_eq!(
            shown("Normalizing flows, na\u{ef}ve.", &["naive", "flow"]),
            "Normalizing [flows], [na\u{ef}ve]."
        );
        assert_eq!(snippet("one alpha", &SoughtPhrase::of_query("alpha absent")), None);
    }

    #[test]
    fn the_words_of_a_query_are_phrases() {
        let phrases = SoughtPhrase::of_query("to na\u{ef}ve' e-mail !");
        let words: Vec<String> = phrases.iter().map(|phrase| phrase.words.join(" ")).collect();
        assert_eq!(words, ["to", "naive", "e mail"]);
        let text = super::words("To e-mails, to e mail.");
        assert_eq!(phrases.iter().map(|phrase| phrase.count_in(&text)).collect::<Vec<_>>(), [2, 0, 2]);
    }

    #[test]
    fn a_text_of_one_word_repeated_has_a_snippet_at_once() {
        let text = "alpha ".repeat(200_000);
        assert!(snippet(&text, &SoughtPhrase::of_query("alpha")).is_some());
    }

    #[test]
    fn a_long_text_is_cut_around_the_matches() {
        let filler = vec!["word"; 60].join(" ");
        let text = format!("{filler} alpha beta {filler} alpha {filler}");
        let snippet = shown(&text, &["alpha", "beta"]);
        assert!(snippet.starts_with("\u{2026}word") && snippet.ends_with("word\u{2026}"), "{snippet}");
        assert!(snippet.contains("word [alpha] [beta] word"), "{snippet}");
        assert_eq!(snippet.split(' ').count(), WORDS_SHOWN);
    }
}
