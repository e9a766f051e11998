//! Limits the number of connections. When all slots are in use, the connection
//! that has been idle longest gives up its slot for the next one.
//!
//! So clients that open connections and send nothing cannot keep other clients out, and
//! the number of slots limits the memory. A new connection has a moment to send its first
//! request: when a whole class comes at once, the last ones must not close the first ones.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::serve::http::per_client_limit::ClientPermit;
use crate::world::clock::Clock;

/// A new connection keeps its slot for so long before its first request.
const TIME_FOR_FIRST_REQUEST: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(in crate::serve) struct ConnectionSlots {
    free: Arc<Semaphore>,
    clock: Clock,
    idle: Mutex<IdleConnections>,
    /// Wakes the next connection: another one has no request in progress.
    became_idle: Notify,
}

/// Connections without a request in progress, in the order in which they became idle.
#[derive(Debug, Default)]
struct IdleConnections {
    last_number: u64,
    connections: BTreeMap<u64, IdleConnection>,
}

#[derive(Debug)]
struct IdleConnection {
    eviction: Arc<Notify>,
    /// It keeps its slot until then.
    protected_until: Instant,
}

/// What has to happen before a connection gives up its slot.
enum NextEviction {
    /// It was asked to close.
    Asked,
    /// The first one may be asked after this time.
    After(Duration),
    /// All connections have requests in progress.
    AllBusy,
}

