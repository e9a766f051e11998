//! Word to the supervisor that started us, by the protocol of `sd_notify(3)`.
//!
//! Without a supervisor (no `NOTIFY_SOCKET`) all of it does nothing, so that a
//! container or a terminal needs no other way of starting.

use std::time::Duration;

use sd_notify::NotifyState;

/// The supervisor, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct ServiceManager {
    /// How often it wants to hear that we are alive; half of what it waits for.
    pub watchdog_interval: Option<Duration>,
}

impl ServiceManager {
    pub fn find() -> Self {
        Self { watchdog_interval: sd_notify::watchdog_enabled().map(|patience| patience / 2) }
    }

    pub fn ready(&self, status: &str) {
        notify(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    pub fn status(&self, status: &str) {
        notify(&[NotifyState::Status(status)]);
    }

    /// Must be followed by [`ServiceManager::ready`].
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(_) => notify(&[NotifyState::Reloading]),
        }
    }

    pub fn stopping(&self) {
        notify(&[NotifyState::Stopping]);
    }

    pub fn ping_watchdog(&self) {
        if self.watchdog_interval.is_some() {
            notify(&[NotifyState::Watchdog]);
        }
    }
}

/// A supervisor that does not listen is no reason to stop working.
fn notify(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor does not take our word");
    }
}
