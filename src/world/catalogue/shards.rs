//! The shards of a night, which workers lease one by one. They need `PostgreSQL`.
//!
//! A shard that is leased again has a higher fence. What its former worker still stores is
//! refused: [`OrderedBatch`](super::OrderedBatch).

use serde::de::DeserializeOwned;

use super::database::{ResultRow, query, query_scalar};
use super::nights::night_ref;
use super::process_leases::ProcessId;
use super::server_start::server_start;
use super::value::{count, from_json, json};
use super::{Catalogue, Error, NightRef};
use crate::domain::evidence::probe::CheckedLink;
use crate::domain::policy::shard::Shard;

/// A shard that a process has leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShardLease {
    /// The number of the night.
    pub night: i64,
    pub shard: Shard,
    pub process: ProcessId,
    pub fence: u32,
}

/// A shard that was leased just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedShard {
    pub lease: ShardLease,
    pub night: NightRef,
    /// Its links that the night has not visited, in their order.
    pub links: Vec<CheckedLink>,
}

/// How far the shards of a night are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardProgress {
    pub done: u32,
    /// Those of workers with a lease.
    pub leased: u32,
    /// Those without a worker.
    pub waiting: u32,
}

impl ShardProgress {
    pub fn is_done(self) -> bool {
        self.leased == 0 && self.waiting == 0
    }
}

