//! Batches of journal lines and their rows. In `PostgreSQL` those of all processes follow one
//! another, so the rows have the order of the journal: the lines are written while the batch is
//! open.
//!
//! A process has one batch at a time: each needs a connection while it waits, and the one that
//! writes to a bucket needs a second one to name its segment.
//!
//! Visits of a worker are stored only if it still has their shards. The rows of the shards are
//! locked first, so no other worker leases them before the commit.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use serde::Serialize;
use tokio::sync::OwnedMutexGuard;

use super::advisory_lock::AdvisoryLock;
use super::apply::enter;
use super::database::{Pool, Transaction, query, query_scalar};
use super::process_leases::ProcessId;
use super::server_start::server_start;
use super::shards::ShardLease;
use super::value::json;
use super::{Catalogue, DocumentText, Error, NightRecord};
use crate::domain::journal::Entry;
use crate::world::disk::{self, StorageStep};

/// A transaction. It is rolled back if it is not committed.
pub struct OrderedBatch {
    pub(super) transaction: Transaction,
    /// Set if other processes may have batches.
    turn: Option<OwnedMutexGuard<()>>,
}

impl Catalogue {
    /// Begins a batch of entries that no worker made, such as a decision. In `PostgreSQL` it
    /// follows the batches of all other processes, so that of two decisions the one that counts
    /// here also counts in the journal.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseOver`] if this process was the only scheduler and has lost its lease.
    pub async fn begin_ordered(&self) -> Result<OrderedBatch, Error> {
        let Pool::Postgres(_) = &self.pool else {
            return Ok(OrderedBatch::of(self.pool.begin().await?));
        };
        let turn = Arc::clone(&self.batches).lock_owned().await;
        let mut transaction = self.pool.begin().await?;
        AdvisoryLock::Journal.take(&mut transaction).await?;
        // While the lease is locked it is not renewed, so this comes after the wait.
        self.check_duty_in(&mut transaction).await?;
        Ok(OrderedBatch { transaction, turn: Some(turn) })
    }

    /// Checks that this process, if it was the only scheduler, still has its lease.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseOver`] if it has not.
    pub async fn check_duty(&self) -> Result<(), Error> {
        // Without a change there is nothing to commit.
        self.begin_on_duty().await.map(|_| ())
    }

    /// Begins a transaction. If this process is the only scheduler, it has its lease until the end
    /// of the transaction: another one waits to take its place.
    pub(super) async fn begin_on_duty(&self) -> Result<Transaction, Error> {
        let mut transaction = self.pool.begin().await?;
        self.check_duty_in(&mut transaction).await?;
        Ok(transaction)
    }

    async fn check_duty_in(&self, transaction: &mut Transaction) -> Result<(), Error> {
        let duty = *self.duty.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ProcessId { number, server }) = duty else { return Ok(()) };
        let lasts = query_scalar::<i64>(concat!(
            "SELECT id FROM process_lease WHERE id = $1 AND lease_until > clock_timestamp() AND $2 = ",
            server_start!(),
            " FOR SHARE"
        ));
        let lasts = lasts.bind(number).bind(server.0).fetch_optional(transaction).await?;
        if lasts.is_some() { Ok(()) } else { Err(Error::LeaseOver) }
    }

    /// Begins a batch with visits of these shards. Returns `None` if the process has lost one of them.
    pub async fn begin_fenced(&self, shards: &[ShardLease]) -> Result<Option<OrderedBatch>, Error> {
        let turn = Arc::clone(&self.batches).lock_owned().await;
        let mut transaction = self.pool.begin().await?;
        AdvisoryLock::Journal.take(&mut transaction).await?;
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
        Ok((held.len() == wanted.len()).then_some(OrderedBatch { transaction, turn: Some(turn) }))
    }

    /// Ends a night in the batch of its journal line. See [`Self::finish_night`].
    pub async fn commit_night(&self, batch: OrderedBatch, record: &NightRecord<'_>) -> Result<(), Error> {
        // The turn ends after the commit.
        let OrderedBatch { transaction, turn: _turn } = batch;
        self.commit_night_in(transaction, record).await
    }
}

impl OrderedBatch {
    /// A transaction without an order.
    fn of(transaction: Transaction) -> Self {
        Self { transaction, turn: None }
    }

    /// Waits for work outside of the database, such as a list of a bucket. The batches of other
    /// processes wait for it too, but not for a process that is frozen or cut off.
    pub async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        Ok(self.transaction.wait_for(work).await?)
    }

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
