//! The full-text index of `SQLite`, which triggers keep.

use super::Error;
use super::database::{Pool, ResultRow, Transaction, query, query_scalar};
use super::search_hit::query_words;
use super::search_text::separated;
use super::value::json;
use crate::domain::capture::Digest;
use crate::domain::document::passage::Passage;

/// The most documents whose passages are gathered before a search.
const GATHERED: usize = 1000;

/// Stores passages of documents, in their order.
pub(super) async fn enter(passages: &[(Digest, &Passage)], on: &mut Transaction) -> Result<(), Error> {
    let rows: Vec<_> =
        passages.iter().map(|(sha256, passage)| (sha256, passage.page, separated(&passage.text))).collect();
    query(
        "INSERT INTO passage (document, page, text) \
         SELECT document_text.id, entered.value ->> 1, entered.value ->> 2 \
         FROM json_each($1) AS entered CROSS JOIN document_text \
         WHERE document_text.sha256 = entered.value ->> 0",
    )
    .bind(json(&rows)?)
    .execute(&mut *on)
    .await?;
    Ok(())
}

/// Whether more passages than this match, whatever their documents are.
pub(super) async fn has_more_matches(text: &str, than: u32, on: &Pool) -> Result<bool, Error> {
    let Some(sought) = expression(text) else { return Ok(false) };
    let count: i64 = query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM passage_index WHERE passage_index MATCH $1 LIMIT $2) AS found",
    )
    .bind(sought)
    .bind(i64::from(than) + 1)
    .fetch_one(on)
    .await?;
    Ok(count > i64::from(than))
}

/// The digest, page, id and text of the passages, best first.
pub(super) async fn search(
    text: &str,
    among: &[Digest],
    most: u32,
    on: &Pool,
) -> Result<Vec<ResultRow>, Error> {
    // The index yields its rows by rank, so that the limit ends the search.
    let by_rank = "SELECT document_text.sha256, passage.page, passage.id, passage.text \
         FROM passage_index CROSS JOIN passage ON passage.id = passage_index.rowid \
         CROSS JOIN document_text ON document_text.id = passage.document \
         WHERE passage_index MATCH $1 AND document_text.sha256 IN (SELECT value FROM json_each($2)) \
         ORDER BY passage_index.rank LIMIT $3";
    rows(by_rank, text, among, most, on).await
}

/// The first matches in the order in which their passages were stored.
pub(super) async fn first_matches(
    text: &str,
    among: &[Digest],
    most: u32,
    on: &Pool,
) -> Result<Vec<ResultRow>, Error> {
    // The index yields its rows in this order, too. Whether a passage is one of those sought is
    // known without a look at its row if their ids are gathered first, which takes long for many.
    let in_order = if among.len() <= GATHERED {
        "SELECT document_text.sha256, passage.page, passage.id, passage.text \
         FROM passage_index CROSS JOIN passage ON passage.id = passage_index.rowid \
         CROSS JOIN document_text ON document_text.id = passage.document \
         WHERE passage_index MATCH $1 AND +passage_index.rowid IN ( \
             SELECT passage.id FROM document_text \
             CROSS JOIN passage ON passage.document = document_text.id \
             WHERE document_text.sha256 IN (SELECT value FROM json_each($2))) \
         ORDER BY passage_index.rowid LIMIT $3"
    } else {
        "SELECT document_text.sha256, passage.page, passage.id, passage.text \
         FROM passage_index CROSS JOIN passage ON passage.id = passage_index.rowid \
         CROSS JOIN document_text ON document_text.id = passage.document \
         WHERE passage_index MATCH $1 AND document_text.sha256 IN (SELECT value FROM json_each($2)) \
         ORDER BY passage_index.rowid LIMIT $3"
    };
    rows(in_order, text, among, most, on).await
}

async fn rows(
    statement: &'static str,
    text: &str,
    among: &[Digest],
    most: u32,
    on: &Pool,
) -> Result<Vec<ResultRow>, Error> {
    let Some(sought) = expression(text) else { return Ok(Vec::new()) };
    Ok(query(statement).bind(sought).bind(json(&among)?).bind(most).fetch_all(on).await?)
}

/// A query of the full-text index in which every word is quoted, so that a reader cannot
/// type an operator. `None` without words.
fn expression(text: &str) -> Option<String> {
    let words: Vec<String> = query_words(text)
        .map(|(word, is_beginning)| {
            let beginning = if is_beginning { "*" } else { "" };
            // A word of several characters that count as words is searched as a phrase.
            format!("\"{}\"{beginning}", separated(word).replace('"', "\"\""))
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}
