//! Asks the running service to check courses, and waits for it.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;

use super::archive_location::OpenArchive;
use super::interrupt::interrupted;
use super::warn;
use crate::config::Configuration;
use crate::domain::report::figures::count;
use crate::world::catalogue::{RequestProgress, ServiceRequestId, ServiceTask};
use crate::world::clock::Clock;
use crate::world::lock::{LockError, SoleInstance};

/// How often the progress is read.
const INTERVAL: Duration = Duration::from_millis(500);

/// Whether an archive could not be opened because the service uses it.
pub(super) fn can_ask(error: &anyhow::Error, archive: &Path) -> bool {
    matches!(error.downcast_ref(), Some(LockError::InstanceRunning { .. }))
        && SoleInstance::is_service(archive)
}

/// Returns when the service has checked the courses.
pub(super) async fn run(settings: &Configuration) -> anyhow::Result<OpenArchive> {
    let opened = OpenArchive::write(&settings.archive_place(), &settings.catalogue_location()).await?;
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
        ended = all_ended(&opened, &requests, clock) => ended?,
        () = interrupted() => {
            for request in &requests {
                opened.catalogue.withdraw_request(*request).await?;
            }
            bail!("interrupted; a check that the service has begun goes on, and `onreserve report` prints its result");
        }
    }
    Ok(opened)
}

async fn all_ended(opened: &OpenArchive, requests: &[ServiceRequestId], clock: Clock) -> anyhow::Result<()> {
    for request in requests {
        loop {
            match opened.catalogue.request_progress(*request).await? {
                RequestProgress::Ended(Ok(())) => break,
                RequestProgress::Ended(Err(why)) => bail!("the service could not finish the check: {why}"),
                RequestProgress::Waiting | RequestProgress::Running => {}
            }
            if !SoleInstance::is_held(opened.archive.dir()) {
                bail!("the service stopped before it finished the check; run the same command again");
            }
            clock.sleep(INTERVAL).await;
        }
    }
    Ok(())
}

/// Asks the service, if it runs, to read its configuration again. False if it does not run.
pub(super) async fn reload(settings: &Configuration) -> anyhow::Result<bool> {
    if !SoleInstance::is_service(&settings.archive) {
        return Ok(false);
    }
    let opened = OpenArchive::write(&settings.archive_place(), &settings.catalogue_location()).await?;
    let clock = Clock::system();
    let request = opened.catalogue.request_service(&ServiceTask::Reload, clock.now()).await?;
    all_ended(&opened, &[request], clock).await?;
    Ok(true)
}
