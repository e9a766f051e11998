//! Supervision of the work: while it runs, signals are answered, the watchdog of
//! the service manager is notified, and a background task that fails is noticed.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::ProcessOptions;
use super::run_log;
use super::services::Services;
use super::shared_lease::SharedLease;
use crate::config;
use crate::domain::policy::service_role::ServiceRole;
use crate::night::workers::ProcessLease;
use crate::serve::Monitoring;
use crate::world::archive::ArchivePlace;
use crate::world::catalogue::PostgresUrl;
use crate::world::clock::Clock;
use crate::world::signals::{OperatorSignal, Signals};
use crate::world::systemd::ServiceManager;

/// How often the loop wakes where the service manager has no watchdog.
const WITHOUT_WATCHDOG: Duration = Duration::from_mins(1);

/// How long the tasks may take to end after the stop signal. The service manager waits longer.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for a web process, whose open answers may be long. The pages have their own limit.
const STOP_TIMEOUT_OF_PAGES: Duration = Duration::from_secs(25);

const REFUSED: &str = "the new configuration has an error and is not used; the old one stays in force";

/// Why [`Supervisor::supervise`] returned.
#[derive(Debug)]
pub(super) enum WorkOutcome<T> {
    Done(T),
    /// The configuration was read again, with or without success; the work
    /// continues when it is supervised again.
    Reloaded,
    Stop,
}

pub(super) struct Supervisor {
    file: PathBuf,
    archive: ArchivePlace,
    catalogue: Option<PostgresUrl>,
    clock: Clock,
    signals: Signals,
    service_manager: ServiceManager,
    pub(super) services: Services,
    /// The lease of a process beside others.
    shared: Option<SharedLease>,
    /// Monitors learn when the process stops.
    monitoring: Option<Monitoring>,
    /// A valid configuration that is not in force yet.
    read: Option<config::Configuration>,
    /// The configuration on the disk has an error.
    is_refused: bool,
}

impl Supervisor {
    pub(super) fn new(
        file: &Path,
        settings: &config::Configuration,
        clock: Clock,
        services: Services,
        options: ProcessOptions,
    ) -> Self {
        Self {
            shared: None,
            monitoring: options.monitoring,
            file: file.to_owned(),
            archive: settings.archive_place(),
            catalogue: settings.catalogue.clone(),
            clock,
            signals: options.signals,
            service_manager: ServiceManager::find(),
            services,
            read: None,
            is_refused: false,
        }
    }

    /// The process has this lease, which ends when it stops.
    #[must_use]
    pub(super) fn with_lease(self, shared: Option<SharedLease>) -> Self {
        Self { shared, ..self }
    }

    /// The lease of a process beside others.
    pub(super) fn lease(&self) -> Option<Arc<ProcessLease>> {
        self.shared.as_ref().map(|shared| Arc::clone(&shared.lease))
    }

    pub(super) fn ready(&self, status: &str) {
        self.service_manager.ready(status);
    }

    pub(super) fn status(&self, status: &str) {
        if self.is_refused {
            self.service_manager.status(&format!("{status}; {REFUSED}"));
        } else {
            self.service_manager.status(status);
        }
    }

    /// Says whether the process waits until the scheduler ends that has taken over from it.
    pub(super) fn set_waiting(&self, is_waiting: bool) {
        if is_waiting {
            self.status("waiting until the other scheduler ends");
        }
        if let Some(monitoring) = &self.monitoring {
            monitoring.set_waiting(is_waiting);
        }
    }

    /// Runs the work until it is done, or until a signal needs an answer first.
    ///
    /// # Errors
    ///
    /// A background task ended early, or a newer version has changed the catalogue.
    pub(super) async fn supervise<F: Future + Unpin>(
        &mut self,
        work: &mut F,
    ) -> anyhow::Result<WorkOutcome<F::Output>> {
        loop {
            // Before each wait: work that ends as often as the watchdog is due
            // would otherwise skip every notification.
            self.service_manager.ping_watchdog();
            tokio::select! {
                biased;
                call = self.signals.next() => match call {
                    OperatorSignal::Stop => return Ok(WorkOutcome::Stop),
                    OperatorSignal::Reload => {
                        self.reload();
                        return Ok(WorkOutcome::Reloaded);
                    }
                },
                early = self.services.tasks.ended() => return Err(early),
                early = lost(self.shared.as_mut()) => return Err(early),
                done = &mut *work => return Ok(WorkOutcome::Done(done)),
                () = self.clock.sleep(self.service_manager.watchdog_interval.unwrap_or(WITHOUT_WATCHDOG)) => {}
            }
        }
    }

    /// The configuration that was read since the last call.
    pub(super) fn take_new_settings(&mut self) -> Option<config::Configuration> {
        self.read.take()
    }

    /// Whether the configuration on the disk has an error, so that the old one stays in force.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Reads the configuration again. One with an error is logged, and nothing changes.
    pub(super) fn reload(&mut self) {
        self.service_manager.reloading();
        let read = config::read(&self.file).and_then(|settings| settings.only(None, &self.file));
        let status = match read {
            Ok(settings) if settings.archive_place() != self.archive => {
                tracing::error!(
                    "the place of the archive cannot change while the service runs, so the old configuration stays in force; restart the service to change it"
                );
                REFUSED
            }
            Ok(settings) if settings.catalogue != self.catalogue => {
                tracing::error!(
                    "[catalogue] cannot change while the service runs, so the old configuration stays in force; restart the service to change it"
                );
                REFUSED
            }
            Ok(settings) => {
                self.read = Some(settings);
                "the new configuration is in force from the next run on"
            }
            Err(mistake) => {
                let mistake = run_log::one_line(&mistake.into());
                tracing::error!(%mistake, "the new configuration is not applied; the old one stays");
                REFUSED
            }
        };
        self.is_refused = status == REFUSED;
        self.service_manager.ready(status);
    }

    /// Ends the background tasks, and gives back all that the process holds.
    pub(super) async fn stop(&mut self) {
        self.service_manager.stopping();
        if let Some(monitoring) = &self.monitoring {
            monitoring.stop();
        }
        let timeout =
            if self.services.role == ServiceRole::Web { STOP_TIMEOUT_OF_PAGES } else { STOP_TIMEOUT };
        self.services.stop(timeout).await;
        if let Some(shared) = self.shared.take() {
            shared.end().await;
        }
    }
}

async fn lost(shared: Option<&mut SharedLease>) -> anyhow::Error {
    match shared {
        Some(shared) => shared.lost().await,
        None => pending().await,
    }
}
