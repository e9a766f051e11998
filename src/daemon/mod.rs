//! The service: waits for the next run, runs it, and stops at a signal.
//!
//! One loop does everything, so that a night and a recheck never overlap and the
//! watchdog of the service manager covers the loop. `due_runs` decides what is
//! due; `supervisor` handles signals, the watchdog and the background tasks. With the role
//! of a scheduler the loop leaves the visits to workers, which `worker` runs, and the pages to
//! `web`.

mod due_runs;
mod catalogue_server;
mod supervisor;
mod services;
mod page_listener;
mod tasks;
mod host_memory;
mod run_log;
mod requests;
mod shared_lease;
mod turn;
mod process_options;
mod web;
mod worker;

pub use page_listener::PageListener;
pub use process_options::ProcessOptions;

use std::collections::HashMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::Instrument as _;

use self::due_runs::{DueRuns, NightsNow};
use self::host_memory::{HostMemory, RunKind};
use self::requests::RequestedNights;
use self::run_log::PingQueue;
use self::services::Services;
use self::shared_lease::SharedLease;
use self::supervisor::{Supervisor, WorkOutcome};
use crate::config;
use crate::domain::address::Address;
use crate::domain::course::{Course, CourseId};
use crate::domain::policy::service_role::ServiceRole;
use crate::domain::schedule::RunReason;
use crate::night::{self, NightScope};
use crate::serve::{RecheckQueue, RecheckReceiver, ServiceStatus};
use crate::world::catalogue::{LastNight, ServerStart};
use crate::world::fetch::Fetch;
use crate::world::ping::Ping;
use crate::world::{Crawler, World};

/// The loop reads the clock at least this often: the clock may be set, or the
/// machine may sleep, during a wait.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// A night that failed on our side, for example on a full disk, resumes after this
/// pause. A night that began more than 12 hours ago does not resume.
const RETRY_DELAY: Duration = Duration::from_mins(30);

/// Runs until a signal asks it to stop.
///
/// # Errors
///
/// The catalogue cannot be used, the signal handlers cannot be installed, or a
/// background task ended early. A night that fails is no error: it is tried again.
pub async fn run(
    file: &Path,
    settings: config::Configuration,
    world: World,
    options: ProcessOptions,
) -> anyhow::Result<()> {
    match options.role {
        ServiceRole::All | ServiceRole::Scheduler => {
            Box::pin(run_nights(file, settings, world, options)).await
        }
        ServiceRole::Worker => Box::pin(worker::run_worker(file, settings, world, options)).await,
        ServiceRole::Web => Box::pin(web::run_web(file, settings, world, options)).await,
    }
}

async fn run_nights(
    file: &Path,
    settings: config::Configuration,
    mut world: World,
    mut options: ProcessOptions,
) -> anyhow::Result<()> {
    // A file lock keeps services apart in a directory, a lease those beside a bucket.
    let is_shared = world.crawler == Crawler::Workers || world.archive.has_shared_journal();
    let shared = if is_shared {
        // It may wait here until another scheduler ends.
        let beginning = SharedLease::begin(options.role, &settings, &mut world);
        let Some(shared) = options.unless_stopped(beginning).await else { return Ok(()) };
        Some(shared?)
    } else {
        None
    };
    let Some(server) = options.unless_stopped(complete(&world)).await else {
        if let Some(shared) = shared {
            shared.end().await;
        }
        world.close().await;
        return Ok(());
    };
    let server = server?;
    let (recheck_queue, recheck_requests) = RecheckQueue::connected();
    let status = ServiceStatus::of_service();
    world.set_service()?;
    let lease = shared.as_ref().map(|shared| Arc::clone(&shared.lease));
    if let Some(lease) = &lease {
        options.begin(&world, lease);
    }
    let services = Services::new(options.role, recheck_queue, status.clone());
    let mut services = services.listening_on(options.listen, options.page_listener.take()).with_lease(lease);
    services.start(&settings, &world).await?;
    let supervisor = Supervisor::new(file, &settings, world.clock, services, options).with_lease(shared);
    let pings = PingQueue::new(world.clock);
    let mut daemon = Daemon {
        settings,
        world,
        supervisor,
        pings,
        status,
        recheck_requests,
        requested: RequestedNights::default(),
        rechecked: HashMap::new(),
        host_memory: HostMemory::default(),
        retry_at: None,
        server,
    };
    let ended = daemon.work().await;
    daemon.supervisor.stop().await;
    daemon.world.close().await;
    ended
}

