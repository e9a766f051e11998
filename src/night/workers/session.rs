//! The worker's part: it leases shards and visits their links until no shard is left.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

use super::lease::ProcessLease;
use super::store::{self, ShardEvent};
use super::totals::ShardTotals;
use crate::domain::evidence::probe::CheckedLink;
use crate::night::crawl::{self, VisitPurpose, WAITING_TO_BE_WRITTEN};
use crate::night::execute::Shared;
use crate::night::storage::StorageTonight;
use crate::world::World;
use crate::world::catalogue::{self, LeasedShard, NightRef};

/// How often a worker with room for more shards asks for some when there were none.
const INTERVAL: Duration = Duration::from_secs(1);

/// A night in which this worker visits links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerSession {
    pub night: NightRef,
    /// The shards that it visited to the end.
    pub shards: usize,
}

/// The visits of one worker in one night.
struct NightWork<'a> {
    night: NightRef,
    lease: &'a ProcessLease,
    world: &'a World,
    shared: Shared,
    /// What the ends of shards have told so far.
    told: Mutex<ShardTotals>,
}

/// Leases shards and visits their links until there are no more. `None` if there are none now.
///
/// `begin` is called before the first visit of a night.
///
/// # Errors
///
/// The worker has lost its lease or its network, or the archive or the catalogue cannot be
/// used. Its shards must be given back with another lease; others visit what is left.
pub async fn work(
    lease: &ProcessLease,
    world: &mut World,
    begin: impl FnOnce(NightRef, &mut World) -> anyhow::Result<()>,
) -> anyhow::Result<Option<WorkerSession>> {
    let process = lease.process();
    let first = world.catalogue.lease_shards(process, None, 1).await?;
    let Some(night) = first.first().map(|shard| shard.night) else { return Ok(None) };
    begin(night, world)?;
    let shared = Shared::with_storage(StorageTonight::read(world).await?);
    let work = NightWork { night, lease, world, shared, told: Mutex::default() };
    *work.told() = work.counted();
    let (sender, receiver) = mpsc::channel(WAITING_TO_BE_WRITTEN);
    let visited = async {
        tokio::try_join!(work.visit_shards(first, sender), store::each(receiver, night, lease, work.world))
    };
    tokio::select! {
        visited = visited => Ok(Some(WorkerSession { night, shards: visited?.0 })),
        () = lease.replaced(process) => anyhow::bail!("the lease of this worker was over for a moment"),
    }
}

impl NightWork<'_> {
    /// Visits shards, as many at the same time as hosts. Returns their number.
    ///
    /// Shards are leased beside the visits: these hold connections to the catalogue, for which a
    /// lease would wait for ever if they did not go on.
    async fn visit_shards(
        &self,
        first: Vec<LeasedShard>,
        sender: mpsc::Sender<ShardEvent>,
    ) -> anyhow::Result<usize> {
        let most = self.world.hosts_at_once.max(1);
        let mut running: FuturesUnordered<_> =
            first.into_iter().map(|shard| self.visit(shard, sender.clone())).collect();
        let mut leasing = Box::pin(self.lease_shard(Duration::ZERO));
        let mut count = 0;
        loop {
            tokio::select! {
                leased = &mut leasing, if running.len() < most => {
                    let leased = leased?;
                    if leased.is_empty() && running.is_empty() {
                        return Ok(count);
                    }
                    let pause = if leased.is_empty() { INTERVAL } else { Duration::ZERO };
                    running.extend(leased.into_iter().map(|shard| self.visit(shard, sender.clone())));
                    leasing.set(self.lease_shard(pause));
                }
                Some(ended) = running.next() => {
                    ended?;
                    count += 1;
                }
            }
        }
    }

    /// Leases a shard after a pause; one by one, so that several workers share the shards of a small
    /// night.
    async fn lease_shard(&self, pause: Duration) -> Result<Vec<LeasedShard>, catalogue::Error> {
        self.world.clock.sleep(pause).await;
        self.world.catalogue.lease_shards(self.lease.process(), Some(self.night), 1).await
    }

    async fn visit(&self, shard: LeasedShard, sender: mpsc::Sender<ShardEvent>) -> anyhow::Result<()> {
        let LeasedShard { lease, links, .. } = shard;
        let (results, mut received) = mpsc::channel(1);
        let links: Vec<&CheckedLink> = links.iter().collect();
        let visits = crawl::visit_each(&links, VisitPurpose::Capture, &self.shared, self.world, results);
        let passed_on = async {
            while let Some(visit) = received.recv().await {
                // The receiver ends early only with an error, which it returns itself.
                let _ = sender.send(ShardEvent::Visited(lease, Box::new(visit))).await;
            }
            Ok(())
        };
        // The crawl is large.
        Box::pin(async { tokio::try_join!(visits, passed_on) }).await?;
        let _ = sender.send(ShardEvent::Done(lease, self.new_totals())).await;
        Ok(())
    }

    fn told(&self) -> std::sync::MutexGuard<'_, ShardTotals> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted since the end of the shard before.
    fn new_totals(&self) -> ShardTotals {
        let mut told = self.told();
        let all = self.counted();
        let new = all.clone().since(&told);
        *told = all;
        new
    }

    fn counted(&self) -> ShardTotals {
        let traffic = self.world.fetch.traffic();
        let unopened = self.shared.unopened.lock().unwrap_or_else(PoisonError::into_inner);
        ShardTotals {
            requests: traffic.requests,
            bytes: traffic.bytes,
            local_faults: self.world.fetch.local_faults(),
            without_room: self.shared.without_room.load(Ordering::Relaxed),
            over_quota: self.shared.over_quota.load(Ordering::Relaxed),
            unopened: unopened.clone(),
        }
    }
}
