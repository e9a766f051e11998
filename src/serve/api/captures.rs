//! `/api/v1/courses` and `/api/v1/captures/<id>`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::audience;
use super::told;
use crate::domain::capture::CaptureId;
use crate::domain::policy::access::Closed;
use crate::domain::report::wording::student;
use crate::serve::answer::{self, Answer, Audience, Fault};
use crate::serve::copy::document;
use crate::serve::desk::{Desk, Shelf};
use crate::serve::visitor::Visitor;

/// The courses that the visitor may read.
pub(in crate::serve) async fn courses(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    asked: HeaderMap,
) -> Answer {
    let shelves = desk.shelves().await?;
    let read = shelves.iter().filter(|shelf| visitor.may_read(&shelf.rules));
    let courses: Vec<Value> = read.map(|shelf| course(&desk, shelf)).collect();
    let text = serde_json::to_string(&json!({ "courses": courses })).map_err(Fault::from)?;
    Ok(answer::revalidated(&asked, "application/json", Audience::Readers, text))
}

fn course(desk: &Desk, shelf: &Shelf) -> Value {
    let id = &shelf.night.course;
    let base = &desk.settings.base_url;
    json!({
        "id": id,
        "title": shelf.night.title,
        "checked_at": shelf.night.finished,
        "page": base.absolute(&format!("/c/{id}/")),
        "links": base.absolute(&format!("/api/v1/courses/{id}/links")),
    })
}

/// A capture; what was taken down is refused as everywhere.
pub(in crate::serve) async fn capture(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(id): Path<String>,
    asked: HeaderMap,
) -> Answer {
    let Ok(id) = id.parse::<CaptureId>() else { return answer::no_such_page(&desk) };
    let Some((found, kept)) = desk.capture(&visitor, &id).await? else {
        return answer::no_such_page(&desk);
    };
    let closed = desk.may_open(&found).err();
    if let Some(closed @ (Closed::TakenDown | Closed::ToStrangers)) = closed {
        return document::refusal(&desk, &visitor, &found, closed).await;
    }
    let body = json!({
        "id": id.to_string(),
        "course": found.shelf.night.course,
        "link": found.id(),
        "url": kept.capture.link,
        "label": student::name_of(found.item()),
        "title": kept.title,
        "document": kept.capture.document,
        "opens": closed.is_none(),
        "copy": closed.is_none().then(|| told(&desk, &kept.capture, kept.pages)),
    });
    let text = serde_json::to_string(&body).map_err(Fault::from)?;
    Ok(answer::revalidated(&asked, "application/json", audience(&found.shelf), text))
}