/// Completes what a process before this one left unfinished. Returns the server that has it.
async fn complete(world: &World) -> anyhow::Result<Option<ServerStart>> {
    let server = world.catalogue.server_start().await?;
    let captures = world.capture_lock().await?;
    // The journal may hold decisions that a power cut kept from the catalogue.
    night::journal_replay::catch_up(world).await?;
    night::removals::finish(&world.archive, &world.catalogue, world.clock).await?;
    drop(captures);
    world.catalogue.end_interrupted_requests(world.clock.now()).await?;
    Ok(server)
}

struct Daemon {
    settings: config::Configuration,
    world: World,
    supervisor: Supervisor,
    pings: PingQueue,
    /// What the pages show of the service.
    status: ServiceStatus,
    /// Recheck requests that people make on the pages.
    recheck_requests: RecheckReceiver,
    /// Nights that people ask for, on the pages or with a command.
    requested: RequestedNights,
    /// The last recheck of each course; a restart forgets it, which skips one recheck.
    rechecked: HashMap<CourseId, Timestamp>,
    host_memory: HostMemory,
    /// A night that failed on our side waits until then.
    retry_at: Option<Instant>,
    /// The server of the catalogue to which the journal was applied.
    server: Option<ServerStart>,
}

/// A signal asked the service to stop.
struct StopRequested;

impl Daemon {
    async fn work(&mut self) -> anyhow::Result<()> {
        self.supervisor.ready("waiting for the first night");
        loop {
            let stopped = match Box::pin(self.turn()).await {
                Ok(stopped) => stopped,
                Err(error) if turn::is_lease_over(&error) => self.wait_for_lease().await?,
                Err(error) if self.is_away(&error) => self.wait_for_catalogue(&error).await?,
                Err(error) => return Err(error),
            };
            if let Some(StopRequested) = stopped {
                tracing::info!("stopping; a night in progress resumes at the next start");
                return Ok(());
            }
        }
    }

    /// Applies a configuration that was read without an error. It can still fail on this
    /// machine, for example because an address is in use.
    async fn apply_settings(&mut self, settings: config::Configuration) {
        let applied = async {
            Fetch::new(&settings.fetch, self.world.archive.spool(), self.world.clock)?;
            self.supervisor.services.start(&settings, &self.world).await
        };
        match applied.await {
            Ok(()) => {
                run_log::applied(&settings);
                self.world.set_capture_settings(settings.quotas, settings.render.as_ref());
                self.settings = settings;
                self.host_memory = HostMemory::default();
            }
            Err(error) => run_log::not_applied(&error),
        }
    }

