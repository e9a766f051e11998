//! Batches of journal lines and their rows. In `PostgreSQL` those of all processes follow one
//! another, so the rows have the order of the journal: the lines are written while the batch is
//! open.
//!
//! Visits of a worker are stored only if it still has their shards. The rows of the shards are
//! locked first, so no other worker leases them before the commit.

use std::collections::HashSet;

use serde::Serialize;

use super::apply::enter;
use super::database::{Transaction, query};
use super::process_leases::ProcessId;
use super::server_start::server_start;
use super::shards::ShardLease;
use super::value::json;
use super::{Catalogue, DocumentText, Error};
use crate::domain::journal::Entry;
use crate::world::disk::{self, StorageStep};

/// The number of the lock that only one batch has.
const LOCK: i64 = 5_720_346_129;

/// The server ends the transaction of a worker that does nothing for so long: it is frozen, or
/// its connection is lost. A disk may take long to sync.
const IDLE: &str = "SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// A transaction. It is rolled back if it is not committed.
pub struct OrderedBatch {
    transaction: Transaction,
}

impl Catalogue {
    /// Begins a batch of entries that no worker made, such as a decision. In `PostgreSQL` it
    /// follows the batches of all other processes, so that of two decisions the one that counts
    /// here also counts in the journal.
    pub async fn begin_ordered(&self) -> Result<OrderedBatch, Error> {
        let mut transaction = self.pool.begin().await?;
        if let Transaction::Postgres { .. } = transaction {
            query(IDLE).execute(&mut transaction).await?;
            query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).fetch_all(&mut transaction).await?;
        }
        Ok(OrderedBatch { transaction })
    }

    /// Begins a batch with visits of these shards. Returns `None` if the process has lost one of them.
    pub async fn begin_fenced(&self, shards: &[ShardLease]) -> Result<Option<OrderedBatch>, Error> {
        let mut transaction = self.pool.begin().await?;
        query(IDLE).execute(&mut transaction).await?;
        query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).fetch_all(&mut transaction).await?;
        let wanted: HashSet<_> = shards
            .iter()
            .map(|lease| {
                let ProcessId { number, server } = lease.process;
                (lease.night, lease.shard.number(), number, lease.fence, server.0)
            })
            .collect();
        let held = query(concat!(
            "SELECT 1 FROM json_each($1) AS wanted JOIN night_shard \
             ON night_shard.night = CAST(wanted.value ->> 0 AS BIGINT) \
             AND night_shard.shard = CAST(wanted.value ->> 1 AS BIGINT) \
             WHERE night_shard.holder = CAST(wanted.value ->> 2 AS BIGINT) \
             AND night_shard.fence = CAST(wanted.value ->> 3 AS BIGINT) \
             AND CAST(wanted.value ->> 4 AS BIGINT) = ",
            server_start!(),
            " AND NOT night_shard.is_done FOR UPDATE OF night_shard"
        ))
        .bind(json(&wanted)?)
        .fetch_all(&mut transaction)
        .await?;
        Ok((held.len() == wanted.len()).then_some(OrderedBatch { transaction }))
    }
}

impl OrderedBatch {
    /// Applies journal entries, and stores the texts of captures.
    pub async fn enter(&mut self, entries: &[Entry], texts: &[DocumentText]) -> Result<(), Error> {
        enter(entries, texts, &mut self.transaction).await
    }

    /// Records that all links of a shard are visited, and what the worker counted.
    pub async fn end_shard(&mut self, lease: ShardLease, totals: &impl Serialize) -> Result<(), Error> {
        query(
            "UPDATE night_shard SET is_done = TRUE, holder = NULL, totals = $1 \
             WHERE night = $2 AND shard = $3 AND fence = $4",
        )
        .bind(json(totals)?)
        .bind(lease.night)
        .bind(lease.shard.number())
        .bind(lease.fence)
        .execute(&mut self.transaction)
        .await?;
        Ok(())
    }

    pub async fn commit(self) -> Result<(), Error> {
        Ok(disk::commit(StorageStep::EntriesCommit, self.transaction.commit()).await?)
    }
}
