//! The full-text index of the documents.
//!
//! Texts belong to digests, not to captures: equal bodies are stored once.

use std::collections::{HashMap, HashSet};

use sqlx::{Row as _, Sqlite, Transaction};

use super::search_text::{joined, separated};
use super::value::{from_json, json};
use super::{Catalogue, Error};
use crate::domain::capture::Digest;
use crate::domain::document::EXTRACTION;
use crate::domain::document::passage::Passage;
use crate::domain::evidence::link_history::StoredCapture;
use crate::world::disk::{self, StorageStep};

/// Limits the memory of a statement: a text has at most some megabytes.
const TEXTS_AT_ONCE: usize = 16;
/// Further words of a query are ignored.
const MOST_WORDS: usize = 12;
/// Shorter words match whole words; longer ones match the beginnings of words.
const SHORTEST_BEGINNING: usize = 3;
/// Surround a match in a snippet; passages have no control characters.
const MATCH_BEGINS: char = '\u{2}';
const MATCH_ENDS: char = '\u{3}';

/// A passage that contains all words of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchHit {
    pub sha256: Digest,
    pub page: Option<u32>,
    pub passage: PassageId,
}

/// The id of a passage, valid until its document is stored again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PassageId(i64);

/// A part of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPart {
    pub text: String,
    pub is_match: bool,
}

/// The text of a document in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentText {
    pub sha256: Digest,
    pub passages: Vec<Passage>,
}

/// Stores texts in few statements. Of equal digests the first counts.
pub(super) async fn enter(texts: &[DocumentText], on: &mut Transaction<'_, Sqlite>) -> Result<(), Error> {
    let mut seen = HashSet::new();
    let texts: Vec<&DocumentText> = texts.iter().filter(|text| seen.insert(text.sha256)).collect();
    for texts in texts.chunks(TEXTS_AT_ONCE) {
        let digests = json(&texts.iter().map(|text| text.sha256).collect::<Vec<_>>())?;
        sqlx::query("DELETE FROM document_text WHERE sha256 IN (SELECT value FROM json_each($1))")
            .bind(&digests)
            .execute(&mut **on)
            .await?;
        sqlx::query("INSERT INTO document_text (sha256, extraction) SELECT value, $1 FROM json_each($2)")
            .bind(EXTRACTION)
            .bind(&digests)
            .execute(&mut **on)
            .await?;
        let passages = texts.iter().flat_map(|text| {
            text.passages.iter().map(move |passage| (text.sha256, passage.page, separated(&passage.text)))
        });
        sqlx::query(
            "INSERT INTO passage (document, page, text) \
             SELECT document_text.id, CAST(entered.value ->> 1 AS BIGINT), entered.value ->> 2 \
             FROM json_each($1) AS entered CROSS JOIN document_text \
             WHERE document_text.sha256 = entered.value ->> 0",
        )
        .bind(json(&passages.collect::<Vec<_>>())?)
        .execute(&mut **on)
        .await?;
    }
    Ok(())
}

