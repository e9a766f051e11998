//! Stores the visits of a worker, in batches: the blobs, then the journal lines and the rows
//! while the worker has the shards for certain.
//!
//! A visit that failed in a way that the network here can cause waits until the sentinels
//! answer. If they do not, it says nothing about its link and is not stored.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;

use super::lease::ProcessLease;
use super::totals::ShardTotals;
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::journal::{Entry, VisitedBy};
use crate::domain::verdict::breaker;
use crate::night::capture_select::{NewCapture, VisitResult};
use crate::night::full_text;
use crate::night::record;
use crate::night::sentinels;
use crate::world::World;
use crate::world::archive;
use crate::world::catalogue::{DocumentText, NightRef, ShardLease};
use crate::world::spool::SpooledBody;

/// The most visits that are stored at once.
const BATCH: usize = 128;
/// How long visits wait at most for an answer of the sentinels.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

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
            count = events.recv_many(&mut received, BATCH) => Some(count),
            () = world.clock.sleep(LONGEST_WAIT) => None,
        };
        let now = world.clock.instant();
        let clear = received.drain(..).filter_map(|event| doubtful.pass(event, now)).collect();
        store(clear, night, lease, world).await?;
        if count == Some(0) || doubtful.is_due(now) {
            let waiting = std::mem::take(&mut doubtful).events;
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

/// Visits that wait for the sentinels, and the ends of their shards.
#[derive(Default)]
struct Doubtful {
    events: Vec<ShardEvent>,
    since: Option<Instant>,
}

impl Doubtful {
    /// Returns the event unless it has to wait.
    fn pass(&mut self, event: ShardEvent, now: Instant) -> Option<ShardEvent> {
        let is_end = matches!(event, ShardEvent::Done(..));
        let waits = || self.events.iter().any(|waiting| waiting.lease() == event.lease());
        let must_wait = event.is_doubtful() || (is_end && waits());
        if !must_wait {
            return Some(event);
        }
        self.since.get_or_insert(now);
        self.events.push(event);
        None
    }

    fn is_due(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.duration_since(since) >= LONGEST_WAIT)
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
    let lock = Arc::new(world.batch_lock().await?);
    let ShardBatch { captures, texts, mut entries, ends } =
        ShardBatch::of(events, night, lease, world).await?;
    let (archive, held) = (world.archive.clone(), Arc::clone(&lock));
    let storing = tokio::task::spawn_blocking(move || {
        let _held = held;
        let (bodies, entries) = bodies_and_entries(captures);
        archive.store(&bodies)?;
        Ok::<_, archive::Error>(entries)
    });
    let mut lines = storing.await??;
    lines.append(&mut entries);
    let Some(mut batch) = world.catalogue.begin_fenced(&shards).await? else {
        anyhow::bail!("another worker has a shard of this one")
    };
    let (archive, held, now) = (world.archive.clone(), Arc::clone(&lock), world.clock.now());
    let appending = tokio::task::spawn_blocking(move || {
        let _held = held;
        archive.append(now, &lines)?;
        Ok::<_, archive::Error>(lines)
    });
    batch.enter(&appending.await??, &texts).await?;
    for (shard, totals) in ends {
        batch.end_shard(shard, &totals).await?;
    }
    Ok(batch.commit().await?)
}

/// What is stored together.
#[derive(Default)]
struct ShardBatch {
    captures: Vec<NewCaptureOf>,
    texts: Vec<DocumentText>,
    /// Older captures that were read again, then the visits.
    entries: Vec<Entry>,
    ends: HashMap<ShardLease, ShardTotals>,
}

/// A new capture of a link.
struct NewCaptureOf {
    link: Address,
    capture: NewCapture,
}

impl ShardBatch {
    async fn of(
        events: Vec<ShardEvent>,
        night: NightRef,
        lease: &ProcessLease,
        world: &World,
    ) -> anyhow::Result<Self> {
        let bodies: Vec<Digest> = events.iter().filter_map(new_body).collect();
        // Bytes that were taken down are not stored again from another address.
        let taken_down = world.catalogue.taken_down_among(&bodies).await?;
        let (mut batch, mut visits) = (Self::default(), Vec::new());
        for event in events {
            let (shard, visit) = match event {
                ShardEvent::Visited(shard, visit) => (shard, *visit),
                ShardEvent::Done(shard, totals) => {
                    batch.ends.insert(shard, totals);
                    continue;
                }
            };
            let VisitResult { link, evidence, baseline, new_fingerprint, new_capture, .. } = visit;
            if let Some(capture) = new_capture.filter(|it| !taken_down.contains(&it.body.body.sha256)) {
                let mut passages = capture.document.passages();
                let requisites = &capture.requisites;
                passages.extend(full_text::of_requisites(requisites, &world.archive, &world.reader).await?);
                batch.texts.push(DocumentText { sha256: capture.body.body.sha256, passages });
                batch.captures.push(NewCaptureOf { link: link.clone(), capture });
            }
            if let (Some(text), Some(sha256)) = (new_fingerprint, baseline) {
                batch.entries.push(Entry::Reread { link: link.clone(), sha256, text });
            }
            let by = Some(VisitedBy { worker: lease.name().to_owned(), fence: shard.fence });
            visits.push(Entry::Visit { night: night.started, link, evidence, by });
        }
        batch.entries.append(&mut visits);
        Ok(batch)
    }
}

/// The digest of the body of a new capture.
fn new_body(event: &ShardEvent) -> Option<Digest> {
    match event {
        ShardEvent::Visited(_, visit) => Some(visit.new_capture.as_ref()?.body.body.sha256),
        ShardEvent::Done(..) => None,
    }
}

fn bodies_and_entries(captures: Vec<NewCaptureOf>) -> (Vec<SpooledBody>, Vec<Entry>) {
    let (mut bodies, mut entries) = (Vec::new(), Vec::new());
    for NewCaptureOf { link, mut capture } in captures {
        if let Some(rendering) = &mut capture.rendering {
            bodies.append(&mut rendering.bodies);
        }
        let heads = capture.exchange.heads();
        let (body, kept) = record::stored(&link, capture);
        bodies.push(body);
        entries.push(Entry::Capture { kept: Box::new(kept), heads: Some(heads) });
    }
    (bodies, entries)
}
