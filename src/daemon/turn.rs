//! One turn of the loop: what is due and what people ask for, and the waits for a database that is
//! away and for another scheduler that has taken over.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use super::due_runs::DueRuns;
use super::supervisor::Supervisor;
use super::{Daemon, StopRequested, complete, run_log, run_supervised};
use crate::night::workers::ProcessLease;
use crate::world::catalogue::{self, WaitingRecheck};

/// How often the catalogue is tried while its database is away.
const CATALOGUE_INTERVAL: Duration = Duration::from_secs(2);
/// The pause before a process whose lease is over asks whether it has another one.
const LEASE_INTERVAL: Duration = Duration::from_secs(1);

impl Daemon {
    /// Runs what is due, or waits.
    ///
    /// # Errors
    ///
    /// [`catalogue::Error::LeaseOver`] if another scheduler has taken over. Work in progress is
    /// dropped then, and that scheduler goes on with it.
    pub(super) async fn turn(&mut self) -> anyhow::Result<Option<StopRequested>> {
        let (due_runs, request) = self.next_runs().await?;
        Box::pin(self.run_due(due_runs, request)).await
    }

    /// Reads what people ask for and what is due.
    async fn next_runs(&mut self) -> anyhow::Result<(DueRuns, Option<WaitingRecheck>)> {
        self.take_requests().await?;
        if let Some(settings) = self.supervisor.take_new_settings() {
            self.apply_settings(settings).await;
        }
        Ok((self.due_runs().await?, self.next_recheck().await?))
    }

    async fn run_due(
        &mut self,
        due_runs: DueRuns,
        request: Option<WaitingRecheck>,
    ) -> anyhow::Result<Option<StopRequested>> {
        if !due_runs.nights.is_empty() {
            self.night(due_runs.nights_now(!self.world.crawl_budgets.is_empty())).await
        } else if !due_runs.rechecks.is_empty() {
            self.recheck(&due_runs.rechecks).await
        } else if let Some(request) = request {
            self.recheck_for_pages(request).await
        } else {
            self.wait(due_runs.wake).await
        }
    }

    /// Whether the database server is away, for example because it restarts. A file is not.
    pub(super) fn is_away(&self, error: &anyhow::Error) -> bool {
        let error = error.downcast_ref::<catalogue::Error>();
        self.world.catalogue.can_have_workers() && error.is_some_and(catalogue::Error::is_away)
    }

    pub(super) async fn wait_for_catalogue(
        &mut self,
        error: &anyhow::Error,
    ) -> anyhow::Result<Option<StopRequested>> {
        let error = run_log::one_line(error);
        tracing::warn!(%error, "the catalogue is away; the service goes on when it is back");
        self.supervisor.status("waiting for the database of the catalogue");
        let pause = self.world.clock.sleep(CATALOGUE_INTERVAL);
        let waited = run_supervised(&mut self.supervisor, pause).await?;
        Ok(waited.is_none().then_some(StopRequested))
    }

    /// Waits until the scheduler ends that has taken over, and completes what it left unfinished.
    pub(super) async fn wait_for_lease(&mut self) -> anyhow::Result<Option<StopRequested>> {
        let Some(lease) = self.supervisor.lease() else { return Ok(None) };
        self.supervisor.set_waiting(true);
        let (world, clock) = (&self.world, self.world.clock);
        let completed = async {
            clock.sleep(LEASE_INTERVAL).await;
            lease.held().await;
            complete(world).await
        };
        let completed = run_supervised(&mut self.supervisor, completed).await;
        self.supervisor.set_waiting(false);
        match completed? {
            None => return Ok(Some(StopRequested)),
            Some(Ok(server)) => self.server = server,
            Some(Err(error)) if self.is_away(&error) => self.server = None,
            Some(Err(error)) => return Err(error),
        }
        Ok(None)
    }
}

/// Whether another process may have the lease of this one.
pub(super) fn is_lease_over(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(catalogue::Error::LeaseOver))
}

/// Returns when another scheduler has taken over.
pub(super) async fn lost(lease: Option<&Arc<ProcessLease>>) {
    match lease {
        Some(lease) => lease.lost_to_another().await,
        None => pending().await,
    }
}

/// The result of some work; `None` if a signal asked to stop before it was done. The work is
/// dropped, with [`catalogue::Error::LeaseOver`], when another scheduler has taken over.
pub(super) async fn run_with_lease<T>(
    supervisor: &mut Supervisor,
    work: impl Future<Output = T>,
) -> anyhow::Result<Option<T>> {
    let lease = supervisor.lease();
    tokio::select! {
        biased;
        () = lost(lease.as_ref()) => Err(catalogue::Error::LeaseOver.into()),
        // The work is large, and this future is a part of others.
        ended = Box::pin(run_supervised(supervisor, work)) => ended,
    }
}
