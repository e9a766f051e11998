//! A worker: it visits links for the scheduler, and does nothing else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::ProcessOptions;
use super::run_log;
use super::run_supervised;
use super::services::Services;
use super::shared_lease::SharedLease;
use super::supervisor::Supervisor;
use crate::config;
use crate::domain::policy::service_role::ServiceRole;
use crate::night::workers::{self, ProcessLease, WorkerSession};
use crate::serve::{RecheckQueue, ServiceStatus};
use crate::world::World;
use crate::world::catalogue::NightRef;
use crate::world::clock::Clock;

/// How often a worker without shards asks for some.
const INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a failure on our side, doubled after each further one without a stored visit.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Runs until a signal asks it to stop.
///
/// # Errors
///
/// The catalogue cannot be used at the start, or the signal handlers cannot be installed. Later
/// failures give the shards back, and the worker begins anew.
pub(super) async fn run_worker(
    file: &Path,
    mut settings: config::Configuration,
    mut world: World,
    mut options: ProcessOptions,
) -> anyhow::Result<()> {
    let beginning = SharedLease::begin(ServiceRole::Worker, &settings, &mut world);
    let Some(shared) = options.unless_stopped(beginning).await else { return Ok(()) };
    let shared = shared?;
    let lease = Arc::clone(&shared.lease);
    options.begin(&world, &lease);
    let services = Services::new(ServiceRole::Worker, RecheckQueue::default(), ServiceStatus::default());
    let supervisor = Supervisor::new(file, &settings, world.clock, services, options);
    let mut supervisor = supervisor.with_lease(Some(shared));
    supervisor.ready("waiting for links to visit");
    let (mut night, mut pause) = (None, FIRST_PAUSE);
    loop {
        if let Some(new) = supervisor.take_new_settings() {
            apply(&new, &mut world);
            settings = new;
        }
        let stored = lease.visits();
        let turn = turn(&lease, &settings, &mut night, &mut world);
        match run_supervised(&mut supervisor, turn).await? {
            None => break,
            Some(Ok(None)) => {}
            Some(Ok(Some(session))) => {
                tracing::info!(night = %session.night.started, shards = session.shards, "visited links");
                pause = FIRST_PAUSE;
            }
            Some(Err(error)) => {
                let error = run_log::one_line(&error);
                // What interrupts it now and then in a night must not slow it down.
                if lease.visits() > stored {
                    pause = FIRST_PAUSE;
                }
                tracing::error!(%error, "this worker gives its shards back and begins anew");
                let renewed = begin_anew(&lease, pause, world.clock);
                if run_supervised(&mut supervisor, renewed).await?.is_none() {
                    break;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    tracing::info!("stopping; other workers visit the links that are left");
    supervisor.stop().await;
    world.close().await;
    Ok(())
}

/// Visits links until no shard is left, or waits a moment.
async fn turn(
    lease: &ProcessLease,
    settings: &config::Configuration,
    night: &mut Option<NightRef>,
    world: &mut World,
) -> anyhow::Result<Option<WorkerSession>> {
    let clock = world.clock;
    let begin = |tonight: NightRef, world: &mut World| {
        // Another session of the same night keeps the memory of the hosts.
        if night.replace(tonight) != Some(tonight) {
            world.renew_fetch(&settings.fetch)?;
        }
        Ok(())
    };
    let session = Box::pin(workers::work(lease, world, begin)).await?;
    if session.is_none() {
        clock.sleep(INTERVAL).await;
    }
    Ok(session)
}

/// Waits, and gives back all that the worker holds.
async fn begin_anew(lease: &ProcessLease, pause: Duration, clock: Clock) {
    // At once, because others can visit the links. If the catalogue is away, the lease ends by itself.
    let mut returned = lease.replace().await;
    clock.sleep(pause).await;
    while let Err(error) = returned {
        tracing::warn!(%error, "the catalogue is away; the worker goes on when it is back");
        clock.sleep(INTERVAL).await;
        returned = lease.replace().await;
    }
}

fn apply(settings: &config::Configuration, world: &mut World) {
    match world.renew_fetch(&settings.fetch) {
        Ok(()) => {
            run_log::applied(settings);
            world.set_capture_settings(settings.quotas, settings.render.as_ref());
        }
        Err(error) => run_log::not_applied(&error.into()),
    }
}
