//! Requests that come through the catalogue: nights and rechecks that people ask for, and a reload.

use std::collections::HashMap;
use std::time::Duration;

use super::{Daemon, StopRequested, run_log};
use crate::domain::course::CourseId;
use crate::domain::schedule::RunReason;
use crate::night::{self, Finished};
use crate::serve::ServiceStatus;
use crate::world::World;
use crate::world::catalogue::{self, Catalogue, ServiceRequestId, ServiceTask, WaitingRecheck};
use crate::world::clock::Clock;

/// How often a waiting service reads the requests.
const INTERVAL: Duration = Duration::from_secs(2);

/// Nights that people asked for and that have not begun.
#[derive(Debug, Default)]
pub(super) struct RequestedNights(Vec<(ServiceRequestId, CourseId)>);

impl RequestedNights {
    pub(super) fn courses(&self) -> HashMap<CourseId, RunReason> {
        self.0.iter().map(|(_, course)| (course.clone(), RunReason::Requested)).collect()
    }

    /// Takes the requests for the courses of a night that begins.
    pub(super) async fn take(
        &mut self,
        courses: &[CourseId],
        world: &World,
    ) -> anyhow::Result<Vec<(ServiceRequestId, CourseId)>> {
        let (taken, waiting) =
            std::mem::take(&mut self.0).into_iter().partition(|(_, course)| courses.contains(course));
        self.0 = waiting;
        for (id, _) in &taken {
            world.catalogue.take_request(*id, world.clock.now()).await?;
        }
        Ok(taken)
    }
}

/// Ends the requests of a night.
pub(super) async fn end(
    taken: &[(ServiceRequestId, CourseId)],
    finished: &anyhow::Result<Finished>,
    world: &World,
) -> anyhow::Result<()> {
    for (id, course) in taken {
        let outcome = match finished {
            Ok(finished) => match finished.unread.iter().find(|unread| unread.course == *course) {
                Some(unread) => Err(unread.to_string()),
                None => Ok(()),
            },
            Err(error) => Err(run_log::one_line(error)),
        };
        world.catalogue.end_request(*id, outcome, world.clock.now()).await?;
    }
    Ok(())
}

/// Returns when a request waits. An error of the catalogue is reported by the next run.
pub(super) async fn arrive(catalogue: &Catalogue, clock: Clock) {
    loop {
        clock.sleep(INTERVAL).await;
        match catalogue.waiting_requests().await {
            Ok(waiting) if waiting.is_empty() => {}
            Ok(_) | Err(_) => return,
        }
        if !next_recheck(catalogue).await.is_ok_and(|next| next.is_none()) {
            return;
        }
    }
}

/// The oldest recheck that the pages of another process requested.
async fn next_recheck(catalogue: &Catalogue) -> Result<Option<WaitingRecheck>, catalogue::Error> {
    if !catalogue.can_have_workers() {
        return Ok(None);
    }
    Ok(catalogue.waiting_rechecks().await?.into_iter().next())
}

/// Shows the progress of a night on the pages.
pub(super) fn show(progress: &night::Progress, status: &ServiceStatus) {
    match progress {
        night::Progress::Links { count, known, .. } => status.set_links(*count, *known),
        night::Progress::Visited { .. } => status.add_visited(),
    }
}

impl Daemon {
    pub(super) async fn next_recheck(&self) -> anyhow::Result<Option<WaitingRecheck>> {
        Ok(next_recheck(&self.world.catalogue).await?)
    }

    pub(super) async fn recheck_for_pages(
        &mut self,
        request: WaitingRecheck,
    ) -> anyhow::Result<Option<StopRequested>> {
        let Some(is_cleared) = self.recheck_link(&request.course, &request.link).await? else {
            return Ok(Some(StopRequested));
        };
        self.world.catalogue.end_recheck(request.id, self.world.clock.now(), is_cleared).await?;
        Ok(None)
    }

    /// Reads the requests that wait. A reload is carried out at once, and a night with the
    /// next runs.
    pub(super) async fn take_requests(&mut self) -> anyhow::Result<()> {
        let (catalogue, now) = (self.world.catalogue.clone(), self.world.clock.now());
        self.requested.0.clear();
        for request in catalogue.waiting_requests().await? {
            match request.task {
                ServiceTask::Reload => {
                    self.supervisor.reload();
                    let outcome = if self.supervisor.is_refused() {
                        Err("the configuration has an error; `onreserve check-config` shows it".to_owned())
                    } else {
                        Ok(())
                    };
                    catalogue.end_request(request.id, outcome, now).await?;
                }
                ServiceTask::Night(course) if self.settings.daemon.nights.contains_key(&course) => {
                    self.requested.0.push((request.id, course));
                }
                ServiceTask::Night(course) => {
                    let unknown = format!(
                        "the configuration of the service has no course `{course}`; reload the service if it is new"
                    );
                    catalogue.end_request(request.id, Err(unknown), now).await?;
                }
            }
        }
        Ok(())
    }
}
