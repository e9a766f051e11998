//! The pace of each host, for all processes that share a catalogue. It needs `PostgreSQL`.
//!
//! A process takes the row of a host before a request and returns it after the response. The
//! row of a process that is lost is free after its lease and the pause of the host.

use std::time::Duration;

use super::database::{query, query_scalar};
use super::process_leases::ProcessId;
use super::server_start::server_start;
use super::value::millis;
use super::{Catalogue, Error};

/// The right to one request to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLease {
    host: String,
    process: ProcessId,
    turn: i64,
}

/// Whether a host may get a request now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostAvailability {
    Free(HostLease),
    /// Another process sends it a request.
    Busy,
    /// It has its pause, for this time.
    Paused(Duration),
    /// It asked to get no more requests.
    Stopped,
    /// The lease of the asking process is over.
    LeaseOver,
}

impl Catalogue {
    /// Takes a host for one request of a process. `pause` is the pause of the host.
    pub async fn lease_host(
        &self,
        host: &str,
        process: ProcessId,
        pause: Duration,
    ) -> Result<HostAvailability, Error> {
        let turn = query_scalar::<i64>(concat!(
            "UPDATE host_pace SET holder = $1, turn = turn + 1, pause = $2 WHERE host = $3 \
             AND next_at <= clock_timestamp() AND stopped_until <= clock_timestamp() \
             AND NOT EXISTS (SELECT 1 FROM process_lease WHERE id = host_pace.holder \
             AND lease_until + host_pace.pause * interval '1 millisecond' > clock_timestamp()) \
             AND EXISTS (SELECT 1 FROM process_lease WHERE id = $1 AND lease_until > clock_timestamp()) \
             AND $4 = ",
            server_start!(),
            " RETURNING turn"
        ))
        .bind(process.number)
        .bind(millis(pause))
        .bind(host)
        .bind(process.server.0)
        .fetch_optional(&self.pool)
        .await?;
        if let Some(turn) = turn {
            return Ok(HostAvailability::Free(HostLease { host: host.to_owned(), process, turn }));
        }
        let row = query(concat!(
            "SELECT stopped_until > clock_timestamp(), \
             CASE WHEN next_at > clock_timestamp() \
             THEN CAST(ceil(extract(epoch FROM next_at - clock_timestamp()) * 1000) AS BIGINT) ELSE 0 END, \
             EXISTS (SELECT 1 FROM process_lease WHERE id = $1 AND lease_until > clock_timestamp()) \
             AND $3 = ",
            server_start!(),
            " FROM host_pace WHERE host = $2"
        ))
        .bind(process.number)
        .bind(host)
        .bind(process.server.0)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            query("INSERT INTO host_pace (host) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(host)
                .execute(&self.pool)
                .await?;
            return Ok(HostAvailability::Paused(Duration::ZERO));
        };
        let left: i64 = row.get(1);
        Ok(match (row.get(0), row.get(2)) {
            (true, _) => HostAvailability::Stopped,
            (false, false) => HostAvailability::LeaseOver,
            (false, true) if left > 0 => HostAvailability::Paused(Duration::from_millis(left.unsigned_abs())),
            (false, true) => HostAvailability::Busy,
        })
    }

    /// Returns a host. It gets its next request after `pause`.
    pub async fn return_host(&self, lease: &HostLease, pause: Duration) -> Result<(), Error> {
        query(
            "UPDATE host_pace SET holder = NULL, \
             next_at = greatest(next_at, clock_timestamp() + $1 * interval '1 millisecond') \
             WHERE host = $2 AND holder = $3 AND turn = $4",
        )
        .bind(millis(pause))
        .bind(&lease.host)
        .bind(lease.process.number)
        .bind(lease.turn)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// No process sends the host a request for this time.
    pub async fn stop_host(&self, host: &str, time: Duration) -> Result<(), Error> {
        query(
            "INSERT INTO host_pace (host, stopped_until) \
             VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond') \
             ON CONFLICT (host) DO UPDATE \
             SET stopped_until = greatest(host_pace.stopped_until, excluded.stopped_until)",
        )
        .bind(host)
        .bind(millis(time))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::service_role::ServiceRole::Worker;
    use crate::world::catalogue::each_engine::new_database;

    const MINUTE: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(150);

    #[tokio::test]
    async fn a_host_gets_one_request_at_a_time_and_its_pause_from_all_processes() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let one = catalogue.begin_lease("one", Worker, MINUTE).await.unwrap();
        let two = catalogue.begin_lease("two", Worker, MINUTE).await.unwrap();
        let ask = async |process| catalogue.lease_host("h.test", process, SHORT).await.unwrap();
        assert_eq!(ask(one).await, HostAvailability::Paused(Duration::ZERO), "its row is new");
        let HostAvailability::Free(lease) = ask(one).await else { panic!("it is free") };
        assert_eq!(ask(two).await, HostAvailability::Busy);
        assert_eq!(ask(one).await, HostAvailability::Busy, "also for its own process");
        catalogue.return_host(&lease, MINUTE).await.unwrap();
        let HostAvailability::Paused(left) = ask(two).await else { panic!("it has its pause") };
        assert!(left > MINUTE / 2 && left <= MINUTE);
        catalogue.return_host(&lease, Duration::ZERO).await.unwrap();
        assert!(matches!(ask(two).await, HostAvailability::Paused(_)), "a pause gets no shorter");

        let ask = async |process| catalogue.lease_host("s.test", process, SHORT).await.unwrap();
        catalogue.stop_host("s.test", MINUTE).await.unwrap();
        catalogue.stop_host("s.test", Duration::ZERO).await.unwrap();
        assert_eq!(ask(one).await, HostAvailability::Stopped);
    }

    #[tokio::test]
    async fn the_host_of_a_lost_process_is_free_after_its_lease_and_its_pause() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let lost = catalogue.begin_lease("lost", Worker, MINUTE).await.unwrap();
        let other = catalogue.begin_lease("other", Worker, MINUTE).await.unwrap();
        let ask = async |process, pause| catalogue.lease_host("h.test", process, pause).await.unwrap();
        ask(lost, MINUTE).await;
        let HostAvailability::Free(lease) = ask(lost, SHORT).await else { panic!("it is free") };
        catalogue.end_lease(lost).await.unwrap();
        assert!(!catalogue.renew_lease(lost, MINUTE).await.unwrap(), "a lease that is over stays so");
        assert_eq!(ask(other, MINUTE).await, HostAvailability::Busy, "the pause after the lost request");
        tokio::time::sleep(SHORT).await;
        let HostAvailability::Free(_) = ask(other, MINUTE).await else { panic!("it is free") };
        catalogue.return_host(&lease, MINUTE).await.unwrap();
        assert_eq!(ask(other, MINUTE).await, HostAvailability::Busy, "the lost process returns nothing");
        assert_eq!(ask(lost, MINUTE).await, HostAvailability::LeaseOver);
    }
}