impl Catalogue {
    /// Stores the text of a document, in place of an earlier one.
    pub async fn enter_text(&self, text: &DocumentText) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        enter(std::slice::from_ref(text), &mut transaction).await?;
        Ok(disk::commit(StorageStep::TextCommit, transaction.commit()).await?)
    }

    /// Captures without a stored text, or with one from an older extraction: the newest
    /// first, one for each digest.
    pub async fn unread(&self, most: u32) -> Result<Vec<StoredCapture>, Error> {
        let rows = sqlx::query_scalar::<_, String>(
            "SELECT kept FROM capture WHERE id IN (SELECT MAX(id) FROM capture GROUP BY sha256) \
             AND NOT EXISTS (SELECT 1 FROM document_text known WHERE known.sha256 = capture.sha256 \
                             AND known.extraction >= $1) \
             ORDER BY id DESC LIMIT $2",
        )
        .bind(EXTRACTION)
        .bind(most)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|kept| from_json(kept)).collect()
    }

    /// The text of a document, if it is stored.
    pub async fn text(&self, sha256: Digest) -> Result<Option<Vec<Passage>>, Error> {
        let rows = sqlx::query(
            "SELECT passage.page, passage.text FROM document_text \
             LEFT JOIN passage ON passage.document = document_text.id \
             WHERE document_text.sha256 = $1 ORDER BY passage.id",
        )
        .bind(sha256.to_string())
        .fetch_all(&self.pool)
        .await?;
        let passage = |row: &sqlx::sqlite::SqliteRow| {
            row.get::<Option<String>, _>(1).map(|text| Passage { page: row.get(0), text: joined(&text) })
        };
        Ok((!rows.is_empty()).then(|| rows.iter().filter_map(passage).collect()))
    }

    /// The passages of some documents that contain all words of a query, best first.
    pub async fn search(&self, query: &str, among: &[Digest], most: u32) -> Result<Vec<SearchHit>, Error> {
        let Some(sought) = expression(query) else { return Ok(Vec::new()) };
        // The index yields its rows by rank, so that the limit ends the search.
        let rows = sqlx::query(
            "SELECT document_text.sha256, passage.page, passage.id \
             FROM passage_index CROSS JOIN passage ON passage.id = passage_index.rowid \
             CROSS JOIN document_text ON document_text.id = passage.document \
             WHERE passage_index MATCH $1 AND document_text.sha256 IN (SELECT value FROM json_each($2)) \
             ORDER BY passage_index.rank LIMIT $3",
        )
        .bind(sought)
        .bind(serde_json::to_string(among)?)
        .bind(most)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let sha256 = row.get::<String, _>(0).parse();
                Ok(SearchHit {
                    sha256: sha256.map_err(|error| Error::Query(sqlx::Error::Decode(Box::new(error))))?,
                    page: row.get(1),
                    passage: PassageId(row.get(2)),
                })
            })
            .collect()
    }

    /// The text around the words of a query in some passages. To make a snippet costs more
    /// than to find its passage, so snippets are made only for passages that are shown.
    pub async fn snippets(
        &self,
        query: &str,
        of: &[PassageId],
    ) -> Result<HashMap<PassageId, Vec<SnippetPart>>, Error> {
        let Some(sought) = expression(query) else { return Ok(HashMap::new()) };
        // The plus prevents a new search of the index for each passage.
        let rows = sqlx::query(
            "SELECT rowid, snippet(passage_index, 0, $1, $2, '\u{2026}', 28) FROM passage_index \
             WHERE passage_index MATCH $3 AND +rowid IN (SELECT value FROM json_each($4))",
        )
        .bind(MATCH_BEGINS.to_string())
        .bind(MATCH_ENDS.to_string())
        .bind(sought)
        .bind(serde_json::to_string(&of.iter().map(|passage| passage.0).collect::<Vec<_>>())?)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(|row| (PassageId(row.get(0)), pieces(row.get(1)))).collect())
    }
}

