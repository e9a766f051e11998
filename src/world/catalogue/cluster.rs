//! Figures of the processes that share a catalogue, for metrics. They need `PostgreSQL`.

use std::time::{Duration, Instant};

use super::database::{Pool, ResultRow, query};
use super::value::count;
use super::{Catalogue, Error, ShardProgress};
use crate::domain::policy::service_role::ServiceRole;
use crate::world::clock::Clock;

/// The most hosts that are named.
const BUSIEST: u32 = 10;
/// Counting the requests reads the rows of all hosts, of which there may be millions. If that takes
/// longer than this, the figures are kept for so many times as long.
const QUICK: Duration = Duration::from_millis(50);
const KEPT_FOR: u32 = 50;

/// What the processes do at the moment, and what they did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterFigures {
    /// The shards of the night in progress.
    pub shards: ShardProgress,
    /// How long ago the oldest shard that is not done was offered, in seconds; 0 without one.
    pub oldest_unfinished: u64,
    /// How often a worker with a shard was lost, of all nights in the catalogue.
    pub lost_leases: u64,
    /// The processes with a lease.
    pub processes: Vec<ProcessFigures>,
    /// The requests of all processes to all hosts.
    pub requests: u64,
    /// The hosts with the most requests.
    pub busiest: Vec<BusyHost>,
}

/// A process with a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessFigures {
    pub name: String,
    /// Empty for a process of version 18.
    pub role: String,
    /// The rest of its lease, in seconds.
    pub lease: u64,
    /// The shards that it has.
    pub shards: u32,
}

impl ProcessFigures {
    pub fn has_role(&self, role: ServiceRole) -> bool {
        self.role == role.as_str()
    }

    /// Whether it does the work of a scheduler.
    pub fn runs_nights(&self) -> bool {
        self.has_role(ServiceRole::All) || self.has_role(ServiceRole::Scheduler)
    }
}

/// A host and its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusyHost {
    pub host: String,
    pub requests: u64,
}

/// The requests to all hosts, as they were counted last.
#[derive(Clone, Debug)]
pub(super) struct CountedRequests {
    requests: u64,
    busiest: Vec<BusyHost>,
    kept_until: Instant,
}

impl Catalogue {
    /// `None` for a catalogue that only one process uses.
    pub async fn cluster_figures(&self, clock: Clock) -> Result<Option<ClusterFigures>, Error> {
        let Pool::Postgres(_) = &self.pool else { return Ok(None) };
        let row = query(
            "SELECT count(*) FILTER (WHERE is_done), count(*) FILTER (WHERE NOT is_done AND lasts), \
             count(*) FILTER (WHERE NOT is_done AND NOT lasts), \
             CAST(coalesce(max(extract(epoch FROM clock_timestamp() - offered_at)) FILTER (WHERE NOT is_done), 0) AS BIGINT) \
             FROM (SELECT is_done, offered_at, EXISTS (SELECT 1 FROM process_lease \
             WHERE id = night_shard.holder AND lease_until > clock_timestamp()) AS lasts \
             FROM night_shard JOIN night ON night.id = night_shard.night \
             WHERE night.finished IS NULL AND NOT night.is_withdrawn) AS shard",
        )
        .fetch_one(&self.pool)
        .await?;
        let shards =
            ShardProgress { done: count(&row, 0)?, leased: count(&row, 1)?, waiting: count(&row, 2)? };
        let lost = query("SELECT CAST(coalesce(sum(lost), 0) AS BIGINT) FROM night_shard");
        let lost = lost.fetch_one(&self.pool).await?;
        let counted = self.counted_requests(clock).await?;
        Ok(Some(ClusterFigures {
            shards,
            oldest_unfinished: unsigned(&row, 3),
            lost_leases: unsigned(&lost, 0),
            processes: self.processes().await?,
            requests: counted.requests,
            busiest: counted.busiest,
        }))
    }

    /// The processes with a lease, ordered by their names.
    pub async fn processes(&self) -> Result<Vec<ProcessFigures>, Error> {
        let rows = query(
            "SELECT name, role, CAST(ceil(extract(epoch FROM lease_until - clock_timestamp())) AS BIGINT), \
             (SELECT count(*) FROM night_shard WHERE holder = process_lease.id AND NOT is_done) \
             FROM process_lease WHERE lease_until > clock_timestamp() ORDER BY name, id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ProcessFigures {
                    name: row.get(0),
                    role: row.get(1),
                    lease: unsigned(row, 2),
                    shards: count(row, 3)?,
                })
            })
            .collect()
    }

    async fn counted_requests(&self, clock: Clock) -> Result<CountedRequests, Error> {
        // Those who ask meanwhile wait for one count.
        let mut known = self.counted_requests.lock().await;
        let begun = clock.instant();
        if let Some(counted) = known.as_ref().filter(|counted| begun < counted.kept_until) {
            return Ok(counted.clone());
        }
        let sum = query("SELECT CAST(coalesce(sum(turn), 0) AS BIGINT) FROM host_pace");
        let requests = unsigned(&sum.fetch_one(&self.pool).await?, 0);
        let busiest = self.busiest_hosts().await?;
        let now = clock.instant();
        let kept_until = now + kept_for(now.duration_since(begun));
        let counted = CountedRequests { requests, busiest, kept_until };
        *known = Some(counted.clone());
        Ok(counted)
    }

    async fn busiest_hosts(&self) -> Result<Vec<BusyHost>, Error> {
        let rows = query("SELECT host, turn FROM host_pace WHERE turn > 0 ORDER BY turn DESC, host LIMIT $1")
            .bind(BUSIEST)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(|row| BusyHost { host: row.get(0), requests: unsigned(row, 1) }).collect())
    }
}

/// How long figures are kept that took this time to count.
fn kept_for(took: Duration) -> Duration {
    if took < QUICK { Duration::ZERO } else { took * KEPT_FOR }
}

fn unsigned(row: &ResultRow, column: usize) -> u64 {
    row.get::<i64>(column).max(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::each_engine::new_database;

    #[tokio::test]
    async fn requests_are_not_counted_again_while_the_last_count_is_kept() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let clock = Clock::system();
        let counted = async || catalogue.cluster_figures(clock).await.unwrap().unwrap().requests;
        query("INSERT INTO host_pace (host, turn) VALUES ('h.test', 3)")
            .execute(&catalogue.pool)
            .await
            .unwrap();
        assert_eq!(counted().await, 3);
        let keep = async |until| {
            catalogue.counted_requests.lock().await.as_mut().unwrap().kept_until = until;
        };
        query("UPDATE host_pace SET turn = 4").execute(&catalogue.pool).await.unwrap();
        keep(clock.instant() + Duration::from_mins(1)).await;
        assert_eq!(counted().await, 3);
        keep(clock.instant()).await;
        assert_eq!(counted().await, 4);
        assert_eq!(kept_for(Duration::from_millis(3)), Duration::ZERO);
        assert_eq!(kept_for(Duration::from_secs(1)), Duration::from_secs(50));
    }
}
