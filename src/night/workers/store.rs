//! Stores the visits of a worker, in batches: the blobs, then the journal lines and the rows
//! while the worker has the shards for certain.
//!
//! A visit that failed in a way that the network here can cause waits until the sentinels
//! answer. If they do not, it says nothing about its link and is not stored. They are asked soon,
//! before a network that was cut for a moment is back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;

use super::lease::ProcessLease;
use super::totals::ShardTotals;
use crate::domain::journal::VisitedBy;
use crate::domain::verdict::breaker;
use crate::night::capture_select::VisitResult;
use crate::night::sentinels;
use crate::night::visit_batch::{BatchFiles, VisitBatch};
use crate::world::World;
use crate::world::archive;
use crate::world::catalogue::{NightRef, ShardLease};
use crate::world::recording;

/// The most visits that are stored at once.
const BATCH: usize = 128;
/// The time in which the visits of a batch gather: each batch waits for those of other workers,
/// and costs as many statements as a large one.
const GATHERING: Duration = Duration::from_millis(200);
/// The sentinels are asked about a failure once this time has passed since they were asked last.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// They are asked sooner if so many hosts have failed since.
const FAILED_HOSTS: usize = 3;

/// What happens in a shard, in its order.
#[derive(Debug)]
pub(super) enum ShardEvent {
    Visited(ShardLease, Box<VisitResult>),
    /// All its links are visited.
    Done(ShardLease, ShardTotals),
}

impl ShardEvent {
    fn lease(&self) -> ShardLease {
        match self {
            Self::Visited(lease, _) | Self::Done(lease, _) => *lease,
        }
    }

    /// The host of the visited link.
    fn host(&self) -> Option<&str> {
        match self {
            Self::Visited(_, visit) => Some(visit.link.host()),
            Self::Done(..) => None,
        }
    }

    /// Whether the network here can be the cause of a failure.
    fn is_doubtful(&self) -> bool {
        match self {
            Self::Visited(_, visit) => breaker::is_local_failure(&visit.evidence, &HashSet::new()),
            Self::Done(..) => false,
        }
    }
}

/// Stores visits as they end.
///
/// # Errors
///
/// The worker has lost a shard or its network, or the archive or the catalogue cannot be used.
pub(super) async fn each(
    mut events: Receiver<ShardEvent>,
    night: NightRef,
    lease: &ProcessLease,
    world: &World,
) -> anyhow::Result<()> {
    let mut doubtful = Doubtful::default();
    let mut received = Vec::with_capacity(BATCH);
    loop {
        let count = tokio::select! {
            count = gathered(&mut events, &mut received, world) => Some(count),
            () = world.clock.sleep(LONGEST_WAIT) => None,
        };
        let now = world.clock.instant();
        let clear = received.drain(..).filter_map(|event| doubtful.pass(event)).collect();
        store(clear, night, lease, world).await?;
        if count == Some(0) || doubtful.is_due(now) {
            let waiting = doubtful.take(now);
            if !waiting.is_empty() && sentinels::ask(world).await?.most_failed() {
                anyhow::bail!("the network of this machine does not work: the sentinels do not answer");
            }
            store(waiting, night, lease, world).await?;
        }
        if count == Some(0) {
            return Ok(());
        }
    }
}

/// Receives the events of a batch, and returns their number; 0 after the last one.
async fn gathered(events: &mut Receiver<ShardEvent>, received: &mut Vec<ShardEvent>, world: &World) -> usize {
    let gathers_until = world.clock.sleep(GATHERING);
    let mut count = events.recv_many(received, BATCH).await;
    if count == 0 {
        return 0;
    }
    tokio::pin!(gathers_until);
    while count < BATCH {
        tokio::select! {
            more = events.recv_many(received, BATCH - count) => match more {
                0 => break,
                more => count += more,
            },
            () = &mut gathers_until => break,
        }
    }
    count
}

/// Visits that wait for the sentinels, and the ends of their shards.
#[derive(Default)]
struct Doubtful {
    events: Vec<ShardEvent>,
    /// When the sentinels were asked last.
    asked: Option<Instant>,
}

impl Doubtful {
    /// Returns the event unless it has to wait.
    fn pass(&mut self, event: ShardEvent) -> Option<ShardEvent> {
        let is_end = matches!(event, ShardEvent::Done(..));
        let waits = || self.events.iter().any(|waiting| waiting.lease() == event.lease());
        let must_wait = event.is_doubtful() || (is_end && waits());
        if !must_wait {
            return Some(event);
        }
        self.events.push(event);
        None
    }

    fn is_due(&self, now: Instant) -> bool {
        let hosts = || self.events.iter().filter_map(ShardEvent::host).collect::<HashSet<_>>().len();
        let is_long_ago = self.asked.is_none_or(|asked| now.duration_since(asked) >= LONGEST_WAIT);
        !self.events.is_empty() && (is_long_ago || hosts() >= FAILED_HOSTS)
    }

    /// Takes all, because the sentinels are asked now.
    fn take(&mut self, now: Instant) -> Vec<ShardEvent> {
        self.asked = Some(now);
        std::mem::take(&mut self.events)
    }
}

/// Stores visits and ends of shards together.
async fn store(
    events: Vec<ShardEvent>,
    night: NightRef,
    lease: &ProcessLease,
    world: &World,
) -> anyhow::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let shards: HashSet<ShardLease> = events.iter().map(ShardEvent::lease).collect();
    let shards: Vec<ShardLease> = shards.into_iter().collect();
    // A thread that goes on after the worker has given up keeps the lock.
    let permit = Arc::new(world.batch_permit().await?);
    let (mut visits, mut ends) = (Vec::new(), HashMap::new());
    for event in events {
        match event {
            ShardEvent::Visited(shard, visit) => {
                let by = VisitedBy { worker: lease.name().to_owned(), fence: shard.fence };
                visits.push((*visit, Some(by)));
            }
            ShardEvent::Done(shard, totals) => {
                ends.insert(shard, totals);
            }
        }
    }
    let count = visits.len();
    let batch = VisitBatch::of(visits, night, world, |_| ()).await?;
    let (archive, held) = (world.archive.clone(), Arc::clone(&permit));
    let storing = tokio::task::spawn_blocking(move || {
        let _held = held;
        let files = batch.into_files();
        archive.store(&files.bodies)?;
        Ok::<_, archive::Error>(files)
    });
    let BatchFiles { entries, texts, bodies: _ } = storing.await??;
    let writer = world.journal_writer(world.clock.now());
    recording::settle(writer).await?;
    let Some(mut batch) = world.catalogue.begin_fenced(&shards).await? else {
        anyhow::bail!("another worker has a shard of this one")
    };
    if let Some(turn) = permit.turn()
        && !batch.is_turn_of_workers(turn).await?
    {
        anyhow::bail!("another process has changed the copies meanwhile")
    }
    let (entries, _) = writer.append(&mut batch, entries, Arc::clone(&permit)).await?;
    batch.enter(&entries, &texts).await?;
    for (shard, totals) in ends {
        batch.end_shard(shard, &totals).await?;
    }
    batch.commit().await?;
    lease.count_visits(count);
    Ok(())
}
