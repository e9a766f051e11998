//! The full-text index of the documents.
//!
//! Texts belong to digests, not to captures: equal bodies are stored once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::database::{self, Executor, Pool, ResultRow, Transaction, query, query_scalar};
use super::relevance;
use super::search_hit::{PassageId, SearchHit, SnippetPart};
use super::search_text::joined;
use super::snippet::{SoughtPhrase, snippet};
use super::value::{decoded, from_json, json, optional_count};
use super::{Catalogue, Error, full_text_postgres, full_text_sqlite};
use crate::domain::capture::Digest;
use crate::domain::document::EXTRACTION;
use crate::domain::document::passage::Passage;
use crate::domain::evidence::link_history::StoredCapture;
use crate::world::disk::{self, StorageStep};

/// Limits the memory of a statement: a text has at most some megabytes.
const TEXTS_AT_ONCE: usize = 16;

/// The most matches that the engine ranks, because it needs up to 5 microseconds for each.
const RANKED: u32 = 1000;

/// The most matches that are ranked by their texts.
const READ: u32 = 150;

/// The text of a document in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentText {
    pub sha256: Digest,
    pub passages: Vec<Passage>,
}

/// Stores texts in few statements. Of equal digests the first counts.
pub(super) async fn enter(texts: &[DocumentText], on: &mut Transaction) -> Result<(), Error> {
    let mut seen = HashSet::new();
    let texts: Vec<&DocumentText> = texts.iter().filter(|text| seen.insert(text.sha256)).collect();
    for texts in texts.chunks(TEXTS_AT_ONCE) {
        let digests = json(&texts.iter().map(|text| text.sha256).collect::<Vec<_>>())?;
        query("DELETE FROM document_text WHERE sha256 IN (SELECT value FROM json_each($1))")
            .bind(&digests)
            .execute(&mut *on)
            .await?;
        query("INSERT INTO document_text (sha256, extraction) SELECT value, $1 FROM json_each($2)")
            .bind(EXTRACTION)
            .bind(&digests)
            .execute(&mut *on)
            .await?;
        let passages: Vec<(Digest, &Passage)> = texts
            .iter()
            .flat_map(|text| text.passages.iter().map(|passage| (text.sha256, passage)))
            .collect();
        match on {
            Transaction::Sqlite(_) => full_text_sqlite::enter(&passages, on).await?,
            Transaction::Postgres { .. } => full_text_postgres::enter(&passages, on).await?,
        }
    }
    Ok(())
}

