//! What a search in the texts of the documents finds.

use crate::domain::capture::Digest;

/// A passage that contains all words of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchHit {
    pub sha256: Digest,
    pub page: Option<u32>,
    pub passage: PassageId,
}

/// The id of a passage, valid until its document is stored again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PassageId(pub(super) i64);

/// A part of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPart {
    pub text: String,
    pub is_match: bool,
}

/// Further words of a query are ignored.
const MOST_WORDS: usize = 12;
/// Shorter words match whole words; longer ones match the beginnings of words.
const SHORTEST_BEGINNING: usize = 3;

/// The words of a query as a reader typed it, and whether each may be the beginning of a
/// longer word.
pub(super) fn query_words(query: &str) -> impl Iterator<Item = (&str, bool)> {
    query
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.contains(char::is_alphanumeric))
        .take(MOST_WORDS)
        .map(|word| (word, word.chars().count() >= SHORTEST_BEGINNING))
}
