//! Applies journal entries to the tables, in the order of the journal.
//!
//! Of two entries about one thing the one that is applied last counts, whatever the clock
//! said. Applying the same entries again changes nothing.

use jiff::Timestamp;

use super::database::{Transaction, query};
use super::link_id::link_id;
use super::value::{from_json, json, time};
use super::{
    Catalogue, DocumentText, Error, LapsedDecision, bulk, decisions, feed_tokens, replacements, texts,
    withdrawals,
};
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::document::Fingerprint;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::journal::Entry;
use crate::world::disk::{self, StorageStep};

/// The visits and captures whose rows are written by one statement.
const ROWS_AT_ONCE: usize = 1000;

impl Catalogue {
    /// Applies a batch in one transaction.
    pub async fn apply(&self, entries: &[Entry]) -> Result<(), Error> {
        self.apply_with_texts(entries, &[]).await
    }

    /// Applies a batch, and stores the texts of its captures, in one transaction.
    pub async fn apply_with_texts(&self, entries: &[Entry], texts: &[DocumentText]) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        enter(entries, texts, &mut transaction).await?;
        Ok(disk::commit(StorageStep::EntriesCommit, transaction.commit()).await?)
    }
}

/// Applies a batch, and stores the texts of its captures.
pub(super) async fn enter(
    entries: &[Entry],
    texts: &[DocumentText],
    on: &mut Transaction,
) -> Result<(), Error> {
    for run in entries.chunk_by(|one, next| is_bulk(one) && is_bulk(next)) {
        for part in run.chunks(ROWS_AT_ONCE) {
            bulk::visits(part, on).await?;
            bulk::captures(part, on).await?;
        }
        for entry in run {
            apply(entry, on).await?;
        }
    }
    texts::enter(texts, on).await
}

/// Whether `bulk` stores an entry. Most are visits and captures, and neither depends on the other,
/// so their rows are written together.
fn is_bulk(entry: &Entry) -> bool {
    matches!(entry, Entry::Visit { .. } | Entry::Capture { .. })
}

async fn apply(entry: &Entry, on: &mut Transaction) -> Result<(), Error> {
    match entry {
        Entry::Night { started } => {
            query("INSERT INTO night (started) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(time(*started))
                .execute(&mut *on)
                .await?;
        }
        // `bulk` stores these.
        Entry::Capture { .. } | Entry::Visit { .. } => {}
        // It is about the journal itself.
        Entry::SegmentsDropped { .. } => {}
        Entry::Page { .. } => page(entry, on).await?,
        Entry::Accepted { at, link, sha256, acceptance } => {
            accepted(link, *sha256, *at, on).await?;
            if let Some(acceptance) = acceptance {
                decisions::version_accepted(acceptance, link, *at, on).await?;
            }
        }
        Entry::Decided { at, course, link, decision } => {
            decisions::decide(course, link, *at, decision.as_ref(), on).await?;
        }
        Entry::Lapsed { course, link, decided, night: _ } => {
            let lapse = LapsedDecision { course: course.clone(), link: link.clone(), decided: *decided };
            decisions::lapse(&lapse, on).await?;
        }
        Entry::EmailSubscription { at, course, reader, wanted } => {
            decisions::letters(course, reader, *at, *wanted, on).await?;
        }
        Entry::TakenDown { at, link, removed, .. } => {
            taken_down(link, *at, on).await?;
            bulk::removed(removed, on).await?;
        }
        Entry::Reinstated { at, link, .. } => reinstated(link, *at, on).await?,
        Entry::Reread { link, sha256, text } => {
            let link = link_id(link, on).await?;
            reread(link, *sha256, *text, on).await?;
        }
        Entry::ReplacementSearched { at, link, found } => {
            replacements::set_replacement_search(*at, link, found.as_ref(), on).await?
        }
        Entry::Withdrawn { night, withdrawn, .. } => withdrawals::set(*night, *withdrawn, on).await?,
        Entry::FeedTokenIssued { .. } => feed_tokens::issue(entry, on).await?,
        Entry::FeedTokenWithdrawn { course, token, at: _ } => {
            feed_tokens::withdraw(course, *token, on).await?
        }
        Entry::Finished { night, at, void } => {
            query("UPDATE night SET finished = $1, void = $2 WHERE started = $3")
                .bind(time(*at))
                .bind(void.as_ref().map(json).transpose()?)
                .bind(time(*night))
                .execute(&mut *on)
                .await?;
        }
    }
    Ok(())
}

async fn accepted(link: &Address, sha256: Digest, at: Timestamp, on: &mut Transaction) -> Result<(), Error> {
    let link = link_id(link, on).await?;
    query(
        "INSERT INTO baseline (link, capture, accepted_at) \
         SELECT link, id, $1 FROM capture WHERE link = $2 AND sha256 = $3 ORDER BY id DESC LIMIT 1 \
         ON CONFLICT (link) DO UPDATE SET capture = excluded.capture, accepted_at = excluded.accepted_at",
    )
    .bind(time(at))
    .bind(link)
    .bind(sha256.to_string())
    .execute(&mut *on)
    .await?;
    Ok(())
}

async fn taken_down(link: &Address, at: Timestamp, on: &mut Transaction) -> Result<(), Error> {
    let link = link_id(link, on).await?;
    query(
        "INSERT INTO takedown (link, at) VALUES ($1, $2) ON CONFLICT (link, at) DO UPDATE SET undone_at = NULL",
    )
    .bind(link)
    .bind(time(at))
    .execute(&mut *on)
    .await?;
    Ok(())
}

async fn reinstated(link: &Address, at: Timestamp, on: &mut Transaction) -> Result<(), Error> {
    let link = link_id(link, on).await?;
    query("UPDATE takedown SET undone_at = $1 WHERE link = $2 AND undone_at IS NULL")
        .bind(time(at))
        .bind(link)
        .execute(&mut *on)
        .await?;
    Ok(())
}

async fn reread(link: i64, sha256: Digest, text: Fingerprint, on: &mut Transaction) -> Result<(), Error> {
    let rows = query("SELECT id, kept FROM capture WHERE link = $1 AND sha256 = $2")
        .bind(link)
        .bind(sha256.to_string())
        .fetch_all(&mut *on)
        .await?;
    for row in rows {
        let kept = StoredCapture { text, ..from_json(row.get(1))? };
        query("UPDATE capture SET kept = $1 WHERE id = $2")
            .bind(json(&kept)?)
            .bind(row.get::<i64>(0))
            .execute(&mut *on)
            .await?;
    }
    Ok(())
}

async fn page(entry: &Entry, on: &mut Transaction) -> Result<(), Error> {
    let Entry::Page { at, course, title, source, sha256, page } = entry else { return Ok(()) };
    query(
        "INSERT INTO course (id, title) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET title = excluded.title",
    )
    .bind(course.as_str())
    .bind(title)
    .execute(&mut *on)
    .await?;
    query(
        "INSERT INTO reading (course, source, at, sha256, page) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (course, source) DO UPDATE SET at = excluded.at, sha256 = excluded.sha256, page = excluded.page",
    )
    .bind(course.as_str())
    .bind(json(source)?)
    .bind(time(*at))
    .bind(sha256.to_string())
    .bind(json(page)?)
    .execute(&mut *on)
    .await?;
    Ok(())
}
