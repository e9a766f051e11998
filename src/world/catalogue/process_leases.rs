//! The leases of the processes that share a catalogue. They need `PostgreSQL`.
//!
//! The server's clock decides whether a lease lasts. A process whose lease is over is lost:
//! others take its shards and its hosts.

use std::time::Duration;

use super::database::{Pool, query, query_scalar};
use super::value::millis;
use super::{Catalogue, Error, postgres};
use crate::domain::policy::service_role::ServiceRole;

/// A process with a lease. A process that has lost its lease gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId(pub(super) i64);

impl Catalogue {
    /// Whether several processes can send requests for this catalogue.
    pub fn can_have_workers(&self) -> bool {
        matches!(self.pool, Pool::Postgres(_))
    }

    /// Gives a process a lease, and forgets processes that were lost days ago. While it lasts, no
    /// newer version changes the tables so that this version could not use them.
    ///
    /// # Errors
    ///
    /// [`Error::Replaced`] if a newer version has changed them so.
    pub async fn begin_lease(
        &self,
        name: &str,
        role: ServiceRole,
        lease: Duration,
    ) -> Result<ProcessId, Error> {
        query("DELETE FROM process_lease WHERE lease_until < clock_timestamp() - interval '7 days'")
            .execute(&self.pool)
            .await?;
        let id = query_scalar(
            "INSERT INTO process_lease (name, role, version, lease_until) \
             SELECT $1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond' WHERE NOT EXISTS \
             (SELECT 1 FROM catalogue_version WHERE version > $3 AND coalesce(oldest, version) > $3) \
             RETURNING id",
        )
        .bind(name)
        .bind(role.as_str())
        .bind(postgres::newest_version())
        .bind(millis(lease))
        .fetch_optional(&self.pool)
        .await?;
        id.map(ProcessId).ok_or(Error::Replaced)
    }

    /// Extends a lease from now on. Returns whether the process has it: a lease that is over stays
    /// so, and a newer version that changed the tables so that this version cannot use them ends it.
    pub async fn renew_lease(&self, process: ProcessId, lease: Duration) -> Result<bool, Error> {
        let renewed = query(
            "UPDATE process_lease SET lease_until = clock_timestamp() + $1 * interval '1 millisecond' \
             WHERE id = $2 AND lease_until > clock_timestamp() AND NOT EXISTS \
             (SELECT 1 FROM catalogue_version WHERE version > $3 AND coalesce(oldest, version) > $3)",
        )
        .bind(millis(lease))
        .bind(process.0)
        .bind(postgres::newest_version())
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