/// A query of the full-text index in which every word is quoted, so that a reader cannot
/// type an operator. `None` without words.
fn expression(query: &str) -> Option<String> {
    let words: Vec<String> = query
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.contains(char::is_alphanumeric))
        .take(MOST_WORDS)
        .map(|word| {
            let beginning = if word.chars().count() < SHORTEST_BEGINNING { "" } else { "*" };
            // A word of several characters that count as words is searched as a phrase.
            format!("\"{}\"{beginning}", separated(word).replace('"', "\"\""))
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

fn pieces(snippet: &str) -> Vec<SnippetPart> {
    let mut pieces = Vec::new();
    for (at, part) in snippet.split(MATCH_BEGINS).enumerate() {
        let (found, rest) =
            if at == 0 { ("", part) } else { part.split_once(MATCH_ENDS).unwrap_or(("", part)) };
        add(&mut pieces, found, true);
        add(&mut pieces, rest, false);
    }
    pieces
}

/// Neighbouring parts of one kind are joined, because each character may be a match of its own.
fn add(pieces: &mut Vec<SnippetPart>, text: &str, is_match: bool) {
    let text = joined(text);
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.is_match == is_match => last.text.push_str(&text),
        Some(_) | None => pieces.push(SnippetPart { text, is_match }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::test_runner::TestRunner;

    async fn catalogue() -> (tempfile::TempDir, Catalogue) {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(&Catalogue::path_in(dir.path())).await.unwrap();
        (dir, catalogue)
    }

    fn pages(texts: &[&str]) -> Vec<Passage> {
        (1..).zip(texts).map(|(page, text)| Passage { page: Some(page), text: (*text).to_owned() }).collect()
    }

    #[tokio::test]
    async fn words_are_found_on_their_page_and_only_in_the_given_documents() {
        let (_dir, catalogue) = catalogue().await;
        let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
        let text = pages(&["An introduction.", "Normalizing flows transport na\u{ef}ve densities."]);
        catalogue.enter_text(&DocumentText { sha256: one, passages: text.clone() }).await.unwrap();
        catalogue.enter_text(&DocumentText { sha256: one, passages: text.clone() }).await.unwrap();
        catalogue
            .enter_text(&DocumentText { sha256: other, passages: pages(&["Flows of water."]) })
            .await
            .unwrap();
        let found = catalogue.search("naive FLOW", &[one, other], 10).await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].sha256, found[0].page), (one, Some(2)));
        let snippets = catalogue.snippets("naive FLOW", &[found[0].passage]).await.unwrap();
        let snippet = &snippets[&found[0].passage];
        let matches: Vec<&str> =
            snippet.iter().filter(|piece| piece.is_match).map(|piece| piece.text.as_str()).collect();
        assert_eq!(matches, ["flows", "na\u{ef}ve"]);
        assert_eq!(catalogue.search("flows", &[other], 10).await.unwrap().len(), 1);
        let of_others = catalogue.snippets("water", &[found[0].passage]).await.unwrap();
        assert!(of_others.is_empty(), "a passage without the words has none: {of_others:?}");
        assert_eq!(catalogue.search("flows", &[], 10).await.unwrap(), []);
        assert_eq!(catalogue.text(one).await.unwrap(), Some(text));
    }

    #[tokio::test]
    async fn a_word_within_a_sentence_is_found_in_scripts_without_spaces() {
        let (_dir, catalogue) = catalogue().await;
        let sha256 = Digest::of(b"1");
        let text =
            pages(&["\u{53ef}\u{9006}\u{53d8}\u{6362}\u{4e0e}\u{96c5}\u{53ef}\u{6bd4}", "\u{53d8}\u{9006}"]);
        catalogue.enter_text(&DocumentText { sha256, passages: text.clone() }).await.unwrap();
        let found = catalogue.search("\u{53d8}\u{6362}", &[sha256], 10).await.unwrap();
        assert_eq!(found.iter().map(|hit| hit.page).collect::<Vec<_>>(), [Some(1)]);
        let snippets = catalogue.snippets("\u{53d8}\u{6362}", &[found[0].passage]).await.unwrap();
        let matches: Vec<&str> =
            snippets[&found[0].passage].iter().filter(|it| it.is_match).map(|it| it.text.as_str()).collect();
        assert_eq!(matches, ["\u{53d8}\u{6362}"]);
        assert_eq!(catalogue.text(sha256).await.unwrap(), Some(text));
    }

    #[tokio::test]
    async fn a_removed_text_leaves_nothing_in_the_file() {
        let (dir, catalogue) = catalogue().await;
        let sha256 = Digest::of(b"1");
        catalogue
            .enter_text(&DocumentText { sha256, passages: pages(&["a most quixotically unusual word"]) })
            .await
            .unwrap();
        catalogue.forget_texts(&[sha256], crate::world::clock::Clock::system()).await.unwrap();
        assert_eq!(catalogue.search("quixotically", &[sha256], 10).await.unwrap(), []);
        assert_eq!(catalogue.text(sha256).await.unwrap(), None);
        catalogue.close().await;
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(12).any(|window| window == b"quixotically"));
        }
    }

    #[test]
    fn a_reader_cannot_type_an_operator() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (_dir, catalogue) = runtime.block_on(catalogue());
        let sha256 = Digest::of(b"1");
        let text = DocumentText { sha256, passages: pages(&["plain words"]) };
        runtime.block_on(catalogue.enter_text(&text)).unwrap();
        let search = |query: &str| runtime.block_on(catalogue.search(query, &[sha256], 10)).unwrap();
        for query in
            ["plain OR nothing", "text:plain", "NEAR(plain words)", "plain NOT words", "^plain*\"", "\0"]
        {
            assert!(search(query).is_empty() || query == "^plain*\"", "{query}");
        }
        assert_eq!(search("PLAIN \"words\"").len(), 1);
        TestRunner::default()
            .run(&".{0,60}", |query| {
                search(&query);
                runtime.block_on(catalogue.snippets(&query, &[PassageId(1)])).unwrap();
                Ok(())
            })
            .unwrap();
    }
}
