//! One turn of the loop: what is due and what people ask for, and the wait for a database that is
//! away.

use std::time::Duration;

use super::due_runs::DueRuns;
use super::{Daemon, StopRequested, run_log, run_supervised};
use crate::world::catalogue::{self, WaitingRecheck};

/// How often the catalogue is tried while its database is away.
const CATALOGUE_INTERVAL: Duration = Duration::from_secs(2);

impl Daemon {
    /// Reads what people ask for and what is due.
    pub(super) async fn next_runs(&mut self) -> anyhow::Result<(DueRuns, Option<WaitingRecheck>)> {
        self.take_requests().await?;
        if let Some(settings) = self.supervisor.take_new_settings() {
            self.apply_settings(settings).await;
        }
        Ok((self.due_runs().await?, self.next_recheck().await?))
    }

    /// Runs what is due, or waits.
    pub(super) async fn run_due(
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
}