/// The text of a document, if it is stored.
pub(super) async fn of(sha256: Digest, on: impl Into<Executor<'_>>) -> Result<Option<Vec<Passage>>, Error> {
    let rows = query(
        "SELECT passage.page, passage.text FROM document_text \
         LEFT JOIN passage ON passage.document = document_text.id \
         WHERE document_text.sha256 = $1 ORDER BY passage.id",
    )
    .bind(sha256.to_string())
    .fetch_all(on)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    // A document without words has one row without a passage.
    let passages = rows.iter().filter_map(|row| Some((row, row.get::<Option<&str>>(1)?)));
    let passages = passages
        .map(|(row, text)| Ok(Passage { page: optional_count(row, 0)?, text: joined(text).into_owned() }));
    passages.collect::<Result<_, Error>>().map(Some)
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
        let rows = query_scalar::<String>(
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
        of(sha256, &self.pool).await
    }

    /// The passages of some documents that contain all words of a query, best first.
    ///
    /// Of words that are in more passages than can be ranked in a short time, the first
    /// matches are ranked.
    pub async fn search(&self, query: &str, among: &[Digest], most: u32) -> Result<Vec<SearchHit>, Error> {
        let on = &self.pool;
        let is_common = match on {
            Pool::Sqlite(_) => full_text_sqlite::has_more_matches(query, RANKED, on).await?,
            Pool::Postgres(_) => full_text_postgres::has_more_matches(query, RANKED, on).await?,
        };
        let rows = match (on, is_common) {
            (Pool::Sqlite(_), false) => full_text_sqlite::search(query, among, most, on).await?,
            // Its rank counts how near the words are, but not how often each one occurs.
            (Pool::Postgres(_), false) => {
                full_text_postgres::search(query, among, most.max(READ), on).await?
            }
            (Pool::Sqlite(_), true) => {
                full_text_sqlite::first_matches(query, among, most.min(READ), on).await?
            }
            (Pool::Postgres(_), true) => {
                full_text_postgres::first_matches(query, among, most.min(READ), on).await?
            }
        };
        let hit = |row: &ResultRow| {
            let page = optional_count(row, 1)?;
            Ok(SearchHit { sha256: decoded(row.get(0))?, page, passage: PassageId(row.get(2)) })
        };
        if matches!((on, is_common), (Pool::Sqlite(_), false)) {
            return rows.iter().map(hit).collect();
        }
        let texts: Vec<Cow<'_, str>> = rows.iter().map(|row| joined(row.get(3))).collect();
        let order = relevance::best_first(&texts, &SoughtPhrase::of_query(query));
        order.into_iter().take(most as usize).map(|at| hit(&rows[at])).collect()
    }

    /// The text around the words of a query in some passages. To make a snippet costs more
    /// than to find its passage, so snippets are made only for passages that are shown.
    pub async fn snippets(
        &self,
        query: &str,
        of: &[PassageId],
    ) -> Result<HashMap<PassageId, Vec<SnippetPart>>, Error> {
        let phrases = SoughtPhrase::of_query(query);
        let ids: Vec<i64> = of.iter().map(|passage| passage.0).collect();
        if phrases.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = database::query(
            "SELECT id, text FROM passage WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        )
        .bind(json(&ids)?)
        .fetch_all(&self.pool)
        .await?;
        let of_row = |row: &ResultRow| {
            let text: &str = row.get(1);
            Some((PassageId(row.get(0)), snippet(&joined(text), &phrases)?))
        };
        Ok(rows.iter().filter_map(of_row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::each_engine::{in_sqlite, on_each_engine};
    use proptest::test_runner::TestRunner;

    fn pages(texts: &[&str]) -> Vec<Passage> {
        (1..).zip(texts).map(|(page, text)| Passage { page: Some(page), text: (*text).to_owned() }).collect()
    }

    #[tokio::test]
    async fn words_are_found_on_their_page_and_only_in_the_given_documents() {
        on_each_engine(async |catalogue| {
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
        })
        .await;
    }

    #[tokio::test]
    async fn a_word_within_a_sentence_is_found_in_scripts_without_spaces() {
        on_each_engine(async |catalogue| {
            let sha256 = Digest::of(b"1");
            let text = pages(&[
                "\u{53ef}\u{9006}\u{53d8}\u{6362}\u{4e0e}\u{96c5}\u{53ef}\u{6bd4}",
                "\u{53d8}\u{9006}",
            ]);
            catalogue.enter_text(&DocumentText { sha256, passages: text.clone() }).await.unwrap();
            let found = catalogue.search("\u{53d8}\u{6362}", &[sha256], 10).await.unwrap();
            assert_eq!(found.iter().map(|hit| hit.page).collect::<Vec<_>>(), [Some(1)]);
            let snippets = catalogue.snippets("\u{53d8}\u{6362}", &[found[0].passage]).await.unwrap();
            let matches: Vec<&str> = snippets[&found[0].passage]
                .iter()
                .filter(|it| it.is_match)
                .map(|it| it.text.as_str())
                .collect();
            assert_eq!(matches, ["\u{53d8}\u{6362}"]);
            assert_eq!(catalogue.text(sha256).await.unwrap(), Some(text));
        })
        .await;
    }

    #[tokio::test]
    async fn the_passage_with_more_of_a_word_comes_first_wherever_the_words_stand() {
        on_each_engine(async |catalogue| {
            let sha256 = Digest::of(b"1");
            let line = |page: usize, line: usize| format!("A paper: page {page} says in line {line}. ");
            let page = |page: usize| (1..10).map(|number| line(page, number)).collect::<String>();
            let texts: Vec<String> = (0..9).map(page).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            catalogue.enter_text(&DocumentText { sha256, passages: pages(&texts) }).await.unwrap();
            let found = catalogue.search("paper page 7 says", &[sha256], 3).await.unwrap();
            assert_eq!((found.len(), found[0].page), (3, Some(8)));
        })
        .await;
    }

    #[tokio::test]
    async fn a_word_of_very_many_passages_is_found_in_the_given_documents() {
        on_each_engine(async |catalogue| {
            let (many, few) = (Digest::of(b"many"), Digest::of(b"few"));
            let common: Vec<String> = (0..=RANKED).map(|n| format!("A common word, passage {n}.")).collect();
            let common: Vec<&str> = common.iter().map(String::as_str).collect();
            let text = DocumentText { sha256: many, passages: pages(&common) };
            catalogue.enter_text(&text).await.unwrap();
            let passages = pages(&["A common word among many other ones.", "Rare.", "Common, most common."]);
            catalogue.enter_text(&DocumentText { sha256: few, passages }).await.unwrap();
            let absent = (0..1000_u32).map(|n| Digest::of(&n.to_be_bytes()));
            let among_absent: Vec<Digest> = absent.chain([few]).collect();
            for among in [&[few][..], &among_absent] {
                let found = catalogue.search("common", among, 10).await.unwrap();
                let found: Vec<_> = found.iter().map(|hit| (hit.sha256, hit.page)).collect();
                assert_eq!(found, [(few, Some(3)), (few, Some(1))]);
            }
            assert_eq!(catalogue.search("common word", &[many, few], 7).await.unwrap().len(), 7);
            assert_eq!(catalogue.search("rare", &[many, few], 7).await.unwrap().len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_removed_text_leaves_nothing_in_the_file() {
        let (dir, catalogue) = in_sqlite().await;
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
        let (_dir, catalogue) = runtime.block_on(in_sqlite());
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
