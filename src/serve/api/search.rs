//! `/api/v1/courses/<id>/search?q=`: words inside the copies, for programs.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

use super::answer_json;
use super::told;
use crate::domain::report::wording::student;
use crate::serve::answer::Answer;
use crate::serve::desk::Desk;
use crate::serve::list;
use crate::serve::list::search::{self, Hit, Place};
use crate::serve::visitor::Visitor;

pub(in crate::serve) async fn search(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
    asked: HeaderMap,
) -> Answer {
    let shelf = match list::shelf(&desk, &visitor, &course).await {
        Ok(shelf) => shelf,
        Err(answer) => return answer,
    };
    let query = list::query(&uri);
    let hits = search::inside(&desk, &visitor, &shelf, &query).await?;
    let body = json!({
        "course": shelf.night.course,
        "query": query,
        "documents": hits.iter().map(|hit| document(&desk, hit)).collect::<Vec<_>>(),
    });
    answer_json(&shelf, &asked, &body)
}

fn document(desk: &Desk, hit: &Hit) -> Value {
    json!({
        "link": hit.found.id(),
        "url": hit.found.item().link,
        "label": student::name_of(hit.found.item()),
        "copy": told(desk, &hit.copy, hit.found.item().copy_pages),
        "places": hit.places.iter().map(place).collect::<Vec<_>>(),
    })
}

fn place(place: &Place) -> Value {
    let pieces = place.snippet.iter().map(|piece| json!({ "text": piece.text, "match": piece.is_match }));
    json!({ "page": place.page, "snippet": pieces.collect::<Vec<_>>() })
}
