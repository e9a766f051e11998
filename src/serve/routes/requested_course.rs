//! Finds the course that a request names.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::domain::course::CourseId;
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;

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
        Ok(None) if library.settings.course(&id).is_some() => Err(respond::message(
            base,
            StatusCode::NOT_FOUND,
            "Not checked yet",
            "The readings of this course appear here after its first night.",
        )),
        Ok(None) => Err(respond::page_not_found(base)),
        Err(error) => Err(Err(error)),
    }
}
