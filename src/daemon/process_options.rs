//! What a process of the service is told when it starts, and its signals until it is ready.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;

use super::page_listener::PageListener;
use crate::domain::policy::service_role::ServiceRole;
use crate::night::workers::ProcessLease;
use crate::serve::Monitoring;
use crate::world::World;
use crate::world::clock::Clock;
use crate::world::signals::Signals;
use crate::world::systemd::ServiceManager;

/// The role of a process, and its address.
#[derive(Debug)]
pub struct ProcessOptions {
    pub role: ServiceRole,
    /// The address of the pages instead of that of the configuration.
    pub listen: Option<SocketAddr>,
    /// A socket for the pages that listens already.
    pub(super) page_listener: Option<PageListener>,
    /// For monitors of a process without pages.
    pub monitoring: Option<Monitoring>,
    pub(super) signals: Signals,
}

impl ProcessOptions {
    /// From now on signals are handled, and with this address a process without pages answers
    /// monitors.
    ///
    /// # Errors
    ///
    /// The address is in use, or the signal handlers cannot be installed.
    pub fn start(role: ServiceRole, listen: Option<SocketAddr>, clock: Clock) -> anyhow::Result<Self> {
        let monitoring = match listen.filter(|_| !role.serves_pages()) {
            Some(at) => Some(answer_monitors(role, at, clock)?),
            None => None,
        };
        let signals = Signals::listen().context("cannot install the signal handlers")?;
        Ok(Self { role, listen, page_listener: None, monitoring, signals })
    }

    /// The pages are served on this socket.
    #[must_use]
    pub fn with_listener(self, listener: PageListener) -> Self {
        Self { page_listener: Some(listener), ..self }
    }

    /// The result of work before the process is ready; `None` if a signal asked to stop before it
    /// was done. A request to read the configuration again is answered once the process is ready.
    pub async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.signals.stop() => {
                ServiceManager::find().stopping();
                if let Some(monitoring) = &self.monitoring {
                    monitoring.stop();
                }
                tracing::info!("stopping; this process had not begun its work");
                None
            }
            done = work => Some(done),
        }
    }

    /// Monitors learn what the process works with.
    pub(super) fn begin(&self, world: &World, lease: &ProcessLease) {
        if let Some(monitoring) = &self.monitoring {
            monitoring.begin(world.archive.clone(), world.catalogue.clone(), lease.requests());
        }
    }
}

/// Answers until the process ends.
fn answer_monitors(role: ServiceRole, at: SocketAddr, clock: Clock) -> anyhow::Result<Monitoring> {
    let listener = TcpListener::bind(at).with_context(|| {
        format!("cannot listen on {at}; give an address that is not in use with --listen")
    })?;
    listener.set_nonblocking(true)?;
    tracing::info!(at = %listener.local_addr()?, "listening for monitors");
    let monitoring = Monitoring::new(role, clock);
    tokio::spawn(monitoring.clone().serve(tokio::net::TcpListener::from_std(listener)?));
    Ok(monitoring)
}
