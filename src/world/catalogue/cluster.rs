//! Figures of the processes that share a catalogue, for metrics. They need `PostgreSQL`.

use super::database::{Pool, ResultRow, query};
use super::value::count;
use super::{Catalogue, Error, ShardProgress};
use crate::domain::policy::service_role::ServiceRole;

/// The most hosts that are named.
const BUSIEST: u32 = 10;

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

impl Catalogue {
    /// `None` for a catalogue that only one process uses.
    pub async fn cluster_figures(&self) -> Result<Option<ClusterFigures>, Error> {
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
        let totals = query(
            "SELECT CAST((SELECT coalesce(sum(lost), 0) FROM night_shard) AS BIGINT), \
             CAST((SELECT coalesce(sum(turn), 0) FROM host_pace) AS BIGINT)",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Some(ClusterFigures {
            shards,
            oldest_unfinished: unsigned(&row, 3),
            lost_leases: unsigned(&totals, 0),
            processes: self.processes().await?,
            requests: unsigned(&totals, 1),
            busiest: self.busiest_hosts().await?,
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

    async fn busiest_hosts(&self) -> Result<Vec<BusyHost>, Error> {
        let rows = query("SELECT host, turn FROM host_pace WHERE turn > 0 ORDER BY turn DESC, host LIMIT $1")
            .bind(BUSIEST)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(|row| BusyHost { host: row.get(0), requests: unsigned(row, 1) }).collect())
    }
}

fn unsigned(row: &ResultRow, column: usize) -> u64 {
    row.get::<i64>(column).max(0).unsigned_abs()
}
