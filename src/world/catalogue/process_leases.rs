//! The leases of the processes that share a catalogue. They need `PostgreSQL`.
//!
//! The server's clock decides whether a lease lasts. A process whose lease is over is lost:
//! others take its shards and its hosts.

use std::time::Duration;

use super::database::{Pool, query, query_scalar};
use super::value::millis;
use super::{Catalogue, Error};

/// A process with a lease. A process that has lost its lease gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId(pub(super) i64);

impl Catalogue {
    /// Whether several processes can send requests for this catalogue.
    pub fn can_have_workers(&self) -> bool {
        matches!(self.pool, Pool::Postgres(_))
    }

    /// Gives a process a lease, and forgets processes that were lost days ago.
    pub async fn begin_lease(&self, name: &str, lease: Duration) -> Result<ProcessId, Error> {
        query("DELETE FROM process_lease WHERE lease_until < clock_timestamp() - interval '7 days'")
            .execute(&self.pool)
            .await?;
        let id = query_scalar(
            "INSERT INTO process_lease (name, lease_until) \
             VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond') RETURNING id",
        )
        .bind(name)
        .bind(millis(lease))
        .fetch_one(&self.pool)
        .await?;
        Ok(ProcessId(id))
    }

    /// Extends a lease from now on. Returns whether the process has it: a lease that is over stays so.
    pub async fn renew_lease(&self, process: ProcessId, lease: Duration) -> Result<bool, Error> {
        let renewed = query(
            "UPDATE process_lease SET lease_until = clock_timestamp() + $1 * interval '1 millisecond' \
             WHERE id = $2 AND lease_until > clock_timestamp()",
        )
        .bind(millis(lease))
        .bind(process.0)
        .execute(&self.pool)
        .await?;
        Ok(renewed == 1)
    }

    /// Ends a lease, so that others take the shards and hosts at once.
    pub async fn end_lease(&self, process: ProcessId) -> Result<(), Error> {
        query(
            "UPDATE process_lease SET lease_until = clock_timestamp() \
             WHERE id = $1 AND lease_until > clock_timestamp()",
        )
        .bind(process.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
