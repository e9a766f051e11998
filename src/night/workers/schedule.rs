//! The scheduler's part: it divides a night into shards, and waits until workers have visited
//! their links.

use std::time::Duration;

use jiff::SignedDuration;

use super::totals::ShardTotals;
use crate::domain::address::Address;
use crate::domain::evidence::probe::CheckedLink;
use crate::night::crawl::{CrawlResults, Unstored};
use crate::night::progress::{Progress, Watcher};
use crate::night::record::RunningNight;
use crate::world::World;
use crate::world::catalogue::{self, ShardProgress};
use crate::world::fetch::Traffic;

/// How often the scheduler reads how far the workers are.
const INTERVAL: Duration = Duration::from_millis(500);
/// After this time the night ends with the links that are visited.
const LIMIT: SignedDuration = SignedDuration::from_hours(12);
/// After this time without a worker the log says so.
const WITHOUT_WORKER: Duration = Duration::from_mins(5);

/// Has every link visited that tonight has not visited yet.
///
/// # Errors
///
/// The catalogue cannot be used at the beginning or at the end. Meanwhile it may be away. If its
/// server was restarted or replaced, the error is [`catalogue::Error::ServerRestarted`]: the night
/// has to be resumed with what the journal has.
pub(in crate::night) async fn crawl(
    links: &[CheckedLink],
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<CrawlResults> {
    let known = world.catalogue.visited(night.row.id).await?;
    let left: Vec<CheckedLink> =
        links.iter().filter(|link| !known.contains_key(&link.address)).cloned().collect();
    let waiting: Vec<&Address> = left.iter().map(|link| &link.address).collect();
    watch(Progress::Links { count: links.len(), known: known.len(), waiting: &waiting });
    world.catalogue.plan_shards(night.row, &left).await?;
    wait(links.len(), night, world, watch).await?;
    let mut totals = ShardTotals::default();
    for shard in world.catalogue.close_shards::<ShardTotals>(night.row).await? {
        totals.add(shard);
    }
    let traffic = Traffic { requests: totals.requests, bytes: totals.bytes };
    world.fetch.add_counts(traffic, &totals.local_faults);
    Ok(CrawlResults {
        evidence: world.catalogue.visited(night.row.id).await?,
        unstored: Unstored {
            without_room: totals.without_room,
            over_quota: totals.over_quota,
            unopened: totals.unopened,
        },
    })
}

/// Returns when all shards are done, or at the limit.
async fn wait(
    links: usize,
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> Result<(), catalogue::Error> {
    let mut is_away = false;
    let mut without_worker = Some(world.clock.instant());
    loop {
        match progress(night, world).await {
            Ok((shards, visited)) => {
                is_away = false;
                watch(Progress::Links { count: links, known: visited, waiting: &[] });
                if shards.is_done() {
                    return Ok(());
                }
                if shards.leased > 0 {
                    without_worker = Some(world.clock.instant());
                }
            }
            Err(error @ catalogue::Error::ServerRestarted) => return Err(error),
            Err(error) => {
                if !is_away {
                    tracing::warn!(%error, "the catalogue is away; the night goes on when it is back");
                }
                is_away = true;
            }
        }
        if world.clock.now().duration_since(night.row.started) > LIMIT {
            tracing::error!(
                "the workers did not visit all links in 12 hours; the night ends without the rest"
            );
            return Ok(());
        }
        if without_worker.is_some_and(|since| world.clock.instant().duration_since(since) > WITHOUT_WORKER) {
            tracing::warn!(
                "no worker has visited links for 5 minutes; start one with `onreserve serve --role worker`"
            );
            without_worker = None;
        }
        world.clock.sleep(INTERVAL).await;
    }
}

async fn progress(night: &RunningNight, world: &World) -> Result<(ShardProgress, usize), catalogue::Error> {
    if world.catalogue.server_start().await? != night.server {
        return Err(catalogue::Error::ServerRestarted);
    }
    let shards = world.catalogue.shard_progress(night.row).await?;
    let visited = world.catalogue.visit_count(night.row).await?;
    Ok((shards, usize::try_from(visited).unwrap_or(usize::MAX)))
}
