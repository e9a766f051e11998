//! Notifications to the service manager (`sd_notify(3)`).
//!
//! Without a service manager (no `NOTIFY_SOCKET`) they do nothing, so the service
//! also runs in a container or a terminal.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service manager, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct ServiceManager {
    /// How often to notify the watchdog: half of its timeout.
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

/// A failed notification does not stop the work.
fn notify(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be notified; check NOTIFY_SOCKET");
    }
}
