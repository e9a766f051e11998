//! The leases of the processes that share a catalogue. They need `PostgreSQL`.
//!
//! The server's clock decides whether a lease lasts. A process whose lease is over is lost:
//! others take its shards and its hosts. A lease holds only on the server that granted it: one
//! that was restarted or replaced by its standby may have lost later commits.

use std::time::Duration;

use super::database::{Pool, query};
use super::postgres::{is_outdated, newest_version};
use super::server_start::{ServerStart, server_start};
use super::value::millis;
use super::{Catalogue, Error};
use crate::domain::policy::service_role::ServiceRole;

/// A process with a lease. A process that has lost its lease gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId {
    pub(super) number: i64,
    /// The server that granted the lease.
    pub(super) server: ServerStart,
}

impl ProcessId {
    /// The server that granted the lease.
    pub fn server(self) -> ServerStart {
        self.server
    }
}

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
    /// [`Error::Outdated`] if a newer version has changed them so.
    pub async fn begin_lease(
        &self,
        name: &str,
        role: ServiceRole,
        lease: Duration,
    ) -> Result<ProcessId, Error> {
        query("DELETE FROM process_lease WHERE lease_until < clock_timestamp() - interval '7 days'")
            .execute(&self.pool)
            .await?;
        let row = query(concat!(
            "INSERT INTO process_lease (name, role, version, lease_until) \
             SELECT $1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond' WHERE NOT ",
            is_outdated!("$3"),
            " RETURNING id, ",
            server_start!()
        ))
        .bind(name)
        .bind(role.as_str())
        .bind(newest_version())
        .bind(millis(lease))
        .fetch_optional(&self.pool)
        .await?;
        let row = row.ok_or(Error::Outdated)?;
        Ok(ProcessId { number: row.get(0), server: ServerStart(row.get(1)) })
    }

    /// Extends a lease from now on. Returns whether the process has it: a lease that is over stays
    /// so, and a newer version that changed the tables so that this version cannot use them ends it.
    pub async fn renew_lease(&self, process: ProcessId, lease: Duration) -> Result<bool, Error> {
        let renewed = query(concat!(
            "UPDATE process_lease SET lease_until = clock_timestamp() + $1 * interval '1 millisecond' \
             WHERE id = $2 AND lease_until > clock_timestamp() AND NOT ",
            is_outdated!("$3"),
            " AND $4 = ",
            server_start!()
        ))
        .bind(millis(lease))
        .bind(process.number)
        .bind(newest_version())
        .bind(process.server.0)
        .execute(&self.pool)
        .await?;
        Ok(renewed == 1)
    }

    /// Ends a lease, so that others take the shards and hosts at once.
    pub async fn end_lease(&self, process: ProcessId) -> Result<(), Error> {
        query(concat!(
            "UPDATE process_lease SET lease_until = clock_timestamp() \
             WHERE id = $1 AND lease_until > clock_timestamp() AND $2 = ",
            server_start!()
        ))
        .bind(process.number)
        .bind(process.server.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::HostAvailability;
    use crate::world::catalogue::each_engine::new_database;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_lease_holds_only_on_the_server_that_granted_it() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let process = catalogue.begin_lease("one", ServiceRole::Worker, MINUTE).await.unwrap();
        assert_eq!(catalogue.server_start().await.unwrap(), Some(process.server()));
        // A later lease of another server may have the same number.
        let elsewhere = ProcessId { server: ServerStart(process.server.0 + 1), ..process };
        catalogue.end_lease(elsewhere).await.unwrap();
        assert!(!catalogue.renew_lease(elsewhere, MINUTE).await.unwrap());
        assert!(catalogue.renew_lease(process, MINUTE).await.unwrap());
        let ask = async |process| catalogue.lease_host("h.test", process, MINUTE).await.unwrap();
        assert_eq!(ask(process).await, HostAvailability::Paused(Duration::ZERO), "its row is new");
        assert_eq!(ask(elsewhere).await, HostAvailability::LeaseOver);
        assert!(matches!(ask(process).await, HostAvailability::Free(_)));
    }
}
