//! The full-text index of `PostgreSQL`: a column with the words of each passage, as this
//! program divides and folds them. The server only compares them, so its language settings
//! do not count.

use std::collections::BTreeMap;

use super::Error;
use super::database::{Pool, ResultRow, Transaction, query, query_scalar};
use super::snippet::SoughtPhrase;
use super::value::json;
use super::words::words;
use crate::domain::capture::Digest;
use crate::domain::document::passage::Passage;

/// Longer words are left out; the server takes none above 2,046 bytes.
const LONGEST_WORD: usize = 500;
/// Further words of a passage are left out; the server takes 1 MiB.
const INDEXED_BYTES: usize = 400 << 10;

/// Stores passages of documents, in their order.
pub(super) async fn enter(passages: &[(Digest, &Passage)], on: &mut Transaction) -> Result<(), Error> {
    let rows: Vec<_> = passages
        .iter()
        .map(|(sha256, passage)| (sha256, passage.page, &passage.text, vector(&passage.text)))
        .collect();
    query(
        "INSERT INTO passage (document, page, text, words) \
         SELECT document_text.id, CAST(entered.value ->> 1 AS BIGINT), entered.value ->> 2, \
         CAST(entered.value ->> 3 AS tsvector) \
         FROM json_each($1) AS entered JOIN document_text ON document_text.sha256 = entered.value ->> 0 \
         ORDER BY entered.rowid",
    )
    .bind(json(&rows)?)
    .execute(&mut *on)
    .await?;
    Ok(())
}

/// Whether more passages than this match, whatever their documents are.
pub(super) async fn has_more_matches(text: &str, than: u32, on: &Pool) -> Result<bool, Error> {
    let Some(sought) = expression(&SoughtPhrase::of_query(text)) else { return Ok(false) };
    let count: i64 = query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM passage WHERE words @@ CAST($1 AS tsquery) LIMIT $2) AS found",
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
    let by_rank = "SELECT document_text.sha256, passage.page, passage.id, passage.text \
         FROM passage JOIN document_text ON document_text.id = passage.document \
         WHERE passage.words @@ CAST($1 AS tsquery) \
         AND document_text.sha256 IN (SELECT value FROM json_each($2)) \
         ORDER BY ts_rank(passage.words, CAST($1 AS tsquery), 1) DESC, passage.id LIMIT $3";
    rows(by_rank, text, among, most, on).await
}

/// The first matches in the order in which their passages were stored.
pub(super) async fn first_matches(
    text: &str,
    among: &[Digest],
    most: u32,
    on: &Pool,
) -> Result<Vec<ResultRow>, Error> {
    let in_order = "SELECT document_text.sha256, passage.page, passage.id, passage.text \
         FROM passage JOIN document_text ON document_text.id = passage.document \
         WHERE passage.words @@ CAST($1 AS tsquery) \
         AND document_text.sha256 IN (SELECT value FROM json_each($2)) \
         ORDER BY passage.id LIMIT $3";
    rows(in_order, text, among, most, on).await
}

async fn rows(
    statement: &'static str,
    text: &str,
    among: &[Digest],
    most: u32,
    on: &Pool,
) -> Result<Vec<ResultRow>, Error> {
    let Some(sought) = expression(&SoughtPhrase::of_query(text)) else { return Ok(Vec::new()) };
    Ok(query(statement).bind(sought).bind(json(&among)?).bind(most).fetch_all(on).await?)
}

/// A `tsquery`; `None` without words.
fn expression(phrases: &[SoughtPhrase]) -> Option<String> {
    let phrase = |phrase: &SoughtPhrase| {
        let words: Vec<String> = phrase.words.iter().map(|word| format!("'{word}'")).collect();
        format!("({}{})", words.join(" <-> "), if phrase.is_beginning { ":*" } else { "" })
    };
    (!phrases.is_empty()).then(|| phrases.iter().map(phrase).collect::<Vec<_>>().join(" & "))
}

/// A `tsvector`: the words with their places.
fn vector(text: &str) -> String {
    let (mut places, mut bytes) = (BTreeMap::<String, Vec<String>>::new(), 0);
    for (place, word) in (1_u32..).zip(words(text)) {
        bytes += word.folded.len() + 8;
        if bytes > INDEXED_BYTES {
            break;
        }
        if word.folded.len() <= LONGEST_WORD {
            places.entry(word.folded.into_owned()).or_default().push(place.to_string());
        }
    }
    let words: Vec<String> =
        places.iter().map(|(word, places)| format!("'{word}':{}", places.join(","))).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_with_their_places() {
        assert_eq!(vector("Flows, to FLOWS!"), "'flows':1,3 'to':2");
        let sought = |text: &str| expression(&SoughtPhrase::of_query(text));
        assert_eq!(sought("to na\u{ef}ve' e-mail").unwrap(), "('to') & ('naive':*) & ('e' <-> 'mail':*)");
        assert_eq!(sought(" ! "), None);
    }
}