impl Catalogue {
    /// Divides the links of a night into shards. A night that is resumed is divided anew: every
    /// worker loses its shards. Shards of other nights are closed, and those of finished ones removed.
    pub async fn plan_shards(&self, night: NightRef, links: &[CheckedLink]) -> Result<(), Error> {
        let mut rows = Vec::with_capacity(links.len());
        for (link, place) in links.iter().zip(0_u64..) {
            rows.push((Shard::of(&link.address).number(), place, link.address.as_str(), json(link)?));
        }
        let mut transaction = self.begin_on_duty().await?;
        query("UPDATE night_shard SET is_done = TRUE, holder = NULL, fence = fence + 1 WHERE NOT is_done")
            .execute(&mut transaction)
            .await?;
        query("DELETE FROM night_link").execute(&mut transaction).await?;
        // Every lease reads the shards. Those of lost workers are counted for ever.
        query(
            "DELETE FROM night_shard WHERE lost = 0 AND night IN (SELECT id FROM night WHERE finished IS NOT NULL)",
        )
        .execute(&mut transaction)
        .await?;
        query(
            "INSERT INTO night_link (night, shard, place, address, checked) \
             SELECT $1, CAST(entered.value ->> 0 AS BIGINT), CAST(entered.value ->> 1 AS BIGINT), \
             entered.value ->> 2, entered.value ->> 3 FROM json_each($2) AS entered",
        )
        .bind(night.id)
        .bind(json(&rows)?)
        .execute(&mut transaction)
        .await?;
        query(
            "INSERT INTO night_shard (night, shard, links) \
             SELECT night, shard, count(*) FROM night_link WHERE night = $1 GROUP BY night, shard \
             ON CONFLICT (night, shard) DO UPDATE \
             SET links = excluded.links, is_done = FALSE, holder = NULL, \
             fence = night_shard.fence + 1, offered_at = clock_timestamp()",
        )
        .bind(night.id)
        .execute(&mut transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Leases the largest shards that no process has. `night` limits them to one night.
    pub async fn lease_shards(
        &self,
        process: ProcessId,
        night: Option<NightRef>,
        at_most: usize,
    ) -> Result<Vec<LeasedShard>, Error> {
        let rows = query(concat!(
            "WITH free AS MATERIALIZED \
             (SELECT night_shard.night, night_shard.shard, night.started FROM night_shard \
             JOIN night ON night.id = night_shard.night \
             WHERE NOT night_shard.is_done AND night.finished IS NULL AND NOT night.is_withdrawn \
             AND ($2 = 0 OR night.id = $2) \
             AND NOT EXISTS (SELECT 1 FROM process_lease WHERE id = night_shard.holder \
             AND lease_until > clock_timestamp()) \
             AND EXISTS (SELECT 1 FROM process_lease WHERE id = $1 AND lease_until > clock_timestamp()) \
             AND $4 = ",
            server_start!(),
            " ORDER BY night_shard.links DESC, night_shard.shard LIMIT $3 \
             FOR UPDATE OF night_shard SKIP LOCKED) \
             UPDATE night_shard SET holder = $1, fence = fence + 1, \
             lost = lost + CASE WHEN holder IS NULL THEN 0 ELSE 1 END FROM free \
             WHERE night_shard.night = free.night AND night_shard.shard = free.shard \
             RETURNING night_shard.night, free.started, night_shard.shard, night_shard.fence"
        ))
        .bind(process.number)
        .bind(night.map_or(0, |night| night.id))
        .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
        .bind(process.server.0)
        .fetch_all(&self.pool)
        .await?;
        let mut leased = Vec::with_capacity(rows.len());
        for row in rows {
            let (night, shard) = (night_ref(&row)?, shard_of(&row, 2)?);
            let links = self.links_left(night, shard).await?;
            let lease = ShardLease { night: night.id, shard, process, fence: count(&row, 3)? };
            leased.push(LeasedShard { lease, night, links });
        }
        Ok(leased)
    }

    /// The links of a shard that the night has not visited.
    async fn links_left(&self, night: NightRef, shard: Shard) -> Result<Vec<CheckedLink>, Error> {
        let links = query_scalar::<String>(
            "SELECT checked FROM night_link WHERE night = $1 AND shard = $2 AND NOT EXISTS \
             (SELECT 1 FROM visit JOIN link ON link.id = visit.link \
             WHERE visit.night = $1 AND link.address = night_link.address) ORDER BY place",
        )
        .bind(night.id)
        .bind(shard.number())
        .fetch_all(&self.pool)
        .await?;
        links.iter().map(|link| from_json(link)).collect()
    }

    pub async fn shard_progress(&self, night: NightRef) -> Result<ShardProgress, Error> {
        let row = query(
            "SELECT count(*) FILTER (WHERE is_done), count(*) FILTER (WHERE NOT is_done AND lasts), \
             count(*) FILTER (WHERE NOT is_done AND NOT lasts) FROM \
             (SELECT is_done, EXISTS (SELECT 1 FROM process_lease WHERE id = night_shard.holder \
             AND lease_until > clock_timestamp()) AS lasts FROM night_shard WHERE night = $1) AS shard",
        )
        .bind(night.id)
        .fetch_one(&self.pool)
        .await?;
        Ok(ShardProgress { done: count(&row, 0)?, leased: count(&row, 1)?, waiting: count(&row, 2)? })
    }

    /// The number of links that a night has visited.
    pub async fn visit_count(&self, night: NightRef) -> Result<u32, Error> {
        let row =
            query("SELECT count(*) FROM visit WHERE night = $1").bind(night.id).fetch_one(&self.pool).await?;
        count(&row, 0)
    }

    /// Ends the shards of a night, also those that are not done: their workers store nothing
    /// more. Returns what the workers counted.
    pub async fn close_shards<T: DeserializeOwned>(&self, night: NightRef) -> Result<Vec<T>, Error> {
        let mut transaction = self.begin_on_duty().await?;
        query(
            "UPDATE night_shard SET is_done = TRUE, holder = NULL, fence = fence + 1 \
             WHERE night = $1 AND NOT is_done",
        )
        .bind(night.id)
        .execute(&mut transaction)
        .await?;
        let totals = query_scalar::<String>(
            "SELECT totals FROM night_shard WHERE night = $1 AND totals IS NOT NULL ORDER BY shard",
        )
        .bind(night.id)
        .fetch_all(&mut transaction)
        .await?;
        query("DELETE FROM night_link WHERE night = $1").bind(night.id).execute(&mut transaction).await?;
        transaction.commit().await?;
        totals.iter().map(|totals| from_json(totals)).collect()
    }

    /// Gives back the shards of a process that are not done.
    pub async fn return_shards(&self, process: ProcessId) -> Result<(), Error> {
        query(concat!(
            "UPDATE night_shard SET holder = NULL WHERE holder = $1 AND NOT is_done AND $2 = ",
            server_start!()
        ))
        .bind(process.number)
        .bind(process.server.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn shard_of(row: &ResultRow, column: usize) -> Result<Shard, Error> {
    let number: i64 = row.get(column);
    let unknown = || Error::Query(sqlx::Error::Decode(format!("there is no shard {number}").into()));
    Shard::from_number(number).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::address::Address;
    use crate::domain::evidence::{Drift, Evidence, Finding, ListedVersion};
    use crate::domain::journal::{Entry, VisitedBy};
    use crate::domain::link::Kind;
    use crate::domain::policy::service_role::ServiceRole::Worker;
    use crate::world::catalogue::ServerStart;
    use crate::world::catalogue::each_engine::{new_database, on_each_engine};
    use crate::world::clock::Clock;

    const MINUTE: Duration = Duration::from_mins(1);

    fn checked(n: u32) -> CheckedLink {
        let address = Address::parse(&format!("https://host{}.example/{n}", n % 7)).unwrap();
        CheckedLink {
            address,
            words: vec!["A \"reading\"".to_owned()],
            kind: Kind::Paper,
            fragments: Vec::new(),
            listed_version: Some(ListedVersion::of(&["1"])),
        }
    }

    fn visit(night: NightRef, link: &CheckedLink, status: u16, fence: u32) -> Entry {
        let at = Timestamp::UNIX_EPOCH;
        let finding = Finding::Healthy { drift: Drift::Same, moved_to: None };
        let (ended_at, compared_by, seen, notes) = (None, None, None, Vec::new());
        let evidence = Evidence {
            at,
            status: Some(status),
            ended_at,
            compared_by,
            seen,
            finding,
            notes,
            is_listed: false,
            listed_version: None,
        };
        let by = (fence > 0).then(|| VisitedBy { worker: "machine".to_owned(), fence });
        Entry::Visit { night: night.started, link: link.address.clone(), evidence, by }
    }

    async fn begun(catalogue: &Catalogue) -> NightRef {
        let started = "2026-09-14T02:30:00Z".parse().unwrap();
        catalogue.apply(&[Entry::Night { started }]).await.unwrap();
        catalogue.night(started).await.unwrap()
    }

    #[tokio::test]
    async fn every_shard_is_leased_once_and_a_lost_one_again() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let night = begun(&catalogue).await;
        let links: Vec<CheckedLink> = (0..20).map(checked).collect();
        catalogue.plan_shards(night, &links).await.unwrap();
        let one = catalogue.begin_lease("one", Worker, MINUTE).await.unwrap();
        let two = catalogue.begin_lease("two", Worker, MINUTE).await.unwrap();
        let first = catalogue.lease_shards(one, None, 3).await.unwrap();
        let rest = catalogue.lease_shards(two, Some(night), 100).await.unwrap();
        assert_eq!((first.len(), rest.len()), (3, 4));
        let mut leased: Vec<CheckedLink> =
            first.iter().chain(&rest).flat_map(|shard| shard.links.clone()).collect();
        leased.sort_by_key(|link| links.iter().position(|it| it == link));
        assert_eq!(leased, links, "each link is in one shard");
        assert_eq!(catalogue.lease_shards(two, None, 100).await.unwrap(), []);
        let progress = catalogue.shard_progress(night).await.unwrap();
        assert_eq!(progress, ShardProgress { done: 0, leased: 7, waiting: 0 });

        let lost = first[0].clone();
        let server = ServerStart(one.server.0 + 1);
        let elsewhere = ShardLease { process: ProcessId { server, ..one }, ..lost.lease };
        assert!(catalogue.begin_fenced(&[elsewhere]).await.unwrap().is_none(), "of another server");
        catalogue.return_shards(elsewhere.process).await.unwrap();
        let mut batch = catalogue.begin_fenced(&[lost.lease]).await.unwrap().unwrap();
        batch.enter(&[visit(night, &lost.links[0], 200, lost.lease.fence)], &[]).await.unwrap();
        batch.commit().await.unwrap();
        catalogue.end_lease(one).await.unwrap();
        let again = catalogue.lease_shards(two, None, 100).await.unwrap();
        assert_eq!(again.len(), 3);
        let taken = again.iter().find(|shard| shard.lease.shard == lost.lease.shard).unwrap();
        assert_eq!(taken.lease.fence, lost.lease.fence + 1);
        assert_eq!(taken.links, lost.links[1..], "only what is missing");
        assert!(catalogue.begin_fenced(&[lost.lease]).await.unwrap().is_none(), "the old lease is refused");
        assert!(catalogue.begin_fenced(&[taken.lease, lost.lease]).await.unwrap().is_none());

        let mut batch = catalogue.begin_fenced(&[taken.lease]).await.unwrap().unwrap();
        batch.end_shard(taken.lease, &7).await.unwrap();
        batch.commit().await.unwrap();
        assert!(catalogue.begin_fenced(&[taken.lease]).await.unwrap().is_none(), "it is done");
        let progress = catalogue.shard_progress(night).await.unwrap();
        assert_eq!(progress, ShardProgress { done: 1, leased: 6, waiting: 0 });
        assert_eq!(catalogue.close_shards::<u32>(night).await.unwrap(), [7]);
        assert!(catalogue.shard_progress(night).await.unwrap().is_done());
        assert!(catalogue.begin_fenced(&[rest[0].lease]).await.unwrap().is_none(), "the night is closed");
    }

    #[tokio::test]
    async fn a_night_that_is_planned_again_takes_all_shards_back() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let night = begun(&catalogue).await;
        let links: Vec<CheckedLink> = (0..7).map(checked).collect();
        catalogue.plan_shards(night, &links).await.unwrap();
        let process = catalogue.begin_lease("one", Worker, MINUTE).await.unwrap();
        let before = catalogue.lease_shards(process, None, 100).await.unwrap();
        catalogue.plan_shards(night, &links[..2]).await.unwrap();
        for shard in &before {
            assert!(catalogue.begin_fenced(&[shard.lease]).await.unwrap().is_none());
        }
        let after = catalogue.lease_shards(process, None, 100).await.unwrap();
        assert_eq!(after.len(), 2);
        catalogue.return_shards(process).await.unwrap();
        assert!(catalogue.begin_fenced(&[after[0].lease]).await.unwrap().is_none());
        assert_eq!(catalogue.lease_shards(process, None, 100).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn shards_of_finished_nights_are_removed_and_lost_workers_stay_counted() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let night = begun(&catalogue).await;
        let links: Vec<CheckedLink> = (0..7).map(checked).collect();
        catalogue.plan_shards(night, &links).await.unwrap();
        let lost = catalogue.begin_lease("lost", Worker, MINUTE).await.unwrap();
        catalogue.lease_shards(lost, None, 1).await.unwrap();
        catalogue.end_lease(lost).await.unwrap();
        let other = catalogue.begin_lease("other", Worker, MINUTE).await.unwrap();
        catalogue.lease_shards(other, None, 100).await.unwrap();
        catalogue.close_shards::<u32>(night).await.unwrap();
        let started: Timestamp = "2026-09-15T02:30:00Z".parse().unwrap();
        catalogue.apply(&[Entry::Night { started }]).await.unwrap();
        let next = catalogue.night(started).await.unwrap();
        let done = async || catalogue.shard_progress(night).await.unwrap().done;
        catalogue.plan_shards(next, &links).await.unwrap();
        assert_eq!(done().await, 7, "the night may be resumed");
        catalogue.apply(&[Entry::Finished { night: night.started, at: started, void: None }]).await.unwrap();
        catalogue.plan_shards(next, &links).await.unwrap();
        assert_eq!(done().await, 1);
        assert_eq!(catalogue.cluster_figures(Clock::system()).await.unwrap().unwrap().lost_leases, 1);
        assert_eq!(catalogue.shard_progress(next).await.unwrap().waiting, 7);
    }

    #[tokio::test]
    async fn the_visit_with_the_highest_fence_counts_in_any_order() {
        on_each_engine(async |catalogue| {
            let night = begun(&catalogue).await;
            let counts = async |entries: &[Entry]| {
                catalogue.apply(entries).await.unwrap();
                catalogue.visited(night.id).await.unwrap()[&checked(1).address].status.unwrap()
            };
            let visit = |status, fence| visit(night, &checked(1), status, fence);
            assert_eq!(counts(&[visit(200, 0), visit(201, 0)]).await, 200, "without workers the first");
            assert_eq!(counts(&[visit(202, 0)]).await, 200);
            assert_eq!(counts(&[visit(203, 2), visit(204, 1)]).await, 203, "in one batch");
            assert_eq!(counts(&[visit(205, 1)]).await, 203, "in a later batch");
            assert_eq!(counts(&[visit(206, 2), visit(207, 2)]).await, 207, "of one fence the last");
            assert_eq!(counts(&[visit(208, 2)]).await, 208);
        })
        .await;
    }
}
