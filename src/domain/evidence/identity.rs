//! Decides whether a document is the linked work, by several checks, the cheapest first.
//!
//! The checks are: `a` the same text, `b` the same identifiers, `c` the title, `d` enough
//! common text. On the first night the only check is that of the link's words on the
//! course page.

use std::collections::HashSet;

use crate::domain::document::{Document, text, unversioned};
use crate::domain::evidence::drift;

/// Texts of less similarity are unrelated (`AlNoamany` et al. 2016).
const UNRELATED: f64 = 0.10;
/// This share of the words of a title must be found in the other document.
const CONTAINED: f64 = 0.6;
/// Titles and link words with fewer content words ("Library", "here") prove nothing.
const DISTINCTIVE_WORDS: usize = 3;
/// The beginning of a text, which has its title and authors.
const BEGINNING_WORDS: usize = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    Confirmed,
    /// There was nothing to compare with.
    Unknown,
    Mismatch,
}

/// What is known about the work.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    pub baseline: Option<&'a Document>,
    /// The words of the link on the course pages, each wording once.
    pub words: &'a [&'a str],
}

pub fn identify(document: &Document, known: &Reference) -> Identity {
    let distinctive: Vec<Vec<String>> = known
        .words
        .iter()
        .map(|words| content_words(words))
        .filter(|words| words.len() >= DISTINCTIVE_WORDS)
        .collect();
    let by_baseline = || known.baseline.is_some_and(|baseline| is_same_work(baseline, document));
    let is_named_in = |document: &Document| {
        let start = beginning(document);
        distinctive.iter().any(|words| is_contained(words, &start))
    };
    // Words that the baseline does not contain are no proof: error pages repeat them.
    let by_words = || is_named_in(document) && known.baseline.is_none_or(is_named_in);
    let by_title =
        || known.baseline.is_none() && known.words.iter().any(|words| is_exact_title(words, document));
    // In the order of their costs.
    if by_words() || by_title() || by_baseline() {
        Identity::Confirmed
    } else if known.baseline.is_some() || !distinctive.is_empty() {
        Identity::Mismatch
    } else {
        Identity::Unknown
    }
}

fn is_same_work(baseline: &Document, document: &Document) -> bool {
    baseline.fingerprint() == document.fingerprint()
        || has_same_id(baseline, document)
        || has_same_title(baseline, document)
        || drift::similarity(baseline, document) >= UNRELATED
}

fn has_same_id(one: &Document, other: &Document) -> bool {
    let same = |one: Option<&str>, other: Option<&str>| {
        one.zip(other).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    let (one, other) = (&one.citation, &other.citation);
    same(one.doi.as_deref(), other.doi.as_deref())
        || same(one.arxiv.as_deref().map(unversioned), other.arxiv.as_deref().map(unversioned))
}

/// Whether the title of `baseline` is distinctive and the other document has it.
pub fn has_same_title(baseline: &Document, document: &Document) -> bool {
    let Some(title) = baseline.citation.title.as_ref().or(baseline.title.as_ref()) else { return false };
    let words = content_words(title);
    words.len() >= DISTINCTIVE_WORDS && is_contained(&words, &text::folded(&titles(document)))
}

/// Whether the title of a page is exactly the words of the link. Two words are enough
/// then; one ("Home", "Library") is the title of too many pages.
fn is_exact_title(words: &str, document: &Document) -> bool {
    const EXACT_WORDS: usize = 2;
    const BETWEEN: &[&str] = &[" | ", " - ", " – ", " — ", " · ", " :: "];
    let words = content_words(words);
    let whole = [document.title.as_deref(), document.citation.title.as_deref()].into_iter().flatten();
    let parts = whole.clone().flat_map(|title| BETWEEN.iter().filter_map(|sign| title.split(sign).next()));
    let first_heading = document.headings.first().map(String::as_str);
    words.len() >= EXACT_WORDS
        && whole.chain(parts).chain(first_heading).any(|title| content_words(title) == words)
}

/// The titles and first headings, a line for each.
fn titles(document: &Document) -> String {
    let titles = [document.title.as_deref(), document.citation.title.as_deref()];
    let headings = document.headings.iter().map(String::as_str).take(3);
    titles.into_iter().flatten().chain(headings).flat_map(|title| [title, "\n"]).collect()
}

/// The titles and the beginning of the text, folded.
fn beginning(document: &Document) -> String {
    let mut start = titles(document);
    start.extend(document.text.split_whitespace().take(BEGINNING_WORDS).flat_map(|word| [word, " "]));
    text::folded(&start)
}

/// Whether a folded text has most of the words.
fn is_contained(words: &[String], folded: &str) -> bool {
    let start: HashSet<&str> = each_word(folded).collect();
    let found = words.iter().filter(|word| start.contains(word.as_str())).count();
    let share = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    share(found) >= CONTAINED * share(words.len())
}

/// The content words, each once.
fn content_words(text: &str) -> Vec<String> {
    const EMPTY: &[&str] = &[
        "the", "a", "an", "and", "or", "of", "for", "in", "on", "to", "with", "from", "by", "at", "is",
        "are", "be", "as", "it", "its", "this", "that", "about", "via", "using", "into", "how", "what",
        "why", "we", "you", "your", "our", "not", "can", "pdf", "html", "link", "here", "paper", "slides",
        "page", "article", "video", "notebook",
    ];
    let mut seen = HashSet::new();
    each_word(&text::folded(text))
        .filter(|word| word.chars().count() > 1 && !EMPTY.contains(word))
        .filter(|word| seen.insert((*word).to_owned()))
        .map(str::to_owned)
        .collect()
}

fn each_word(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::Format;

    fn document(title: &str, text: &str) -> Document {
        Document { title: Some(title.to_owned()), text: text.to_owned(), ..Document::bare(Format::Html) }
    }

    fn identity(document: &Document, baseline: Option<&Document>, words: &[&str]) -> Identity {
        identify(document, &Reference { baseline, words })
    }

    #[test]
    fn a_distinctive_title_confirms_the_work() {
        let before = document("Variational inference: a review", "one two three four five");
        let moved = document("Variational Inference - A Review | New Site", "quite another text here");
        assert_eq!(identity(&moved, Some(&before), &[]), Identity::Confirmed);
        let library = document("Library", "one two three");
        assert_eq!(
            identity(&document("Library", "others entirely"), Some(&library), &[]),
            Identity::Mismatch
        );
    }

    #[test]
    fn the_words_of_the_link_confirm_the_work_on_the_first_night() {
        let paper = document("1706.03762", "Attention Is All You Need Ashish Vaswani");
        assert_eq!(identity(&paper, None, &["Attention is All You Need!"]), Identity::Confirmed);
        assert_eq!(identity(&paper, None, &["the paper"]), Identity::Unknown);
        let paper = document("x", "Deep Unsupervised Learning using Nonequilibrium Thermodynamics");
        let words = ["Deep Unsupervised Learning using Nonequilibrium Thermodynamics"];
        assert_eq!(identity(&paper, None, &words), Identity::Confirmed);
        let landing = document("Trending papers", "explore the latest research");
        assert_eq!(identity(&landing, None, &words), Identity::Mismatch);
        assert_eq!(identity(&landing, None, &["here"]), Identity::Unknown);
    }

    #[test]
    fn versions_of_one_preprint_are_one_work() {
        let mut before = document("a", "x");
        before.citation.arxiv = Some("2103.04922v3".to_owned());
        let mut after = document("b", "y");
        after.citation.arxiv = Some("2103.04922v4".to_owned());
        assert_eq!(identity(&after, Some(&before), &[]), Identity::Confirmed);
    }
}