    /// What is due now. Courses that are new are entered first.
    async fn due_runs(&mut self) -> anyhow::Result<DueRuns> {
        self.follow_server().await?;
        let now = self.world.clock.now();
        let mut nights = self.world.catalogue.last_nights().await?;
        let first_seen = LastNight { at: now, is_over: true };
        let ahead = due_runs::ahead_of_clock(&nights, now);
        self.world.catalogue.set_last_nights(&ahead, first_seen).await?;
        nights.extend(ahead.into_iter().map(|course| (course, first_seen)));
        let unseen: Vec<CourseId> = self
            .settings
            .daemon
            .nights
            .keys()
            .filter(|course| !nights.contains_key(course))
            .cloned()
            .collect();
        let mut unscheduled = self.requested.courses();
        if !unseen.is_empty() {
            let reported = self.world.catalogue.course_revisions().await?;
            let is_new = |course: &&CourseId| reported.iter().all(|(reported, _)| reported != *course);
            let new: Vec<CourseId> = unseen.iter().filter(is_new).cloned().collect();
            let first = due_runs::first_nights(&self.settings.daemon, &new, now);
            let waiting: Vec<CourseId> =
                unseen.into_iter().filter(|course| !first.contains(course)).collect();
            self.world.catalogue.set_last_nights(&waiting, first_seen).await?;
            nights.extend(waiting.into_iter().map(|course| (course, first_seen)));
            unscheduled.extend(first.into_iter().map(|course| (course, RunReason::First)));
        }
        self.status.set_next_nights(due_runs::next_nights(&self.settings.daemon, now));
        for course in self.settings.daemon.rechecks.keys() {
            self.rechecked.entry(course.clone()).or_insert(now);
        }
        let is_backing_off = self.retry_at.is_some_and(|until| self.world.clock.instant() < until);
        Ok(DueRuns::of(
            &self.settings.daemon,
            due_runs::RunHistory {
                nights: &nights,
                rechecks: &self.rechecked,
                unscheduled: &unscheduled,
                is_backing_off,
            },
            now,
        ))
    }

    async fn wait(&mut self, wake: Option<Timestamp>) -> anyhow::Result<Option<StopRequested>> {
        let utc = |at: Timestamp| at.strftime("%F %H:%M UTC").to_string();
        self.supervisor.status(&wake.map_or_else(
            || "no night is scheduled: all terms are over".to_owned(),
            |wake| format!("waiting until {}", utc(wake)),
        ));
        let left = wake.map(|wake| wake.duration_since(self.world.clock.now()));
        let left = left.map_or(MAX_WAIT, |left| Duration::try_from(left).unwrap_or(Duration::ZERO));
        let (clock, catalogue, requests) =
            (self.world.clock, self.world.catalogue.clone(), &mut self.recheck_requests);
        let lease = self.supervisor.lease();
        let heard = {
            let mut idle = pin!(async {
                tokio::select! {
                    () = clock.sleep(left.min(MAX_WAIT)) => None,
                    () = requests::arrive(&catalogue, clock) => None,
                    () = turn::lost(lease.as_ref()) => None,
                    request = requests.next() => Some(request),
                }
            });
            self.supervisor.supervise(&mut idle).await?
        };
        match heard {
            WorkOutcome::Done(Some(request)) => {
                let Some(is_cleared) = self.recheck_link(&request.course, &request.link).await? else {
                    return Ok(Some(StopRequested));
                };
                request.complete(self.world.clock.now(), is_cleared);
                Ok(None)
            }
            WorkOutcome::Done(None) | WorkOutcome::Reloaded => Ok(None),
            WorkOutcome::Stop => Ok(Some(StopRequested)),
        }
    }

    /// Rechecks the one link that a person asks for. Returns whether it works; `None` if a signal
    /// asked to stop.
    async fn recheck_link(&mut self, course: &CourseId, link: &Address) -> anyhow::Result<Option<bool>> {
        let Some(course) = self.courses([course].into_iter()).pop() else { return Ok(Some(false)) };
        self.host_memory.begin(RunKind::Recheck, &mut self.world, &self.settings.fetch);
        let span = tracing::info_span!("look", run = %self.world.clock.now());
        let recheck = night::recheck_link(&course, link, &self.world).instrument(span.clone());
        let Some(rechecked) = turn::run_with_lease(&mut self.supervisor, recheck).await? else {
            return Ok(None);
        };
        let _entered = span.enter();
        let is_cleared = rechecked.as_ref().is_ok_and(|rechecked| rechecked.cleared > 0);
        run_log::rechecked(rechecked);
        Ok(Some(is_cleared))
    }

