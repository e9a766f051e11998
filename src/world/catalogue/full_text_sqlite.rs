//! The full-text index of `SQLite`, which triggers keep.

use std::collections::HashMap;

use super::Error;
use super::database::{Pool, ResultRow, Transaction, query};
use super::search_hit::{PassageId, SnippetPart, query_words};
use super::search_text::{joined, separated};
use super::value::json;
use crate::domain::capture::Digest;
use crate::domain::document::passage::Passage;

/// Surround a match in a snippet; passages have no control characters.
const MATCH_BEGINS: char = '\u{2}';
const MATCH_ENDS: char = '\u{3}';

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

/// The digest, page and id of the passages, best first.
pub(super) async fn search(
    text: &str,
    among: &[Digest],
    most: u32,
    on: &Pool,
) -> Result<Vec<ResultRow>, Error> {
    let Some(sought) = expression(text) else { return Ok(Vec::new()) };
    // The index yields its rows by rank, so that the limit ends the search.
    Ok(query(
        "SELECT document_text.sha256, passage.page, passage.id \
         FROM passage_index CROSS JOIN passage ON passage.id = passage_index.rowid \
         CROSS JOIN document_text ON document_text.id = passage.document \
         WHERE passage_index MATCH $1 AND document_text.sha256 IN (SELECT value FROM json_each($2)) \
         ORDER BY passage_index.rank LIMIT $3",
    )
    .bind(sought)
    .bind(json(&among)?)
    .bind(most)
    .fetch_all(on)
    .await?)
}

pub(super) async fn snippets(
    text: &str,
    of: &[PassageId],
    on: &Pool,
) -> Result<HashMap<PassageId, Vec<SnippetPart>>, Error> {
    let Some(sought) = expression(text) else { return Ok(HashMap::new()) };
    // The plus prevents a new search of the index for each passage.
    let rows = query(
        "SELECT rowid, snippet(passage_index, 0, $1, $2, '\u{2026}', 28) FROM passage_index \
         WHERE passage_index MATCH $3 AND +rowid IN (SELECT value FROM json_each($4))",
    )
    .bind(MATCH_BEGINS.to_string())
    .bind(MATCH_ENDS.to_string())
    .bind(sought)
    .bind(json(&of.iter().map(|passage| passage.0).collect::<Vec<_>>())?)
    .fetch_all(on)
    .await?;
    Ok(rows.iter().map(|row| (PassageId(row.get(0)), pieces(row.get(1)))).collect())
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
