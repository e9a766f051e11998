//! Limits login attempts, and the password hashes computed at the same time.
//!
//! The attempts are counted in memory, or in the catalogue if several processes can serve the pages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;

use crate::domain::policy::login_throttle::{Attempt, LoginThrottle, StoredCounts};
use crate::domain::policy::password::HashMemory;
use crate::world::catalogue::{self, Catalogue};

/// The most password hashes computed at the same time. Each uses as much memory as the hash requires.
const MAX_CONCURRENT_HASHES: usize = 2;

#[derive(Debug)]
pub(in crate::serve) struct LoginLimiter {
    throttle: Mutex<LoginThrottle>,
    /// Counts the attempts instead of the throttle here.
    shared: Option<Catalogue>,
    hashing: Arc<Semaphore>,
    /// The memory of the hashes that are not being computed. Memory given back to the
    /// allocator after each login would stay with the process.
    memory: Arc<Mutex<Vec<HashMemory>>>,
}

impl Default for LoginLimiter {
    fn default() -> Self {
        let hashing = Arc::new(Semaphore::new(MAX_CONCURRENT_HASHES));
        Self { throttle: Mutex::default(), shared: None, hashing, memory: Arc::default() }
    }
}

impl LoginLimiter {
    /// Counts together with the other processes of the catalogue, if it can have some.
    pub(in crate::serve) fn of_processes(catalogue: &Catalogue) -> Self {
        Self { shared: catalogue.can_have_workers().then(|| catalogue.clone()), ..Self::default() }
    }

    /// See [`LoginThrottle::admit`].
    pub(in crate::serve) async fn admit(
        &self,
        attempt: &Attempt<'_>,
        now: Timestamp,
    ) -> Result<Result<SignedDuration, SignedDuration>, catalogue::Error> {
        self.changed(attempt, now, |throttle| throttle.admit(attempt, now)).await
    }

    /// See [`LoginThrottle::record_success`].
    pub(in crate::serve) async fn record_success(
        &self,
        attempt: &Attempt<'_>,
        now: Timestamp,
    ) -> Result<(), catalogue::Error> {
        self.changed(attempt, now, |throttle| throttle.record_success(attempt)).await
    }

    async fn changed<T>(
        &self,
        attempt: &Attempt<'_>,
        now: Timestamp,
        change: impl FnOnce(&mut LoginThrottle) -> T,
    ) -> Result<T, catalogue::Error> {
        let Some(catalogue) = &self.shared else { return Ok(change(&mut self.throttle())) };
        let forgotten = LoginThrottle::forgotten_before(now);
        let of_stored = |stored: &StoredCounts| {
            let mut throttle = LoginThrottle::of_stored(attempt, stored);
            let result = change(&mut throttle);
            (result, throttle.stored(attempt))
        };
        catalogue.change_login_counts(&attempt.digests(), forgotten, of_stored).await
    }

    fn throttle(&self) -> MutexGuard<'_, LoginThrottle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Computes hashes with few others at a time. The work keeps its permit when
    /// the client disconnects, because it cannot be cancelled.
    pub(in crate::serve) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let permit = self.permit().await;
        let kept = Arc::clone(&self.memory);
        let work = move || {
            let _permit = permit;
            let pool = || kept.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = pool().pop().unwrap_or_default();
            let result = work(&mut memory);
            pool().push(memory);
            result
        };
        tokio::task::spawn_blocking(work).await
    }

    #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
    async fn permit(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.hashing).acquire_owned().await.expect("the semaphore is never closed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn the_work_of_a_disconnected_client_keeps_its_permit() {
        let limiter = Arc::new(LoginLimiter::default());
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let attempt = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            let work = move |_: &mut HashMemory| {
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
            };
            async move { limiter.run(work).await }
        });
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        attempt.abort();
        assert!(attempt.await.unwrap_err().is_cancelled());
        assert_eq!(limiter.hashing.available_permits(), MAX_CONCURRENT_HASHES - 1, "the work goes on");
        go_on.send(()).unwrap();
        let all = u32::try_from(MAX_CONCURRENT_HASHES).unwrap();
        assert!(limiter.hashing.acquire_many(all).await.is_ok(), "and ends");
    }
}
