//! `/api/v1/courses/<id>/search?q=`: full-text search in the copies of a course.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::http::query;
use crate::serve::library::Library;
use crate::serve::library::search::{self, DocumentHit, HitPassage};
use crate::serve::routes::api::{course_json, parameters};
use crate::serve::routes::requested_course::readable_course;

pub(in crate::serve) async fn search(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    let base = &library.settings.base_url;
    if let Some(response) = parameters::unknown(base, &uri, &["q"]) {
        return response;
    }
    match query::parameter(&uri, "q") {
        None => return parameters::refused(base, "The parameter `q` with the words to find is missing."),
        Some(words) if words.chars().count() > query::MAX_QUERY_CHARS => {
            let text = format!("The parameter `q` has at most {} characters.", query::MAX_QUERY_CHARS);
            return parameters::refused(base, &text);
        }
        Some(_) => {}
    }
    let course = match readable_course(&library, &visitor, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let query = query::search_words(&uri);
    let hits = search::search(&library, &visitor, &course, &query).await?;
    let body = json!({
        "course": course.night.course,
        "query": query,
        "documents": hits.iter().map(|hit| document(&library, hit)).collect::<Vec<_>>(),
    });
    course_json::response(&course, &headers, &body)
}

fn document(library: &Library, hit: &DocumentHit) -> Value {
    let link_facts = hit.link.facts();
    json!({
        "link": hit.link.id(),
        "url": library.original_address(&hit.link),
        "label": student::name_of(link_facts),
        "copy": course_json::copy(library, &hit.copy, link_facts.copy_pages),
        "places": hit.passages.iter().map(passage).collect::<Vec<_>>(),
    })
}

fn passage(passage: &HitPassage) -> Value {
    let pieces = passage.snippet.iter().map(|piece| json!({ "text": piece.text, "match": piece.is_match }));
    json!({ "page": passage.page, "snippet": pieces.collect::<Vec<_>>() })
}
