//! `/c/<course>/check`: staff start a night of the course. The dashboard shows how far it is.

use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp};

use super::DashboardState;
use crate::domain::policy::course_access::AccessLevel;
use crate::domain::report::wording::nights;
use crate::serve::auth::form::PostedForm;
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;
use crate::serve::routes::requested_course::any_course;
use crate::serve::service_status::CourseActivity;
use crate::world::catalogue::ServiceTask;

/// The time until staff can start another night, to spare the hosts.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// When the next night is, or how far the one in progress is; `None` without a service.
pub(super) async fn next_night(library: &Library, course: &CourseView) -> Result<Option<String>, Error> {
    let Some(activity) = library.service_status.of_course(&course.rules.id) else { return Ok(None) };
    Ok(Some(match activity {
        CourseActivity::Running(progress) => nights::running(progress.visited, progress.links),
        CourseActivity::Waiting(_) if is_waiting(library, course).await? => nights::REQUESTED.to_owned(),
        CourseActivity::Waiting(next) => nights::next(next.as_ref(), library.today_at(course)),
    }))
}

async fn is_waiting(library: &Library, course: &CourseView) -> Result<bool, Error> {
    let requests = library.catalogue.waiting_requests().await?;
    Ok(requests.iter().any(|request| request.task == ServiceTask::Night(course.rules.id.clone())))
}

/// Whether a night of the course can be requested now.
pub(super) async fn can_start(library: &Library, course: &CourseView) -> Result<bool, Error> {
    let is_idle =
        matches!(library.service_status.of_course(&course.rules.id), Some(CourseActivity::Waiting(_)));
    if !is_idle {
        return Ok(false);
    }
    let since = library.clock.now().saturating_sub(MIN_INTERVAL).unwrap_or(Timestamp::MIN);
    Ok(!library.catalogue.is_night_requested(&course.rules.id, since).await?)
}

/// Staff request a night of the course.
pub(in crate::serve) async fn request(
    State(state): State<DashboardState>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: PostedForm,
) -> RouteResult {
    let library = &state.library;
    let base = &library.settings.base_url;
    let course = match any_course(library, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let id = &course.rules.id;
    if visitor.access_level(&course.rules) < AccessLevel::Staff {
        return login::staff_required(base, &visitor, &course.rules);
    }
    if !state.form_tokens.is_valid(&visitor, id, &form) {
        return login::outdated_form(base);
    }
    if can_start(library, &course).await? {
        library.catalogue.request_service(&ServiceTask::Night(id.clone()), library.clock.now()).await?;
    }
    Ok(respond::see_other(&base.at(&format!("/c/{id}/health"))))
}
