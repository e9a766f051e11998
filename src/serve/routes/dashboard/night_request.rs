//! `/c/<course>/check`: staff start a night of the course. The dashboard shows how far it is.

use axum::extract::{Path, State};

use crate::domain::report::wording::nights;
use crate::serve::auth::form::PostedForm;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;
use crate::serve::routes::actions::staff;
use crate::serve::routes::dashboard_state::DashboardState;
use crate::serve::service_status::CourseActivity;

/// When the next night is, or how far the one in progress is; `None` without a service.
pub(super) async fn next_night(library: &Library, course: &CourseView) -> Result<Option<String>, Error> {
    let Some(activity) = library.service_status.of_course(&course.rules.id) else { return Ok(None) };
    Ok(Some(match activity {
        CourseActivity::Running(progress) => nights::running(progress.visited, progress.links),
        CourseActivity::Waiting(_) if library.is_night_waiting(course).await? => nights::REQUESTED.to_owned(),
        CourseActivity::Waiting(next) => nights::next(next.as_ref(), library.today_at(course)),
    }))
}

/// Staff request a night of the course.
pub(in crate::serve) async fn request(
    State(state): State<DashboardState>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: PostedForm,
) -> RouteResult {
    let course = match staff::with_form(&state, &visitor, &course, &form).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    state.library.request_night(&course).await?;
    Ok(respond::see_other(&state.library.settings.base_url.at(&format!("/c/{}/health", course.rules.id))))
}
