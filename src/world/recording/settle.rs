//! Finds the end of a journal in a bucket when the catalogue does not know it: on the first start
//! with this catalogue, and on a server that may lack the last commits of the one before.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::JournalWriter;
use crate::domain::journal::Entry;
use crate::world::archive::{self, LaterLines};
use crate::world::catalogue::{self, Catalogue, OrderedBatch};

/// A night that began longer ago is not resumed, so its end counts without its reports.
const RESUMED_WITHIN: SignedDuration = SignedDuration::from_hours(12);

/// Finds the end of the journal, if the catalogue does not know it. Any process may do that: it is
/// done once, and meanwhile no process appends to the journal.
///
/// # Errors
///
/// The archive or the catalogue cannot be used.
pub async fn settle(writer: JournalWriter<'_>) -> anyhow::Result<()> {
    let JournalWriter { archive, catalogue, .. } = writer;
    if !archive.has_shared_journal() {
        return Ok(());
    }
    if let Some(end) = catalogue.journal_end().await?.filter(|end| !end.is_of_other_server) {
        archive.set_last_line(end.last.seq);
        return Ok(());
    }
    let mut batch = catalogue.begin_ordered().await?;
    match batch.journal_end().await? {
        Some(end) if end.is_of_other_server => {
            let from = archive.clone();
            let later = tokio::task::spawn_blocking(move || from.lines_after(&end.last));
            let later = batch.wait_for(later).await???;
            settle_again(later, batch, writer).await
        }
        Some(_) => Ok(()),
        None => {
            let from = archive.clone();
            let last = tokio::task::spawn_blocking(move || from.end_of_single_writer());
            let last = batch.wait_for(last).await???;
            let entries = batch.wait_for(entries_of_last_nights(writer)).await??;
            batch.enter(&entries, &[]).await?;
            batch.set_journal_end(&last, &[]).await?;
            Ok(batch.commit().await?)
        }
    }
}

/// The entries since the last reported night, which the catalogue may lack after a crash of the one
/// process that the archive had. The end of an interrupted night is not among them.
async fn entries_of_last_nights(writer: JournalWriter<'_>) -> anyhow::Result<Vec<Entry>> {
    let JournalWriter { archive, catalogue, at: now } = writer;
    let since = now.saturating_sub(RESUMED_WITHIN)?;
    let unfinished = catalogue.unfinished(since).await?;
    let reported = catalogue.last_reported().await?;
    let first = reported.into_iter().chain(unfinished).min().map_or(since, |night| night.started);
    let is_own_end = move |entry: &Entry| match entry {
        Entry::Finished { night, .. } | Entry::Lapsed { night, .. } => {
            // Journals of earlier versions have nanoseconds, the catalogue has microseconds.
            unfinished.is_some_and(|unfinished| unfinished.started.as_microsecond() == night.as_microsecond())
        }
        _ => false,
    };
    let archive = archive.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut entries = Vec::new();
        for entry in archive.entries_from_night(first)? {
            let entry = entry?.without_heads();
            if !is_own_end(&entry) {
                entries.push(entry);
            }
        }
        Ok::<_, archive::Error>(entries)
    });
    Ok(reading.await??)
}

/// Enters the rows of lines that the server lacks. A segment that begins here is in the place of
/// those that writers on the server before may still write.
async fn settle_again(
    later: LaterLines,
    mut batch: OrderedBatch,
    writer: JournalWriter<'_>,
) -> anyhow::Result<()> {
    let JournalWriter { archive, catalogue, at: now } = writer;
    let LaterLines { appended, segments, last } = later;
    let pending = batch.pending_segments().await?;
    let dropped: Vec<String> =
        pending.iter().filter(|segment| !segments.contains(segment)).cloned().collect();
    let count: usize = appended.iter().map(Vec::len).sum();
    for entries in appended {
        let entries = without_lost_ends(entries, now, catalogue).await?;
        batch.enter(&entries, &[]).await?;
    }
    let segment = archive.name_of_segment(now, &last)?;
    batch.wait_for(catalogue.name_segment(&segment)).await??;
    let (to, name) = (archive.clone(), segment.clone());
    let writing = tokio::task::spawn_blocking(move || {
        let begin = Entry::SegmentsDropped { at: now, segments: dropped.clone() };
        to.remove_segments(&dropped)?;
        to.write_segment(&name, &last, &[begin])
    });
    let last = batch.wait_for(writing).await???;
    let settled: Vec<String> = pending.into_iter().chain([segment]).collect();
    batch.set_journal_end(&last, &settled).await?;
    batch.commit().await?;
    tracing::info!(
        entries = count,
        "the server of the catalogue was restarted or replaced; the entries of the journal that it may lack are entered"
    );
    Ok(())
}

/// The entries of a segment without the end of a night that is resumed: its reports and its email are
/// lost, so it ends again. A night that begins and ends in one segment is a recheck without reports.
async fn without_lost_ends(
    entries: Vec<Entry>,
    now: Timestamp,
    catalogue: &Catalogue,
) -> Result<Vec<Entry>, catalogue::Error> {
    let begun: HashSet<Timestamp> = entries
        .iter()
        .filter_map(|entry| if let Entry::Night { started } = entry { Some(*started) } else { None })
        .collect();
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        let is_lost = match &entry {
            Entry::Finished { night, .. } | Entry::Lapsed { night, .. } => {
                !begun.contains(night)
                    && now.duration_since(*night) < RESUMED_WITHIN
                    && !catalogue.has_ended(*night).await?
            }
            _ => false,
        };
        if !is_lost {
            kept.push(entry.without_heads());
        }
    }
    Ok(kept)
}
