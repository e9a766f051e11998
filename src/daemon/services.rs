//! The services that the configuration asks for: the pages at their address, the outbox. The role
//! of the process decides which of them it has.
//!
//! A reload restarts both with the new settings. The listening socket stays open
//! meanwhile, so that connections wait a moment and are not refused.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::page_listener::PageListener;
use super::tasks::BackgroundTasks;
use crate::config;
use crate::config::PagesSettings;
use crate::domain::policy::service_role::ServiceRole;
use crate::night::workers::ProcessLease;
use crate::outbox::{self, Senders};
use crate::serve::{self, AppState, RecheckQueue, ServiceStatus};
use crate::world::World;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;

/// How long the services before a reload may take to end.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a scheduler shows how far its night is.
const INTERVAL: Duration = Duration::from_millis(250);

/// The services of the configuration that is in force.
#[derive(Debug)]
pub(super) struct Services {
    pub role: ServiceRole,
    pub tasks: BackgroundTasks,
    /// The address of the pages instead of that of the configuration.
    listen: Option<SocketAddr>,
    /// The lease of a process beside others.
    lease: Option<Arc<ProcessLease>>,
    page_listener: Option<PageListener>,
    recheck_queue: RecheckQueue,
    status: ServiceStatus,
}

impl Services {
    /// No service yet; the pages put their recheck requests into this queue, and show this status.
    pub(super) fn new(role: ServiceRole, recheck_queue: RecheckQueue, status: ServiceStatus) -> Self {
        Self {
            role,
            tasks: BackgroundTasks::default(),
            listen: None,
            lease: None,
            page_listener: None,
            recheck_queue,
            status,
        }
    }

    /// The pages listen on this address instead of that of the configuration, or on this socket.
    #[must_use]
    pub(super) fn listening_on(
        self,
        listen: Option<SocketAddr>,
        page_listener: Option<PageListener>,
    ) -> Self {
        Self { listen, page_listener, ..self }
    }

    /// The process has this lease.
    #[must_use]
    pub(super) fn with_lease(self, lease: Option<Arc<ProcessLease>>) -> Self {
        Self { lease, ..self }
    }

    /// The pages of the configuration and their address, if this process serves them.
    fn pages<'a>(&self, settings: &'a config::Configuration) -> Option<(SocketAddr, &'a PagesSettings)> {
        let pages = settings.pages.as_ref().filter(|_| self.role.serves_pages())?;
        Some((self.listen.unwrap_or(pages.listen), pages))
    }

    /// Starts or restarts what the settings ask for.
    ///
    /// # Errors
    ///
    /// The address is in use, or the relay cannot be set up. The services that
    /// ran before keep running then.
    pub(super) async fn start(
        &mut self,
        settings: &config::Configuration,
        world: &World,
    ) -> anyhow::Result<()> {
        // Everything that can fail comes first: the running services stop only after it.
        let senders = if self.role.sends_emails() { settings.senders(&world.archive)? } else { None };
        let shown = self.pages(settings);
        let new_listener = match (shown, &self.page_listener) {
            (Some((at, _)), Some(page_listener)) if page_listener.is_at(at) => None,
            (Some((at, _)), _) => Some(PageListener::bind(at)?),
            (None, _) => None,
        };
        if let Some(listener) = &new_listener {
            tracing::info!(at = %listener.address(), "listening for the pages");
        }
        let pages = match (shown, new_listener.as_ref().or(self.page_listener.as_ref())) {
            (Some((_, pages)), Some(page_listener)) => {
                Some((page_listener.listener()?, pages.serve(&world.archive)?))
            }
            (Some(_) | None, _) => None,
        };
        self.tasks.stop(RELOAD_TIMEOUT).await;
        self.tasks = BackgroundTasks::default();
        self.page_listener = shown.and_then(|_| new_listener.or(self.page_listener.take()));
        if let Some((listener, shown)) = pages {
            let (archive, catalogue) = (world.archive.clone(), world.catalogue.clone());
            let state = AppState::beside_service(archive, catalogue, world.clock, shown, self.status.clone())
                .with_recheck_queue(self.recheck_queue.clone());
            self.tasks.add("serving the pages", |stop| async move {
                serve::run(listener, state, stop.wait()).await;
                Ok(())
            });
        }
        if let Some(senders) = senders {
            self.add_outbox(senders, world);
        }
        if self.role == ServiceRole::Scheduler
            && let Some(lease) = self.lease.clone()
        {
            let (catalogue, clock, status) = (world.catalogue.clone(), world.clock, self.status.clone());
            self.tasks.add("showing the night to the web processes", |stop| async move {
                tokio::select! {
                    () = stop.wait() => Ok(()),
                    never = show_night(&catalogue, clock, &status, &lease) => match never {},
                }
            });
        }
        Ok(())
    }

    /// Ends the services. New connections are refused at once, not when the process ends.
    pub(super) async fn stop(&mut self, timeout: Duration) {
        self.page_listener = None;
        self.tasks.stop(timeout).await;
    }

    fn add_outbox(&mut self, senders: Senders, world: &World) {
        let (catalogue, clock) = (world.catalogue.clone(), world.clock);
        self.tasks.add("delivering emails", |stop| async move {
            tokio::select! {
                () = stop.wait() => Ok(()),
                never = outbox::keep_delivering(catalogue, clock, senders) => match never {},
            }
        });
    }
}

/// Shows in the catalogue how far the night of this scheduler is. If the catalogue is away, the
/// night says so.
async fn show_night(
    catalogue: &Catalogue,
    clock: Clock,
    status: &ServiceStatus,
    lease: &ProcessLease,
) -> Infallible {
    let mut shown = None;
    loop {
        let now = (lease.process(), status.night());
        if shown.as_ref() != Some(&now) && catalogue.set_activity(now.0, &now.1).await.is_ok() {
            shown = Some(now);
        }
        clock.sleep(INTERVAL).await;
    }
}