    async fn night(&mut self, now: NightsNow) -> anyhow::Result<Option<StopRequested>> {
        let NightsNow { due, are_requested } = now;
        let started = self.world.clock.now();
        let courses = self.courses(due.iter().map(|due| &due.course));
        let ids: Vec<CourseId> = courses.iter().map(|course| course.id.clone()).collect();
        let begun: Vec<CourseId> =
            due.iter().filter(|due| !due.is_resumed).map(|due| due.course.clone()).collect();
        self.world.catalogue.set_last_nights(&begun, LastNight { at: started, is_over: false }).await?;
        self.host_memory.begin(RunKind::Night, &mut self.world, &self.settings.fetch);
        let ping = self.settings.daemon.ping.clone();
        let span = tracing::info_span!("night", run = %started);
        span.in_scope(|| run_log::begins(&due));
        self.pings.send(ping.as_ref(), Ping::Start);
        self.supervisor.status(&format!("running a night of {}", run_log::courses(ids.len())));
        let taken = self.requested.take(&ids, &self.world).await?;
        self.status.begin_night(ids.clone());
        let watch = |progress: night::Progress| requests::show(&progress, &self.status);
        let beside = self.courses(due_runs::courses_beside(&self.settings.daemon, &ids, started).iter());
        let scope = if are_requested {
            NightScope::Requested { beside: &beside }
        } else {
            NightScope::WithinBudgets { beside: &beside }
        };
        let night = night::run(&courses, scope, &self.world, &watch).instrument(span.clone());
        let finished = turn::run_with_lease(&mut self.supervisor, night).await;
        self.status.end_night();
        let Some(finished) = finished? else {
            return Ok(Some(StopRequested));
        };
        requests::end(&taken, &finished, &self.world).await?;
        match finished {
            Ok(finished) => {
                self.retry_at = None;
                let over = LastNight { at: started.max(self.world.clock.now()), is_over: true };
                // A server that was replaced meanwhile may have lost the end; then the night resumes.
                if self.world.catalogue.has_ended(finished.started).await? {
                    self.world.catalogue.set_last_nights(&ids, over).await?;
                }
                span.in_scope(|| run_log::ended(&finished));
                self.pings.send(ping.as_ref(), run_log::ping_for(&finished));
                let scrub = night::scrub::scrub(&self.world).instrument(span.clone());
                let Some(fixity) = turn::run_with_lease(&mut self.supervisor, scrub).await? else {
                    return Ok(Some(StopRequested));
                };
                span.in_scope(|| run_log::scrubbed(fixity));
            }
            Err(error) if self.is_away(&error) => return Err(error),
            Err(error) => {
                self.retry_at = Some(self.world.clock.instant() + RETRY_DELAY);
                span.in_scope(|| tracing::error!(error = %run_log::one_line(&error), "the night failed; it resumes in 30 minutes"));
                self.pings.send(ping.as_ref(), Ping::Failure);
            }
        }
        Ok(None)
    }

    async fn recheck(&mut self, due: &[CourseId]) -> anyhow::Result<Option<StopRequested>> {
        let now = self.world.clock.now();
        self.rechecked.extend(due.iter().map(|course| (course.clone(), now)));
        self.host_memory.begin(RunKind::Recheck, &mut self.world, &self.settings.fetch);
        let courses = self.courses(due.iter());
        let span = tracing::info_span!("look", run = %now);
        let recheck = night::recheck(&courses, &self.world).instrument(span.clone());
        let Some(rechecked) = turn::run_with_lease(&mut self.supervisor, recheck).await? else {
            return Ok(Some(StopRequested));
        };
        let _entered = span.enter();
        run_log::rechecked(rechecked);
        Ok(None)
    }

    fn courses<'a>(&self, ids: impl Iterator<Item = &'a CourseId>) -> Vec<Course> {
        let ids: Vec<&CourseId> = ids.collect();
        self.settings.courses.iter().filter(|course| ids.contains(&&course.id)).cloned().collect()
    }
}

/// The result of some work; `None` if a signal asked to stop before it was done.
async fn run_supervised<T>(
    supervisor: &mut Supervisor,
    work: impl Future<Output = T>,
) -> anyhow::Result<Option<T>> {
    let mut work = pin!(work);
    loop {
        match supervisor.supervise(&mut work).await? {
            WorkOutcome::Done(done) => return Ok(Some(done)),
            WorkOutcome::Reloaded => {}
            WorkOutcome::Stop => return Ok(None),
        }
    }
}
