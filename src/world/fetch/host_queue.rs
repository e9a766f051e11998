//! One queue per host: one request at a time, with pauses between, until the host asks to stop.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::FetchSettings;
use super::shared_pace::{PacedRequest, SharedPace, SharedTurn, Taken};
use crate::domain::policy::politeness::{self, HostAction, HostPace, PaceSignal};
use crate::domain::visit::Hop;
use crate::world::clock::Clock;

pub(super) struct HostQueues {
    clock: Clock,
    delay: Duration,
    host_delays: HashMap<String, Duration>,
    max_retry_after: Duration,
    paces: Mutex<HashMap<String, Arc<tokio::sync::Mutex<HostPace>>>>,
    stopped: Mutex<HashSet<String>>,
    /// Set if other processes request the hosts too.
    shared: Option<Arc<dyn SharedPace>>,
}

/// The right to make one request to a host, held until its body is read.
pub(super) struct HostTurn {
    pace: OwnedMutexGuard<HostPace>,
    clock: Clock,
    requested: bool,
    shared: Option<Box<dyn SharedTurn>>,
}

/// Why a request is not sent now, if other processes request its host too.
pub(super) enum NotTaken {
    Later(Duration),
    Stopped,
    Failed(String),
}

/// The host gets no more requests tonight.
#[derive(Debug)]
pub(super) struct HostStopped;

impl HostQueues {
    pub(super) fn new(settings: &FetchSettings, clock: Clock) -> Self {
        Self {
            clock,
            delay: settings.delay,
            host_delays: settings
                .host_delays
                .iter()
                .map(|(host, delay)| (host.to_ascii_lowercase(), *delay))
                .collect(),
            max_retry_after: settings.limits.max_retry_after,
            paces: Mutex::default(),
            stopped: Mutex::default(),
            shared: None,
        }
    }

    /// Keeps the pace together with other processes.
    pub(super) fn share(&mut self, pace: Option<Arc<dyn SharedPace>>) {
        self.shared = pace;
    }

    /// Waits for a turn at `host`, first come, first served. The caller keeps the pause
    /// with [`Self::wait_for_delay`].
    pub(super) async fn acquire(&self, host: &str) -> Result<HostTurn, HostStopped> {
        self.check_not_stopped(host)?;
        let queue = lock(&self.paces).entry(host.to_owned()).or_insert_with(|| self.new_pace(host)).clone();
        let pace = queue.lock_owned().await;
        self.check_not_stopped(host)?;
        Ok(HostTurn { pace, clock: self.clock, requested: false, shared: None })
    }

    fn new_pace(&self, host: &str) -> Arc<tokio::sync::Mutex<HostPace>> {
        let delay = self.host_delays.get(host).copied().unwrap_or(self.delay);
        Arc::new(tokio::sync::Mutex::new(HostPace::new(delay)))
    }

    /// Waits until the host may get another request.
    pub(super) async fn wait_for_delay(&self, turn: &HostTurn, host: &str) -> Result<(), HostStopped> {
        if let Some(at) = turn.pace.next_allowed() {
            let wait = at.saturating_duration_since(self.clock.instant());
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
            }
        }
        self.check_not_stopped(host)
    }

    /// Takes the host among all processes; `None` if the request may be sent.
    pub(super) async fn take_shared(
        &self,
        turn: &mut HostTurn,
        host: &str,
        time: Duration,
    ) -> Option<NotTaken> {
        let shared = self.shared.as_ref()?;
        match shared.take(PacedRequest { host, pause: turn.pace.delay(), time }).await {
            Taken::Turn(taken) => {
                turn.shared = Some(taken);
                None
            }
            Taken::Later(later) => Some(NotTaken::Later(later)),
            Taken::Stopped => {
                lock(&self.stopped).insert(host.to_ascii_lowercase());
                Some(NotTaken::Stopped)
            }
            Taken::Failed(why) => Some(NotTaken::Failed(why)),
        }
    }

    /// Adapts the pace to a response.
    pub(super) fn record_response(&self, turn: &mut HostTurn, hop: &Hop) -> HostAction {
        let header = |name: &str| hop.headers.get(name);
        let signal = PaceSignal {
            status: hop.status,
            retry_after: header("retry-after")
                .and_then(|value| politeness::retry_after(value, self.clock.now())),
            challenge: politeness::is_challenge(header),
        };
        let order = turn.pace.record_response(signal, self.clock.instant(), self.max_retry_after);
        if order == HostAction::Stop {
            tracing::info!(
                host = hop.address.host(),
                status = hop.status,
                "the host refuses or throttles requests; it gets no more tonight"
            );
            self.stop(hop.address.host());
        }
        order
    }

    pub(super) fn stop(&self, host: &str) {
        let host = host.to_ascii_lowercase();
        if let Some(shared) = &self.shared {
            shared.stop(&host);
        }
        lock(&self.stopped).insert(host);
    }

    fn check_not_stopped(&self, host: &str) -> Result<(), HostStopped> {
        if lock(&self.stopped).contains(host) { Err(HostStopped) } else { Ok(()) }
    }
}

impl HostTurn {
    /// The request counts for the pace, whatever its result.
    pub(super) fn mark_requested(&mut self) {
        self.requested = true;
    }

    pub(super) fn slow_down(&mut self, crawl_delay: Duration) {
        self.pace.slow_down(crawl_delay);
    }
}

impl Drop for HostTurn {
    fn drop(&mut self) {
        let now = self.clock.instant();
        if self.requested {
            self.pace.finished(now);
        }
        if let Some(shared) = self.shared.take() {
            let next = self.pace.next_allowed().filter(|_| self.requested);
            shared.end(next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now)));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
