//! Writes entries: first to the journal, then to the catalogue, so that a rebuilt catalogue has the
//! same entries.
//!
//! Lines and rows are written in one batch, and the batches of all processes follow one another.
//! Here the archive and the catalogue meet: if the journal is in a bucket that several processes
//! write to, its end is in the catalogue, in the transaction of the rows.

mod captures;
mod settle;

pub use captures::{BatchPermit, LockedCaptures};
pub use settle::settle;

use jiff::Timestamp;

use crate::domain::journal::Entry;
use crate::world::archive::{self, Archive};
use crate::world::catalogue::{self, Catalogue, OrderedBatch};

/// Where entries of one time are written.
#[derive(Clone, Copy, Debug)]
pub struct JournalWriter<'a> {
    pub archive: &'a Archive,
    pub catalogue: &'a Catalogue,
    pub at: Timestamp,
}

impl JournalWriter<'_> {
    /// Writes entries.
    ///
    /// # Errors
    ///
    /// The archive or the catalogue cannot be used. Entries in the journal that the catalogue lacks
    /// are applied when the service starts again.
    pub async fn record(self, entries: Vec<Entry>) -> anyhow::Result<()> {
        let mut batch = self.begin().await?;
        let (entries, ()) = self.append(&mut batch, entries, ()).await?;
        batch.enter(&entries, &[]).await?;
        Ok(batch.commit().await?)
    }

    /// Begins a batch of entries that no worker made. See [`Catalogue::begin_ordered`].
    pub async fn begin(self) -> anyhow::Result<OrderedBatch> {
        settle(self).await?;
        Ok(self.catalogue.begin_ordered().await?)
    }

    /// Appends the lines of entries to the journal. In a shared journal they count once the batch is
    /// committed, otherwise at once.
    ///
    /// A thread does the writing, and goes on if the caller is cancelled. It has `held` until then.
    pub async fn append<H: Send + 'static>(
        self,
        batch: &mut OrderedBatch,
        entries: Vec<Entry>,
        held: H,
    ) -> anyhow::Result<(Vec<Entry>, H)> {
        if self.archive.has_shared_journal() {
            return self.append_segment(batch, entries, held).await;
        }
        let (archive, at) = (self.archive.clone(), self.at);
        let appending = tokio::task::spawn_blocking(move || {
            archive.append(at, &entries)?;
            Ok::<_, archive::Error>((entries, held))
        });
        Ok(batch.wait_for(appending).await???)
    }

    async fn append_segment<H: Send + 'static>(
        self,
        batch: &mut OrderedBatch,
        mut entries: Vec<Entry>,
        held: H,
    ) -> anyhow::Result<(Vec<Entry>, H)> {
        let end = batch.journal_end().await?.filter(|end| !end.is_of_other_server);
        let end = end.ok_or(catalogue::Error::ServerRestarted)?.last;
        let mut settled = batch.pending_segments().await?;
        let segment = self.archive.name_of_segment(self.at, &end)?;
        batch.wait_for(self.catalogue.name_segment(&segment)).await??;
        if !settled.is_empty() {
            entries.insert(0, Entry::SegmentsDropped { at: self.at, segments: settled.clone() });
        }
        let (archive, name, dropped) = (self.archive.clone(), segment.clone(), settled.clone());
        let writing = tokio::task::spawn_blocking(move || {
            archive.remove_segments(&dropped)?;
            let last = archive.write_segment(&name, &end, &entries)?;
            Ok::<_, archive::Error>((last, entries, held))
        });
        let (last, entries, held) = batch.wait_for(writing).await???;
        settled.push(segment);
        batch.set_journal_end(&last, &settled).await?;
        Ok((entries, held))
    }
}
