//! The places at the desk. When all are taken, whoever has waited longest
//! without asking anything gives theirs up to the next who comes.
//!
//! So a crowd that opens connections and stays silent keeps nobody out, and
//! takes no more memory than there are places.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::serve::door::share::Share;

/// All places.
#[derive(Debug)]
pub(in crate::serve) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

/// Connections that we wait for, by when they began to keep us waiting.
#[derive(Debug, Default)]
struct Waiting {
    turn: u64,
    sent_away: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection.
#[derive(Debug)]
pub(in crate::serve) struct Place {
    places: Arc<Places>,
    /// Since when it keeps us waiting; nothing while it is answered.
    turn: Mutex<Option<u64>>,
    sent_away: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(in crate::serve) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(count)), waiting: Mutex::default() })
    }

    /// A place, as soon as one is free. `None` never comes: nobody closes the places.
    pub(in crate::serve) async fn take(self: &Arc<Self>) -> Option<Arc<Place>> {
        let free = Arc::clone(&self.free);
        let permit = match Arc::clone(&free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let longest = self.waiting().sent_away.pop_first();
                if let Some((_, sent_away)) = longest {
                    sent_away.notify_one();
                }
                free.acquire_owned().await.ok()?
            }
        };
        let place = Place {
            places: Arc::clone(self),
            turn: Mutex::default(),
            sent_away: Arc::default(),
            _permit: permit,
        };
        place.waits();
        Some(Arc::new(place))
    }

    /// Returns once all are free.
    pub(in crate::serve) async fn all_free(&self, count: usize) {
        let all = u32::try_from(count).unwrap_or(u32::MAX);
        // It is never closed; an error would say that nobody is there.
        let _ = self.free.acquire_many(all).await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Returns when the place is needed more by another.
    pub(in crate::serve) async fn is_needed(&self) {
        self.sent_away.notified().await;
    }

    /// A request came: it may stay until the answer is sent.
    pub(in crate::serve) fn is_answered(self: &Arc<Self>) -> Answered {
        self.forget();
        Answered(Arc::clone(self))
    }

    fn waits(&self) {
        let mut waiting = self.places.waiting();
        waiting.turn += 1;
        let turn = waiting.turn;
        waiting.sent_away.insert(turn, Arc::clone(&self.sent_away));
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
    }

    fn forget(&self) {
        // The two locks are never held together in this order.
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(turn) = turn {
            self.places.waiting().sent_away.remove(&turn);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.forget();
    }
}

/// As long as this is kept, its connection is being answered.
#[derive(Debug)]
pub(in crate::serve) struct Answered(Arc<Place>);

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.waits();
    }
}

/// The body of an answer, which keeps the place of its connection.
#[derive(Debug)]
pub(in crate::serve) struct Seated {
    body: Body,
    /// Nothing where a client was refused: such an answer keeps no place.
    _held: Option<(Answered, Share)>,
}

impl Seated {
    pub(in crate::serve) fn new(body: Body, held: Option<(Answered, Share)>) -> Self {
        Self { body, _held: held }
    }
}

impl HttpBody for Seated {
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
    async fn the_longest_silent_goes_first_and_the_answered_stay() {
        let places = Places::new(3);
        let silent = places.take().await.unwrap();
        let answered = places.take().await.unwrap();
        let later = places.take().await.unwrap();
        let kept = answered.is_answered();
        let next = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await.unwrap() }
        });
        silent.is_needed().await;
        drop(silent);
        let next = next.await.unwrap();
        drop(kept);
        assert_eq!(places.waiting().sent_away.len(), 3, "after its answer it waits behind the others");
        drop((answered, later, next));
        assert!(places.waiting().sent_away.is_empty());
        places.all_free(3).await;
    }
}
