//! The lease of a process that sends requests beside others, and the task that renews it.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::config;
use crate::night::workers::ProcessLease;
use crate::world::World;

/// A lease that is renewed until this value is dropped.
pub(super) struct SharedLease {
    pub lease: Arc<ProcessLease>,
    /// Aborted with this value.
    _renewals: JoinSet<()>,
}

impl SharedLease {
    /// Begins the lease. From now on the fetcher keeps the pace of all processes.
    ///
    /// # Errors
    ///
    /// The catalogue or the fetch settings cannot be used.
    pub(super) async fn begin(settings: &config::Configuration, world: &mut World) -> anyhow::Result<Self> {
        let lease = ProcessLease::begin(world.catalogue.clone(), world.clock, settings.daemon.lease).await?;
        let (mut renewals, kept) = (JoinSet::new(), Arc::clone(&lease));
        renewals.spawn(async move { kept.keep().await });
        world.set_shared_pace(Arc::clone(&lease) as _);
        world.renew_fetch(&settings.fetch)?;
        Ok(Self { lease, _renewals: renewals })
    }

    /// Gives back all that the process holds.
    pub(super) async fn end(self) {
        if let Err(error) = self.lease.end().await {
            tracing::warn!(%error, "the lease of this process cannot be ended; it ends by itself");
        }
    }
}
