//! Finds the course that a request names.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::tz::TimeZone;

use crate::domain::course::CourseId;
use crate::domain::report::wording::nights;
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;
use crate::serve::service_status::CourseActivity;

/// The course, if the visitor may read it; otherwise a response with the reason.
pub(in crate::serve) async fn readable_course(
    library: &Library,
    visitor: &Visitor,
    course: &str,
) -> Result<Arc<CourseView>, RouteResult> {
    let course = any_course(library, course).await?;
    if visitor.may_read(&course.rules) {
        Ok(course)
    } else {
        Err(login::reader_required(&library.settings.base_url, visitor, &course.rules))
    }
}

/// The course, for every visitor; otherwise a response with the reason.
pub(in crate::serve) async fn any_course(
    library: &Library,
    course: &str,
) -> Result<Arc<CourseView>, RouteResult> {
    let base = &library.settings.base_url;
    let Ok(id) = course.parse::<CourseId>() else { return Err(respond::page_not_found(base)) };
    match library.course(&id).await {
        Ok(Some(course)) => Ok(course),
        Ok(None) if library.settings.courses.iter().any(|rules| rules.id == id) => Err(respond::message(
            base,
            StatusCode::NOT_FOUND,
            nights::NOT_CHECKED_YET,
            &first_night(library, &id),
        )),
        Ok(None) => Err(respond::page_not_found(base)),
        Err(error) => Err(Err(error)),
    }
}

/// When the first night of a course is, or how far it is.
fn first_night(library: &Library, course: &CourseId) -> String {
    match library.service_status.of_course(course) {
        Some(CourseActivity::Running(progress)) => nights::first_running(progress.visited, progress.links),
        Some(CourseActivity::Waiting(next)) => {
            let zone = next.as_ref().map_or(TimeZone::UTC, |next| next.time_zone().clone());
            nights::first_next(next.as_ref(), library.clock.now().to_zoned_datetime(zone).date())
        }
        None => "The readings of this course appear here after its first check.".to_owned(),
    }
}
