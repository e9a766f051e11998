//! `/api/v1`: the links of a course for programs, and the script that course pages include.

mod captures;
mod search;

pub(super) use captures::{capture, courses};
pub(super) use search::search;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{self, Answer, Audience, Fault, header_value};
use super::desk::{Desk, Found, Shelf};
use super::list;
use super::offer::{self, Offer};
use super::visitor::Visitor;
use crate::domain::capture::{Capture, Stamp};
use crate::domain::course::PageSource;
use crate::domain::report::placement::due;
use crate::domain::report::wording::student;
use crate::serve::visitor::signin;

const SCRIPT: &str = include_str!("pages/onreserve.js");
const DESCRIPTION: &str = include_str!("api/openapi.json");

/// `/onreserve.js`, to be included from any page.
pub(super) async fn script(asked: HeaderMap) -> Response {
    let mut response =
        answer::revalidated(&asked, "text/javascript; charset=utf-8", Audience::Everybody, SCRIPT.to_owned());
    let resource = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(resource, HeaderValue::from_static("cross-origin"));
    response
}

/// `/api/v1/openapi.json`: all of it, as `OpenAPI` 3.1 describes it.
pub(super) async fn description(State(desk): State<Arc<Desk>>, asked: HeaderMap) -> Answer {
    let mut description: Value = serde_json::from_str(DESCRIPTION).map_err(Fault::from)?;
    description["servers"] = json!([{ "url": desk.settings.base_url.absolute("/api/v1") }]);
    let text = serde_json::to_string(&description).map_err(Fault::from)?;
    Ok(answer::revalidated(&asked, "application/json", Audience::Everybody, text))
}

/// `/api/v1/courses/<id>/links`: all links, or with `only=gone` those whose original is gone.
///
/// Course pages show the gone ones by a script, which sends no cookies: so a
/// stranger may ask for those too, and learns their addresses, which stand on
/// the course's page, and where to sign in. A course without a page on the
/// web has no use for the script, and tells strangers nothing.
pub(super) async fn links(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
    asked: HeaderMap,
) -> Answer {
    let shelf = match list::any_shelf(&desk, &course).await {
        Ok(shelf) => shelf,
        Err(answer) => return answer,
    };
    let only_gone = list::parameter(&uri, "only").as_deref() == Some("gone");
    let is_reader = visitor.may_read(&shelf.rules);
    if !is_reader && (!only_gone || origins(&shelf).is_empty()) {
        return signin::refusal(&desk, &visitor, &shelf.rules);
    }
    let links: Vec<Value> = shelf
        .all(&visitor)
        .filter(|found| !only_gone || is_gone(&offer::offer(&desk, found)))
        .map(|found| if is_reader { link(&desk, &found) } else { trace(&desk, &found) })
        .collect();
    let mut body = json!({ "course": shelf.night.course, "links": links });
    if is_reader {
        body["title"] = json!(shelf.night.title);
        body["checked_at"] = json!(shelf.night.finished);
    }
    answer_json(&shelf, &asked, &body)
}

/// JSON about a course, which its own pages may ask for by script.
fn answer_json(shelf: &Shelf, asked: &HeaderMap, body: &Value) -> Answer {
    let text = serde_json::to_string(body).map_err(Fault::from)?;
    let mut response = answer::revalidated(asked, "application/json", audience(shelf), text);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let origin = asked.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if let Some(origin) = origin.filter(|origin| origins(shelf).iter().any(|known| known == origin)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header_value(origin));
    }
    Ok(response)
}

/// For whom the answers of a course are.
pub(super) fn audience(shelf: &Shelf) -> Audience {
    if shelf.rules.admission.is_open() { Audience::Everybody } else { Audience::Readers }
}

/// What a stranger is told of a link that is gone.
pub(super) fn trace(desk: &Desk, found: &Found) -> Value {
    json!({
        "id": found.id(),
        "url": found.item().link,
        "go": desk.settings.base_url.absolute(&format!("/go/{}", found.id())),
        "copy": null,
    })
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

pub(super) fn link(desk: &Desk, found: &Found) -> Value {
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
        "copy": copy.map(|copy| told(desk, copy, item.copy_pages)),
    })
}

fn told(desk: &Desk, copy: &Capture, pages: Option<u32>) -> Value {
    let base = &desk.settings.base_url;
    json!({
        "page": base.absolute(&format!("/a/{}", copy.id())),
        "memento": base.absolute(&format!("/web/{}/{}", Stamp::of(copy.captured_at), copy.link)),
        "sha256": copy.sha256,
        "bytes": copy.bytes,
        "pages": pages,
        "media_type": copy.media_type,
        "captured_at": copy.captured_at,
    })
}
