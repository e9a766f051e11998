//! Limits the number of connections. When all slots are in use, the connection
//! that has been idle longest gives up its slot for the next one.
//!
//! So clients that open connections and send nothing cannot keep other clients out, and
//! the number of slots limits the memory.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::serve::http::per_client_limit::ClientPermit;

#[derive(Debug)]
pub(in crate::serve) struct ConnectionSlots {
    free: Arc<Semaphore>,
    idle: Mutex<IdleConnections>,
}

/// Connections without a request in progress, in the order in which they became idle.
#[derive(Debug, Default)]
struct IdleConnections {
    last_number: u64,
    evictions: BTreeMap<u64, Arc<Notify>>,
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
    pub(in crate::serve) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(count)), idle: Mutex::default() })
    }

    /// Waits for a free slot. If none is free, asks the connection that has been
    /// idle longest to close.
    pub(in crate::serve) async fn acquire(self: &Arc<Self>) -> Arc<ConnectionSlot> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let longest_idle = self.idle().evictions.pop_first();
                if let Some((_, eviction)) = longest_idle {
                    eviction.notify_one();
                }
                self.wait_for_permit().await
            }
        };
        let slot = ConnectionSlot {
            slots: Arc::clone(self),
            idle_number: Mutex::default(),
            eviction: Arc::default(),
            _permit: permit,
        };
        slot.mark_idle();
        Arc::new(slot)
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

    /// A request begins. The connection is not closed for another one until the response is sent.
    pub(in crate::serve) fn mark_busy(self: &Arc<Self>) -> BusySlot {
        self.leave_idle();
        BusySlot(Arc::clone(self))
    }

    fn mark_idle(&self) {
        let mut idle = self.slots.idle();
        idle.last_number += 1;
        let number = idle.last_number;
        idle.evictions.insert(number, Arc::clone(&self.eviction));
        *self.idle_number.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
    }

    fn leave_idle(&self) {
        // `mark_idle` takes the locks in the other order, so this one is
        // released before `idle` is locked.
        let number = self.idle_number.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(number) = number {
            self.slots.idle().evictions.remove(&number);
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
        self.0.mark_idle();
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

    #[tokio::test]
    async fn the_longest_idle_connection_is_evicted_and_busy_ones_stay() {
        let slots = ConnectionSlots::new(3);
        let idle = slots.acquire().await;
        let busy = slots.acquire().await;
        let later = slots.acquire().await;
        let request = busy.mark_busy();
        let next = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { slots.acquire().await }
        });
        idle.evicted().await;
        drop(idle);
        let next = next.await.unwrap();
        drop(request);
        assert_eq!(slots.idle().evictions.len(), 3, "after its response it is idle again");
        drop((busy, later, next));
        assert!(slots.idle().evictions.is_empty());
        slots.wait_until_free(3).await;
    }
}
