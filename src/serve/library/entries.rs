//! Entries that the pages write: decisions, subscriptions and secret addresses.

use jiff::Timestamp;

use crate::domain::journal::Entry;
use crate::serve::error::Error;
use crate::serve::library::snapshot;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::recording::JournalWriter;

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
        let writer = JournalWriter { archive: self.archive, catalogue: self.catalogue, at };
        let recorded = writer.record(entries.to_vec()).await;
        recorded.map_err(Error::NotRecorded)?;
        if self.catalogue.can_have_workers() {
            // Another process may show the page to which the answer leads.
            self.clock.sleep(snapshot::MAX_AGE).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// By then the writer waits for the journal.
    const WAIT: Duration = Duration::from_millis(300);
    /// Long after the other answer has come, if the thread is free for it.
    const RESCUE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_locked_journal_blocks_no_other_answer() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let catalogue = Catalogue::open(&Catalogue::path_in(dir.path())).await.unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let entries = [Entry::Night { started: at }];
        archive.append(at, &entries).unwrap();
        let journal = File::open(dir.path().join("journal-head")).unwrap();
        journal.lock().unwrap();
        let (free, is_free) = mpsc::channel();
        let held = journal.try_clone().unwrap();
        let rescue = std::thread::spawn(move || {
            let was_free = is_free.recv_timeout(RESCUE).is_ok();
            held.unlock().unwrap();
            was_free
        });
        let writer = EntryWriter { archive: &archive, catalogue: &catalogue, clock: Clock::system() };
        let other = async {
            writer.clock.sleep(WAIT).await;
            free.send(()).unwrap();
        };
        let (written, ()) = tokio::join!(writer.write(at, &entries), other);
        written.unwrap();
        assert!(rescue.join().unwrap(), "the other answer waited for the journal");
    }
}
