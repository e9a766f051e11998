//! Notifications to the service manager (`sd_notify(3)`).
//!
//! Without a service manager (no `NOTIFY_SOCKET`) they do nothing, so the service
//! also runs in a container or a terminal.

use std::fmt::Write as _;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sd_notify::NotifyState;

/// A service manager that reads nothing for so long misses what a later message says again.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same for what is said once, and for which the service manager waits.
const LONG_PATIENCE: Duration = Duration::from_secs(30);

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
        notify(&[NotifyState::Ready, NotifyState::Status(status)], LONG_PATIENCE);
    }

    pub fn status(&self, status: &str) {
        notify(&[NotifyState::Status(status)], PATIENCE);
    }

    /// Must be followed by [`ServiceManager::ready`].
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now], LONG_PATIENCE),
            Err(_) => notify(&[NotifyState::Reloading], LONG_PATIENCE),
        }
    }

    pub fn stopping(&self) {
        notify(&[NotifyState::Stopping], PATIENCE);
    }

    pub fn ping_watchdog(&self) {
        if self.watchdog_interval.is_some() {
            notify(&[NotifyState::Watchdog], PATIENCE);
        }
    }
}

/// A failed notification does not stop the work.
fn notify(states: &[NotifyState], patience: Duration) {
    match send(states, patience) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            tracing::warn!(
                "the service manager does not read its notifications, so it missed one; look at its log"
            );
        }
        Err(error) => {
            tracing::warn!(%error, "the service manager cannot be notified; check NOTIFY_SOCKET");
        }
    }
}

/// As [`sd_notify::notify`], which would wait without end while the service manager reads nothing.
fn send(states: &[NotifyState], patience: Duration) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let mut message = String::new();
    for state in states {
        writeln!(message, "{state}").map_err(io::Error::other)?;
    }
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    socket.set_write_timeout(Some(patience))?;
    socket.send(message.as_bytes()).map(drop)
}
