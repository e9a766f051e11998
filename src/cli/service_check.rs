//! Finds the running service, asks it to check courses, and waits for it.

use std::time::Duration;

use anyhow::bail;

use super::archive_location::OpenArchive;
use super::interrupt::interrupted;
use super::warn;
use crate::config::Configuration;
use crate::domain::report::figures::count;
use crate::world::archive::{self, ArchivePlace};
use crate::world::catalogue::{
    self, Catalogue, CatalogueLocation, ProcessFigures, RequestProgress, ServiceRequestId, ServiceTask,
};
use crate::world::clock::Clock;
use crate::world::lock::{LockError, SoleInstance};

/// How often the progress is read.
const INTERVAL: Duration = Duration::from_millis(500);

/// Where a service runs nights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RunningService {
    /// With this directory of the archive.
    Here,
    /// With another working directory, by the name of its process.
    Elsewhere(String),
}

/// Finds the service: by the lock in the directory, or beside a bucket by its lease in the catalogue.
pub(super) async fn find(
    place: &ArchivePlace,
    catalogue: &Catalogue,
) -> Result<Option<RunningService>, catalogue::Error> {
    if SoleInstance::is_service(&place.dir) {
        return Ok(Some(RunningService::Here));
    }
    if !place.has_shared_journal() {
        return Ok(None);
    }
    let found = catalogue.processes().await?.into_iter().find(ProcessFigures::runs_nights);
    Ok(found.map(|process| RunningService::Elsewhere(process.name)))
}

/// Whether an archive could not be opened because the service uses it.
pub(super) async fn can_ask(error: &anyhow::Error, settings: &Configuration) -> bool {
    if !matches!(error.downcast_ref(), Some(LockError::InstanceRunning { .. })) {
        return false;
    }
    let place = settings.archive_place();
    match Catalogue::open_at_as_it_is(&settings.catalogue_location()).await {
        Ok(catalogue) => find(&place, &catalogue).await.is_ok_and(|found| found.is_some()),
        Err(_) => SoleInstance::is_service(&place.dir),
    }
}

/// Checks that no process with a lease works with a bucket and this catalogue. Beside a directory a
/// lock keeps them away.
///
/// # Errors
///
/// [`LockError::InstanceRunning`] if one does.
pub(super) async fn refuse_beside_processes(
    place: &ArchivePlace,
    location: &CatalogueLocation,
) -> anyhow::Result<()> {
    if !place.has_shared_journal() {
        return Ok(());
    }
    // The leases of a damaged catalogue, or of one of another version, cannot be read. The commands that
    // ask are those that mend such a catalogue, so they go on.
    let Ok(catalogue) = Catalogue::open_at_as_it_is(location).await else { return Ok(()) };
    match catalogue.processes().await?.into_iter().next() {
        Some(process) => Err(LockError::InstanceRunning { dir: place.dir.clone(), by: process.name }.into()),
        None => Ok(()),
    }
}

/// Returns when the service has checked the courses.
pub(super) async fn run(settings: &Configuration) -> anyhow::Result<OpenArchive> {
    let place = settings.archive_place();
    let opened = OpenArchive::write(&place, &settings.catalogue_location()).await?;
    let clock = Clock::system();
    let mut requests = Vec::new();
    for course in &settings.courses {
        let night = ServiceTask::Night(course.id.clone());
        requests.push(opened.catalogue.request_service(&night, clock.now()).await?);
    }
    warn(&format!(
        "the service runs, so it checks {}; the results follow when it has finished",
        count(settings.courses.len(), "course")
    ));
    tokio::select! {
        ended = all_ended(&place, &opened, &requests, clock) => ended?,
        () = interrupted() => {
            for request in &requests {
                opened.catalogue.withdraw_request(*request).await?;
            }
            bail!("interrupted; a check that the service has begun goes on, and `onreserve report` prints its result");
        }
    }
    Ok(opened)
}

async fn all_ended(
    place: &ArchivePlace,
    opened: &OpenArchive,
    requests: &[ServiceRequestId],
    clock: Clock,
) -> anyhow::Result<()> {
    for request in requests {
        loop {
            match opened.catalogue.request_progress(*request).await? {
                RequestProgress::Ended(Ok(())) => break,
                RequestProgress::Ended(Err(why)) => bail!("the service could not finish the check: {why}"),
                RequestProgress::Waiting | RequestProgress::Running => {}
            }
            let is_held = !place.has_shared_journal() && SoleInstance::is_held(&place.dir);
            if !is_held && find(place, &opened.catalogue).await?.is_none() {
                bail!("the service stopped before it finished the check; run the same command again");
            }
            clock.sleep(INTERVAL).await;
        }
    }
    Ok(())
}

/// Asks the service, if it runs, to read its configuration again. Returns where it runs.
pub(super) async fn reload(settings: &Configuration) -> anyhow::Result<Option<RunningService>> {
    let place = settings.archive_place();
    let may_run =
        SoleInstance::is_service(&place.dir) || (place.has_shared_journal() && archive::exists(&place)?);
    if !may_run {
        return Ok(None);
    }
    let opened = OpenArchive::write(&place, &settings.catalogue_location()).await?;
    let Some(service) = find(&place, &opened.catalogue).await? else { return Ok(None) };
    let clock = Clock::system();
    let request = opened.catalogue.request_service(&ServiceTask::Reload, clock.now()).await?;
    all_ended(&place, &opened, &[request], clock).await?;
    Ok(Some(service))
}
