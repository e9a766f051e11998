//! Word to the supervisor that started us, by the protocol of `sd_notify(3)`.
//!
//! Without a supervisor (no `NOTIFY_SOCKET`) all of it does nothing, so that a
//! container or a terminal needs no other way of starting.

use std::time::Duration;

use sd_notify::NotifyState;

/// The supervisor, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor {
    /// How often it wants to hear that we are alive; half of what it waits for.
    pub pulse: Option<Duration>,
}

impl Supervisor {
    pub fn find() -> Self {
        Self { pulse: sd_notify::watchdog_enabled().map(|patience| patience / 2) }
    }

    pub fn ready(&self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    pub fn status(&self, status: &str) {
        tell(&[NotifyState::Status(status)]);
    }

    /// Must be followed by [`Supervisor::ready`].
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    pub fn alive(&self) {
        if self.pulse.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

/// A supervisor that does not listen is no reason to stop working.
fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor does not take our word");
    }
}
