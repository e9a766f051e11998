//! Nights that people start from the pages.

use jiff::{SignedDuration, Timestamp};

use super::Library;
use super::course::CourseView;
use crate::serve::error::Error;
use crate::serve::service_status::CourseActivity;
use crate::world::catalogue::ServiceTask;

/// The time until another night can be requested, to spare the hosts.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

impl Library {
    /// Whether a requested night of the course waits for its start.
    pub(in crate::serve) async fn is_night_waiting(&self, course: &CourseView) -> Result<bool, Error> {
        let requests = self.catalogue.waiting_requests().await?;
        Ok(requests.iter().any(|request| request.task == ServiceTask::Night(course.rules.id.clone())))
    }

    /// Whether a night of the course can be requested now. Without a service it never can.
    pub(in crate::serve) async fn can_request_night(&self, course: &CourseView) -> Result<bool, Error> {
        let id = &course.rules.id;
        if !matches!(self.service_status.of_course(id), Some(CourseActivity::Waiting(_))) {
            return Ok(false);
        }
        Ok(!self.catalogue.is_night_requested(id, self.earlier_requests()).await?)
    }

    /// A request since then is recent.
    fn earlier_requests(&self) -> Timestamp {
        self.clock.now().saturating_sub(MIN_INTERVAL).unwrap_or(Timestamp::MIN)
    }

    /// Requests a night of the course, if that is possible now.
    pub(in crate::serve) async fn request_night(&self, course: &CourseView) -> Result<(), Error> {
        if self.can_request_night(course).await? {
            self.catalogue.request_night(&course.rules.id, self.earlier_requests(), self.clock.now()).await?;
        }
        Ok(())
    }
}
