//! A web process: it serves the pages. What needs another role it asks of the scheduler, in the
//! catalogue.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ProcessOptions;
use super::due_runs;
use super::run_log;
use super::run_supervised;
use super::services::Services;
use super::shared_lease::SharedLease;
use super::supervisor::Supervisor;
use crate::config;
use crate::domain::policy::service_role::ServiceRole;
use crate::serve::{NightActivity, RecheckQueue, ServiceStatus};
use crate::world::World;
use crate::world::catalogue::{self, Catalogue, ServiceRequestId};
use crate::world::clock::Clock;

/// How often the pages learn what the scheduler does.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often the next nights are computed.
const NEXT_NIGHTS: Duration = Duration::from_secs(30);

/// Runs until a signal asks it to stop.
///
/// # Errors
///
/// The catalogue cannot be used at the start, the address is in use, or the signal handlers
/// cannot be installed.
pub(super) async fn run_web(
    file: &Path,
    mut settings: config::Configuration,
    mut world: World,
    mut options: ProcessOptions,
) -> anyhow::Result<()> {
    let beginning = SharedLease::begin(ServiceRole::Web, &settings, &mut world);
    let Some(shared) = options.unless_stopped(beginning).await else { return Ok(()) };
    let shared = shared?;
    let mut scheduler = SchedulerView {
        catalogue: world.catalogue.clone(),
        clock: world.clock,
        status: ServiceStatus::of_service(),
        rechecks: RecheckQueue::to_scheduler(world.catalogue.clone()),
        last_reload: world.catalogue.last_reload().await?,
        next_nights_at: None,
        is_away: false,
    };
    let services = Services::new(ServiceRole::Web, scheduler.rechecks.clone(), scheduler.status.clone());
    let mut services = services
        .listening_on(options.listen, options.page_listener.take())
        .with_lease(Some(Arc::clone(&shared.lease)));
    services.start(&settings, &world).await?;
    let supervisor = Supervisor::new(file, &settings, world.clock, services, options);
    let mut supervisor = supervisor.with_lease(Some(shared));
    supervisor.ready("serving the pages");
    loop {
        if let Some(new) = supervisor.take_new_settings() {
            match apply(&new, &mut supervisor, &world).await {
                Ok(()) => {
                    run_log::applied(&new);
                    (settings, scheduler.next_nights_at) = (new, None);
                }
                Err(error) => run_log::not_applied(&error),
            }
        }
        match run_supervised(&mut supervisor, scheduler.read(&settings)).await? {
            None => break,
            Some(SchedulerNews::Reload) => supervisor.reload(),
            Some(SchedulerNews::Activity) => {}
        }
    }
    tracing::info!("stopping; open answers are finished");
    supervisor.stop().await;
    world.close().await;
    Ok(())
}

async fn apply(
    settings: &config::Configuration,
    supervisor: &mut Supervisor,
    world: &World,
) -> anyhow::Result<()> {
    if settings.pages.is_none() {
        anyhow::bail!("it has no [pages], which a process with --role web serves; add them");
    }
    supervisor.services.start(settings, world).await
}

/// What the pages know of the scheduler.
struct SchedulerView {
    catalogue: Catalogue,
    clock: Clock,
    status: ServiceStatus,
    rechecks: RecheckQueue,
    /// The last request to read the configuration again that is known.
    last_reload: Option<ServiceRequestId>,
    next_nights_at: Option<Instant>,
    /// The catalogue could not be read the last time.
    is_away: bool,
}

enum SchedulerNews {
    Activity,
    /// A command asked the service to read its configuration again.
    Reload,
}

impl SchedulerView {
    /// Waits a moment, and reads what the scheduler does.
    async fn read(&mut self, settings: &config::Configuration) -> SchedulerNews {
        let now = self.clock.instant();
        if self.next_nights_at.is_none_or(|at| now >= at) {
            self.status.set_next_nights(due_runs::next_nights(&settings.daemon, self.clock.now()));
            self.next_nights_at = Some(now + NEXT_NIGHTS);
        }
        self.clock.sleep(INTERVAL).await;
        match self.read_catalogue().await {
            Ok(news) => {
                self.is_away = false;
                news
            }
            Err(error) => {
                if !self.is_away {
                    tracing::warn!(%error, "the catalogue is away; the pages go on when it is back");
                }
                self.is_away = true;
                SchedulerNews::Activity
            }
        }
    }

    async fn read_catalogue(&mut self) -> Result<SchedulerNews, catalogue::Error> {
        self.status.set_night(self.catalogue.activity::<Option<NightActivity>>().await?.flatten());
        self.rechecks.read_statuses(self.clock.now()).await?;
        let last_reload = self.catalogue.last_reload().await?;
        // Old requests are deleted, so the last one may be gone.
        let is_new = last_reload.is_some() && last_reload != self.last_reload;
        self.last_reload = last_reload.or(self.last_reload);
        Ok(if is_new { SchedulerNews::Reload } else { SchedulerNews::Activity })
    }
}
