//! Entries that the pages write: decisions, subscriptions and secret addresses.

use jiff::Timestamp;

use crate::domain::journal::Entry;
use crate::serve::error::Error;
use crate::serve::library::snapshot;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;

/// Where the pages write: first to the journal, then to the catalogue, so that a rebuilt
/// catalogue has the same entries.
#[derive(Clone, Copy)]
pub(in crate::serve) struct EntryWriter<'a> {
    pub archive: &'a Archive,
    pub catalogue: &'a Catalogue,
    pub clock: Clock,
}

impl EntryWriter<'_> {
    /// Writes the entries. Afterwards every process shows them.
    ///
    /// # Errors
    ///
    /// The archive or the catalogue cannot be used. Entries in the journal that the catalogue
    /// lacks are applied when the service starts again, without the web processes.
    pub(in crate::serve) async fn write(self, at: Timestamp, entries: &[Entry]) -> Result<(), Error> {
        let mut batch = self.catalogue.begin_ordered().await?;
        // The journal may be locked by another process for long.
        let (archive, lines) = (self.archive.clone(), entries.to_vec());
        tokio::task::spawn_blocking(move || archive.append(at, &lines)).await??;
        batch.enter(entries, &[]).await?;
        batch.commit().await?;
        if self.catalogue.can_have_workers() {
            // Another process may show the page to which the answer leads.
            self.clock.sleep(snapshot::MAX_AGE).await;
        }
        Ok(())
    }
}
