//! One lane per host: one request at a time, with pauses between, until the host says stop.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::Settings;
use crate::domain::policy::pace::{self, Order, Pace, Signal};
use crate::domain::visit::Hop;
use crate::world::clock::Clock;

pub(super) struct Lanes {
    clock: Clock,
    delay: Duration,
    host_delays: HashMap<String, Duration>,
    patience: Duration,
    paces: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Pace>>>>,
    stopped: Mutex<HashSet<String>>,
}

/// The right to make one request to a host, held until its body is read.
pub(super) struct Turn {
    pace: OwnedMutexGuard<Pace>,
    clock: Clock,
    asked: bool,
}

/// The host is left alone tonight.
#[derive(Debug)]
pub(super) struct Stopped;

impl Lanes {
    pub(super) fn new(settings: &Settings, clock: Clock) -> Self {
        Self {
            clock,
            delay: settings.delay,
            host_delays: settings
                .host_delays
                .iter()
                .map(|(host, delay)| (host.to_ascii_lowercase(), *delay))
                .collect(),
            patience: settings.limits.patience,
            paces: Mutex::default(),
            stopped: Mutex::default(),
        }
    }

    /// Queues for a turn at `host`; those who come first are served first.
    /// The pause is still to be kept, with [`Self::keep_distance`].
    pub(super) async fn enter(&self, host: &str) -> Result<Turn, Stopped> {
        self.passable(host)?;
        let lane = lock(&self.paces).entry(host.to_owned()).or_insert_with(|| self.lane(host)).clone();
        let pace = lane.lock_owned().await;
        self.passable(host)?;
        Ok(Turn { pace, clock: self.clock, asked: false })
    }

    fn lane(&self, host: &str) -> Arc<tokio::sync::Mutex<Pace>> {
        let delay = self.host_delays.get(host).copied().unwrap_or(self.delay);
        Arc::new(tokio::sync::Mutex::new(Pace::new(delay)))
    }

    /// Waits until the host may be asked again.
    pub(super) async fn keep_distance(&self, turn: &Turn, host: &str) -> Result<(), Stopped> {
        if let Some(at) = turn.pace.next_allowed() {
            let wait = at.saturating_duration_since(self.clock.instant());
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
            }
        }
        self.passable(host)
    }

    /// Takes note of what a response says about pace.
    pub(super) fn hear(&self, turn: &mut Turn, hop: &Hop) -> Order {
        let header = |name: &str| hop.headers.get(name);
        let signal = Signal {
            status: hop.status,
            retry_after: header("retry-after").and_then(|value| pace::retry_after(value, self.clock.now())),
            challenge: pace::is_challenge(header),
        };
        let order = turn.pace.heard(signal, self.clock.instant(), self.patience);
        if order == Order::Stop {
            tracing::info!(host = hop.address.host(), status = hop.status, "left alone for the night");
            self.stop(hop.address.host());
        }
        order
    }

    pub(super) fn stop(&self, host: &str) {
        lock(&self.stopped).insert(host.to_ascii_lowercase());
    }

    fn passable(&self, host: &str) -> Result<(), Stopped> {
        if lock(&self.stopped).contains(host) { Err(Stopped) } else { Ok(()) }
    }
}

impl Turn {
    /// From now on the host has been asked, whatever comes of it.
    pub(super) fn asking(&mut self) {
        self.asked = true;
    }

    pub(super) fn slow_down(&mut self, crawl_delay: Duration) {
        self.pace.slow_down(crawl_delay);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.asked {
            self.pace.finished(self.clock.instant());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
