//! `/api/v1/courses` and `/api/v1/captures/<id>`

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::domain::capture::CaptureId;
use crate::domain::policy::copy_access::Closed;
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond::{self, CacheScope};
use crate::serve::routes::api::{course_json, parameters};
use crate::serve::routes::not_readable::unknown;
use crate::serve::routes::unavailable::copy_closed;

/// The courses that the visitor may read.
pub(in crate::serve) async fn courses(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    if let Some(response) = parameters::unknown(&library.settings.base_url, &uri, &[]) {
        return response;
    }
    let courses = library.courses().await?;
    let readable = courses.iter().filter(|course| visitor.may_read(&course.rules));
    let courses: Vec<Value> = readable.map(|it| course(&library.settings.base_url, it)).collect();
    let text = serde_json::to_string(&json!({ "courses": courses }))?;
    Ok(respond::with_etag(&headers, "application/json", CacheScope::Private, text))
}

fn course(base: &BaseUrl, course: &CourseView) -> Value {
    let id = &course.night.course;
    json!({
        "id": id,
        "title": course.night.title,
        "checked_at": course.night.finished,
        "page": base.absolute(&format!("/c/{id}/")),
        "links": base.absolute(&format!("/api/v1/courses/{id}/links")),
    })
}

/// One capture. A copy that was taken down is a 451 as on the pages.
pub(in crate::serve) async fn capture(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    let base = &library.settings.base_url;
    if let Some(response) = parameters::unknown(base, &uri, &[]) {
        return response;
    }
    let Ok(id) = id.parse::<CaptureId>() else { return respond::page_not_found(base) };
    let Some(found) = library.capture(&visitor, &id).await? else {
        return unknown(&library, &visitor, || respond::page_not_found(base));
    };
    let (link, kept) = (&found.link, &found.kept);
    let closed = library.may_open(link).err();
    if let Some(closed @ (Closed::TakenDown | Closed::NotAReader)) = closed {
        return copy_closed(&library, &visitor, link, closed).await;
    }
    let body = json!({
        "id": id.to_string(),
        "course": link.course.night.course,
        "link": link.id(),
        "url": library.public_address(link, &kept.capture.link),
        "label": student::name_of(link.facts()),
        "title": kept.title,
        "document": library.public_address(link, &kept.capture.document),
        "opens": closed.is_none(),
        "copy": closed.is_none().then(|| course_json::copy(&library, &kept.capture, kept.pages)),
    });
    let text = serde_json::to_string(&body)?;
    Ok(respond::with_etag(&headers, "application/json", link.course.cache_scope(), text))
}
