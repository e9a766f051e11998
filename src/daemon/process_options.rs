//! What a process of the service is told when it starts.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;

use crate::domain::policy::service_role::ServiceRole;
use crate::night::workers::ProcessLease;
use crate::serve::Monitoring;
use crate::world::World;
use crate::world::clock::Clock;

/// The role of a process, and its address.
#[derive(Debug)]
pub struct ProcessOptions {
    pub role: ServiceRole,
    /// The address of the pages instead of that of the configuration.
    pub listen: Option<SocketAddr>,
    /// For monitors of a process without pages.
    pub monitoring: Option<Monitoring>,
}

impl ProcessOptions {
    /// With this address, a process without pages answers monitors from now on.
    ///
    /// # Errors
    ///
    /// The address is in use.
    pub fn start(role: ServiceRole, listen: Option<SocketAddr>, clock: Clock) -> anyhow::Result<Self> {
        let monitoring = match listen.filter(|_| !role.serves_pages()) {
            Some(at) => Some(answer_monitors(role, at, clock)?),
            None => None,
        };
        Ok(Self { role, listen, monitoring })
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
