//! `/api/v1`: the links of a course for programs, and the script that course pages include.

mod search;

pub(super) use search::search;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{self, Answer, Fault, header_value};
use super::desk::{Desk, Found, Shelf};
use super::list;
use super::offer::{self, Offer};
use crate::domain::capture::{Capture, Stamp};
use crate::domain::course::PageSource;
use crate::domain::report::place::due;
use crate::domain::report::wording::student;

const SCRIPT: &str = include_str!("pages/onreserve.js");

/// `/onreserve.js`, to be included from any page.
pub(super) async fn script(asked: HeaderMap) -> Response {
    let mut response = answer::revalidated(&asked, "text/javascript; charset=utf-8", SCRIPT.to_owned());
    let resource = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(resource, HeaderValue::from_static("cross-origin"));
    response
}

/// `/api/v1/courses/<id>/links`: all links, or with `only=gone` those whose original is gone.
pub(super) async fn links(
    State(desk): State<Arc<Desk>>,
    Path(course): Path<String>,
    uri: Uri,
    asked: HeaderMap,
) -> Answer {
    let shelf = match list::shelf(&desk, &course).await {
        Ok(shelf) => shelf,
        Err(answer) => return answer,
    };
    let only_gone = list::parameter(&uri, "only").as_deref() == Some("gone");
    let links: Vec<Value> = shelf
        .all()
        .filter(|found| !only_gone || is_gone(&offer::offer(&desk, found)))
        .map(|found| link(&desk, &found))
        .collect();
    let body = json!({
        "course": shelf.night.course,
        "title": shelf.night.title,
        "checked_at": shelf.night.finished,
        "links": links,
    });
    answer_json(&shelf, &asked, &body)
}

/// JSON about a course, which its own pages may ask for by script.
fn answer_json(shelf: &Shelf, asked: &HeaderMap, body: &Value) -> Answer {
    let text = serde_json::to_string(body).map_err(Fault::from)?;
    let mut response = answer::revalidated(asked, "application/json", text);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let origin = asked.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if let Some(origin) = origin.filter(|origin| origins(shelf).iter().any(|known| known == origin)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header_value(origin));
    }
    Ok(response)
}

fn is_gone(offer: &Offer) -> bool {
    match offer {
        Offer::Original(_) | Offer::Doubtful { .. } => false,
        Offer::Copy(_) | Offer::Closed(_) | Offer::Nothing => true,
    }
}

/// Those of the course's own pages, and those configured.
fn origins(shelf: &Shelf) -> Vec<String> {
    let of_page = |page: &PageSource| match page {
        PageSource::Web(address) | PageSource::File { published_at: Some(address), .. } => {
            Some(address.url().origin().ascii_serialization())
        }
        PageSource::File { published_at: None, .. } => None,
    };
    shelf.night.pages.iter().filter_map(of_page).chain(shelf.rules.origins.iter().cloned()).collect()
}

fn link(desk: &Desk, found: &Found) -> Value {
    let item = found.item();
    let verdict = &item.verdict;
    let copy = found.copy().filter(|_| desk.may_open(found).is_ok());
    json!({
        "id": found.id(),
        "url": item.link,
        "label": student::name_of(item),
        "state": verdict.state.name(),
        "reason": verdict.state.reason(),
        "since": verdict.since,
        "nights": verdict.nights,
        "due": due(&found.shelf.night, item),
        "words": student::state(&verdict.state),
        "go": desk.settings.base_url.absolute(&format!("/go/{}", found.id())),
        "copy": copy.map(|copy| told(desk, found, copy)),
    })
}

fn told(desk: &Desk, found: &Found, copy: &Capture) -> Value {
    let base = &desk.settings.base_url;
    json!({
        "page": base.absolute(&format!("/a/{}", copy.id())),
        "memento": base.absolute(&format!("/web/{}/{}", Stamp::of(copy.captured_at), copy.link)),
        "sha256": copy.sha256,
        "bytes": copy.bytes,
        "pages": found.item().copy_pages,
        "media_type": copy.media_type,
        "captured_at": copy.captured_at,
    })
}