/// The slot of one connection.
#[derive(Debug)]
pub(in crate::serve) struct ConnectionSlot {
    slots: Arc<ConnectionSlots>,
    /// Its number among the idle connections; `None` while a request is in progress.
    idle_number: Mutex<Option<u64>>,
    eviction: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionSlots {
    pub(in crate::serve) fn new(count: usize, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count)),
            clock,
            idle: Mutex::default(),
            became_idle: Notify::new(),
        })
    }

    /// Waits for a free slot. If none is free, asks the connection that has been
    /// idle longest to close.
    pub(in crate::serve) async fn acquire(self: &Arc<Self>) -> Arc<ConnectionSlot> {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            match self.evict_next() {
                NextEviction::Asked => break self.wait_for_permit().await,
                NextEviction::After(time) => tokio::select! {
                    permit = self.wait_for_permit() => break permit,
                    () = self.clock.sleep(time) => {}
                },
                NextEviction::AllBusy => tokio::select! {
                    permit = self.wait_for_permit() => break permit,
                    () = self.became_idle.notified() => {}
                },
            }
        };
        let slot = ConnectionSlot {
            slots: Arc::clone(self),
            idle_number: Mutex::default(),
            eviction: Arc::default(),
            _permit: permit,
        };
        slot.mark_idle(TIME_FOR_FIRST_REQUEST);
        Arc::new(slot)
    }

    /// Asks the connection that has been idle longest to close, unless it is new.
    fn evict_next(&self) -> NextEviction {
        let now = self.clock.instant();
        let mut idle = self.idle();
        let unprotected = idle.connections.iter().find(|(_, idle)| idle.protected_until <= now);
        if let Some(number) = unprotected.map(|(number, _)| *number) {
            if let Some(idle) = idle.connections.remove(&number) {
                idle.eviction.notify_one();
            }
            return NextEviction::Asked;
        }
        let first = idle.connections.values().map(|idle| idle.protected_until).min();
        first.map_or(NextEviction::AllBusy, |until| NextEviction::After(until.duration_since(now)))
    }

    #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
    async fn wait_for_permit(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.free).acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Returns once all slots are free.
    pub(in crate::serve) async fn wait_until_free(&self, count: usize) {
        let all = u32::try_from(count).unwrap_or(u32::MAX);
        // The semaphore is never closed, so this cannot fail.
        let _ = self.free.acquire_many(all).await;
    }

    fn idle(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionSlot {
    /// Returns when another connection needs this slot.
    pub(in crate::serve) async fn evicted(&self) {
        self.eviction.notified().await;
    }

    /// Whether a request is in progress.
    pub(in crate::serve) fn is_busy(&self) -> bool {
        self.idle_number.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// A request begins. The connection is not closed for another one until the response is sent.
    pub(in crate::serve) fn mark_busy(self: &Arc<Self>) -> BusySlot {
        self.leave_idle();
        BusySlot(Arc::clone(self))
    }

    fn mark_idle(&self, protected_for: Duration) {
        let protected_until = self.slots.clock.instant() + protected_for;
        let mut idle = self.slots.idle();
        idle.last_number += 1;
        let number = idle.last_number;
        let eviction = Arc::clone(&self.eviction);
        idle.connections.insert(number, IdleConnection { eviction, protected_until });
        *self.idle_number.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
        drop(idle);
        self.slots.became_idle.notify_one();
    }

    fn leave_idle(&self) {
        // `mark_idle` takes the locks in the other order, so this one is
        // released before `idle` is locked.
        let number = self.idle_number.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(number) = number {
            self.slots.idle().connections.remove(&number);
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.leave_idle();
    }
}

/// Keeps a connection from being closed for another one while it exists.
#[derive(Debug)]
pub(in crate::serve) struct BusySlot(Arc<ConnectionSlot>);

impl Drop for BusySlot {
    fn drop(&mut self) {
        self.0.mark_idle(Duration::ZERO);
    }
}

/// A response body that keeps its connection busy until it is sent.
#[derive(Debug)]
pub(in crate::serve) struct SlotBody {
    body: Body,
    _busy: Option<BusySlot>,
    _permit: Option<ClientPermit>,
}

impl SlotBody {
    pub(in crate::serve) fn holding(body: Body, busy: BusySlot, permit: ClientPermit) -> Self {
        Self { body, _busy: Some(busy), _permit: Some(permit) }
    }

    /// For the refusal of a request, which has no slot.
    pub(in crate::serve) fn free(body: Body) -> Self {
        Self { body, _busy: None, _permit: None }
    }
}

impl HttpBody for SlotBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(slots: &Arc<ConnectionSlots>) -> tokio::task::JoinHandle<Arc<ConnectionSlot>> {
        let slots = Arc::clone(slots);
        tokio::spawn(async move { slots.acquire().await })
    }

    #[tokio::test]
    async fn the_longest_idle_connection_is_evicted_and_busy_ones_stay() {
        let slots = ConnectionSlots::new(3, Clock::system());
        let idle = slots.acquire().await;
        let busy = slots.acquire().await;
        let later = slots.acquire().await;
        let request = busy.mark_busy();
        let next = next(&slots);
        idle.evicted().await;
        drop(idle);
        let next = next.await.unwrap();
        drop(request);
        assert_eq!(slots.idle().connections.len(), 3, "after its response it is idle again");
        drop((busy, later, next));
        assert!(slots.idle().connections.is_empty());
        slots.wait_until_free(3).await;
    }

    #[tokio::test]
    async fn a_new_connection_has_time_for_its_first_request() {
        let slots = ConnectionSlots::new(2, Clock::system());
        let new = slots.acquire().await;
        let answered = slots.acquire().await;
        drop(answered.mark_busy());
        assert!(matches!(slots.evict_next(), NextEviction::Asked));
        answered.evicted().await;
        assert!(matches!(slots.evict_next(), NextEviction::After(_)), "the other one is new");
        let request = new.mark_busy();
        assert!(matches!(slots.evict_next(), NextEviction::AllBusy));
        drop(request);
    }

    #[tokio::test]
    async fn a_connection_that_becomes_idle_makes_room_for_one_that_waits() {
        let slots = ConnectionSlots::new(1, Clock::system());
        let busy = slots.acquire().await;
        let request = busy.mark_busy();
        let next = next(&slots);
        tokio::task::yield_now().await;
        drop(request);
        busy.evicted().await;
        drop(busy);
        next.await.unwrap();
    }
}
