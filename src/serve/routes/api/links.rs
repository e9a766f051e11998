//! `/api/v1/courses/<id>/links`: all links, or with `only=gone` those whose original is gone or is
//! replaced by the copy.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::domain::policy::copy_access::Original;
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::http::query;
use crate::serve::library::Library;
use crate::serve::library::availability::availability;
use crate::serve::library::course::LinkView;
use crate::serve::routes::api::{course_json, parameters};
use crate::serve::routes::requested_course::any_course;

/// The script for course pages requests the gone links without cookies. So
/// strangers may request them too, if the course has a page on the web. They get
/// only the addresses, which are public there.
pub(in crate::serve) async fn links(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    let base = &library.settings.base_url;
    if let Some(response) = parameters::unknown(base, &uri, &["only"]) {
        return response;
    }
    let only = query::parameter(&uri, "only");
    if only.as_deref().is_some_and(|only| only != "gone") {
        return parameters::refused(base, "The parameter `only` has one value: only=gone");
    }
    let course = match any_course(&library, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let only_gone = only.is_some();
    let is_reader = visitor.may_read(&course.rules);
    if !is_reader && (!only_gone || course_json::origins(&course).is_empty()) {
        return login::reader_required(base, &visitor, &course.rules);
    }
    let is_replaced = |link: &LinkView| matches!(link.original(), Original::Dead | Original::SetAside);
    // A working original whose copy was taken down is not gone.
    let is_selected = |link: &LinkView| {
        !only_gone || (is_replaced(link) && availability(&library, link).is_original_gone())
    };
    let to_json = if is_reader { course_json::link } else { course_json::link_for_stranger };
    let links: Vec<Value> =
        course.links(&visitor).filter(is_selected).map(|link| to_json(&library, &link)).collect();
    let mut body = json!({ "course": course.night.course, "links": links });
    if is_reader {
        body["title"] = json!(course.night.title);
        body["checked_at"] = json!(course.night.finished);
    }
    course_json::response(&course, &headers, &body)
}
