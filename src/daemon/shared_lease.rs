//! The lease of a process that works beside others, and the task that renews it.

use std::future::pending;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::config;
use crate::domain::policy::service_role::ServiceRole;
use crate::night::workers::{LeaseTerms, ProcessLease};
use crate::world::World;
use crate::world::catalogue;

/// A lease that is renewed until this value is dropped.
pub(super) struct SharedLease {
    pub lease: Arc<ProcessLease>,
    /// Aborted with this value.
    renewals: JoinSet<catalogue::Error>,
}

impl SharedLease {
    /// Begins the lease. From now on the fetcher keeps the pace of all processes, if others may send
    /// requests.
    ///
    /// # Errors
    ///
    /// The catalogue or the fetch settings cannot be used.
    pub(super) async fn begin(
        role: ServiceRole,
        settings: &config::Configuration,
        world: &mut World,
    ) -> anyhow::Result<Self> {
        // In a directory a file lock admits one scheduler.
        let runs_nights = matches!(role, ServiceRole::All | ServiceRole::Scheduler);
        let is_only = runs_nights && world.archive.has_shared_journal();
        let terms = LeaseTerms { role, duration: settings.daemon.lease, is_only };
        let lease = ProcessLease::begin(world.catalogue.clone(), world.clock, terms).await?;
        let (mut renewals, kept) = (JoinSet::new(), Arc::clone(&lease));
        renewals.spawn(async move { kept.keep().await });
        if role != ServiceRole::All {
            world.set_shared_pace(Arc::clone(&lease) as _);
            world.renew_fetch(&settings.fetch)?;
        }
        Ok(Self { lease, renewals })
    }

    /// Returns why this program can have no lease any more.
    pub(super) async fn lost(&mut self) -> anyhow::Error {
        match self.renewals.join_next().await {
            Some(Ok(error)) => error.into(),
            Some(Err(panic)) => anyhow::Error::new(panic).context("the renewal of the lease panicked"),
            None => pending().await,
        }
    }

    /// Gives back all that the process holds.
    pub(super) async fn end(self) {
        if let Err(error) = self.lease.end().await {
            tracing::warn!(%error, "the lease of this process cannot be ended; it ends by itself");
        }
    }
}
