//! The leases of the processes that share a catalogue. They need `PostgreSQL`.
//!
//! The server's clock decides whether a lease lasts. A process whose lease is over is lost:
//! others take its shards and its hosts. A lease holds only on the server that granted it: one
//! that was restarted or replaced by its standby may have lost later commits.

use std::sync::PoisonError;
use std::time::Duration;

use super::advisory_lock::AdvisoryLock;
use super::database::{Executor, Pool, query, query_scalar};
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
        insert_lease(name, role, lease, &self.pool).await
    }

    /// Gives the only process that runs nights a lease; `None` while another one has it. From then
    /// on this process may do the work of a scheduler only while the lease lasts.
    ///
    /// # Errors
    ///
    /// As [`Self::begin_lease`].
    pub async fn begin_only_scheduler(
        &self,
        name: &str,
        role: ServiceRole,
        lease: Duration,
    ) -> Result<Option<ProcessId>, Error> {
        let (all, scheduler) = (ServiceRole::All.as_str(), ServiceRole::Scheduler.as_str());
        let lasting =
            "SELECT id FROM process_lease WHERE role IN ($1, $2) AND lease_until > clock_timestamp() LIMIT 1";
        let lasting = query(lasting).bind(all).bind(scheduler);
        if lasting.fetch_optional(&self.pool).await?.is_some() {
            return Ok(None);
        }
        let mut transaction = self.pool.begin().await?;
        AdvisoryLock::Scheduler.take(&mut transaction).await?;
        // What a scheduler writes in its last moment is committed first.
        let leases = query_scalar::<bool>(
            "SELECT lease_until > clock_timestamp() FROM process_lease WHERE role IN ($1, $2) FOR UPDATE",
        );
        let leases = leases.bind(all).bind(scheduler).fetch_all(&mut transaction).await?;
        if leases.contains(&true) {
            return Ok(None);
        }
        let process = insert_lease(name, role, lease, &mut transaction).await?;
        transaction.commit().await?;
        *self.duty.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(Some(process))
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

    /// Ends the lease of a process with this name that ran nights, and its lock on the captures. It
    /// is gone.
    pub async fn end_service(&self, name: &str) -> Result<(), Error> {
        query(
            "UPDATE process_lease SET lease_until = clock_timestamp() \
             WHERE name = $1 AND role IN ($2, $3) AND lease_until > clock_timestamp()",
        )
        .bind(name)
        .bind(ServiceRole::All.as_str())
        .bind(ServiceRole::Scheduler.as_str())
        .execute(&self.pool)
        .await?;
        self.unlock_captures_of(name).await
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

async fn insert_lease(
    name: &str,
    role: ServiceRole,
    lease: Duration,
    on: impl Into<Executor<'_>>,
) -> Result<ProcessId, Error> {
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
    .fetch_optional(on)
    .await?;
    let row = row.ok_or(Error::Outdated)?;
    Ok(ProcessId { number: row.get(0), server: ServerStart(row.get(1)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::HostAvailability;
    use crate::world::catalogue::each_engine::new_database;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_second_scheduler_begins_when_the_lease_of_the_first_is_over() {
        let Some(location) = new_database().await else { return };
        let (one, two) =
            (Catalogue::open_at(&location).await.unwrap(), Catalogue::open_at(&location).await.unwrap());
        let begin = async |catalogue: &Catalogue, role| {
            catalogue.begin_only_scheduler("it", role, MINUTE).await.unwrap()
        };
        let first = begin(&one, ServiceRole::Scheduler).await.unwrap();
        assert_eq!(begin(&two, ServiceRole::Scheduler).await, None);
        assert_eq!(begin(&two, ServiceRole::All).await, None, "it has a scheduler");
        let batch = one.begin_ordered().await.unwrap();
        query("UPDATE process_lease SET lease_until = clock_timestamp()").execute(&two.pool).await.unwrap();
        drop(batch);
        assert!(matches!(one.begin_ordered().await, Err(Error::LeaseOver)));
        assert!(begin(&two, ServiceRole::All).await.is_some());
        assert_eq!(begin(&one, ServiceRole::Scheduler).await, None);
        assert!(!one.renew_lease(first, MINUTE).await.unwrap());
        two.begin_ordered().await.unwrap();
        assert!(matches!(one.begin_ordered().await, Err(Error::LeaseOver)), "it may write nothing");
    }

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
