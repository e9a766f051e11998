//! The advisory locks of a catalogue on `PostgreSQL`. Each is a number, and ends with the
//! transaction that has it.

use super::Error;
use super::database::{Transaction, query};

/// What one transaction at a time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(super) enum AdvisoryLock {
    /// Changes the tables to those of a newer version.
    Tables = 5_720_346_128,
    /// Writes entries, in the order of the journal.
    Journal = 5_720_346_129,
    /// Begins the lease of the only scheduler.
    Scheduler = 5_720_346_130,
    /// Changes the counts of wrong passwords.
    LoginCounts = 5_720_346_132,
    /// Requests a night or a recheck.
    Requests = 5_720_346_133,
    /// Compacts visits.
    Compaction = 5_720_346_134,
}

impl AdvisoryLock {
    pub(super) fn number(self) -> i64 {
        self as i64
    }

    /// Waits until no other transaction has the lock.
    pub(super) async fn take(self, on: &mut Transaction) -> Result<(), Error> {
        query("SELECT pg_advisory_xact_lock($1)").bind(self.number()).fetch_all(on).await?;
        Ok(())
    }
}
