//! Replay of the journal into the catalogue, after a crash or for a rebuild.
//!
//! Applying an entry twice changes nothing, so a replay may start too early. It goes on to
//! the end of the journal, because of two decisions the one that is applied last counts.

use jiff::SignedDuration;

use crate::domain::journal::Entry;
use crate::world::World;
use crate::world::archive;
use crate::world::catalogue::{Catalogue, NightRef};
use crate::world::recording;

/// An interrupted night is resumed if it is not older than this. Older visits say
/// little about the links.
const RESUMED_WITHIN: SignedDuration = SignedDuration::from_hours(12);

/// The entries of one transaction.
const BATCH: usize = 1000;

/// Applies the journal entries since the last reported night, or of the last hours if
/// there is none: the catalogue may lack them after a crash or a power failure. Returns
/// the interrupted night, if there is one.
///
/// # Errors
///
/// The catalogue cannot be used, or the journal of an interrupted night cannot be read.
pub async fn catch_up(world: &World) -> anyhow::Result<Option<NightRef>> {
    let now = world.clock.now();
    let since = now.saturating_sub(RESUMED_WITHIN)?;
    // A clock that was set back a little does not hide the night.
    let until = now.saturating_add(RESUMED_WITHIN)?;
    if world.archive.has_shared_journal() {
        recording::settle(world.journal_writer(now)).await?;
        return Ok(world.catalogue.unfinished(since).await?.filter(|night| night.started <= until));
    }
    world.archive.settle_journal()?;
    let unfinished = world.catalogue.unfinished(since).await?.filter(|night| night.started <= until);
    let reported = world.catalogue.last_reported().await?;
    let first = reported.into_iter().chain(unfinished).min().map_or(since, |night| night.started);
    // The reports of an interrupted night are lost, so its end is not applied and
    // the night ends again.
    let is_own_end = |entry: &Entry| match entry {
        Entry::Finished { night, .. } | Entry::Lapsed { night, .. } => {
            // Journals of earlier versions have nanoseconds, the catalogue has microseconds.
            unfinished.is_some_and(|unfinished| unfinished.started.as_microsecond() == night.as_microsecond())
        }
        Entry::Night { .. }
        | Entry::Capture { .. }
        | Entry::Visit { .. }
        | Entry::Page { .. }
        | Entry::Accepted { .. }
        | Entry::Decided { .. }
        | Entry::EmailSubscription { .. }
        | Entry::TakenDown { .. }
        | Entry::Reinstated { .. }
        | Entry::Reread { .. }
        | Entry::Withdrawn { .. }
        | Entry::FeedTokenIssued { .. }
        | Entry::FeedTokenWithdrawn { .. }
        | Entry::SegmentsDropped { .. }
        | Entry::ReplacementSearched { .. } => false,
    };
    loop {
        let number = world.archive.last_line_number()?;
        let mut entries = world.archive.entries_from_night(first)?;
        let missing = entries.by_ref().filter(|entry| !entry.as_ref().is_ok_and(is_own_end));
        let missing = missing.map(|entry| entry.map(Entry::without_heads));
        match missing.collect::<Result<Vec<Entry>, _>>() {
            // In one transaction: an older decision must not be visible in place of a newer one.
            Ok(missing) => world.catalogue.apply(&missing).await?,
            // A new night does not need these entries.
            Err(error) if unfinished.is_none() => {
                tracing::error!(%error, "the journal cannot be read, so entries that the catalogue lacks are not applied");
            }
            Err(error) => return Err(error.into()),
        }
        for fault in entries.faults() {
            tracing::error!(%fault, "the journal is damaged");
        }
        // A decision that was made meanwhile is applied again, after the older ones.
        if world.archive.last_line_number()? == number {
            // A night may have been interrupted before the catalogue had its row.
            return Ok(world.catalogue.unfinished(since).await?.filter(|night| night.started <= until));
        }
    }
}

/// Applies these entries in order to a new catalogue, and returns their number. The visits of old
/// nights are compacted on the way, as the nights did.
///
/// # Errors
///
/// An entry cannot be read, or the catalogue cannot be used.
pub async fn enter_all(
    entries: impl Iterator<Item = Result<Entry, archive::Error>>,
    catalogue: &Catalogue,
) -> anyhow::Result<usize> {
    let mut count = 0;
    let mut batch: Vec<Entry> = Vec::new();
    for entry in entries {
        batch.push(entry?);
        count += 1;
        if batch.len() == BATCH {
            catalogue.apply(&batch).await?;
            catalogue.compact_visits().await?;
            batch.clear();
        }
    }
    catalogue.apply(&batch).await?;
    catalogue.compact_visits().await?;
    Ok(count)
}
