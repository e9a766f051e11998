//! Memento (RFC 7089), pattern 2.1: a `TimeGate` and mementos of our own, by redirect.
//!
//! Clients find a link's copies by its address and a date. What may not be
//! opened is refused here as everywhere, and then without a word of versions.

mod datetime;
mod target;
mod versions;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::answer::{self, Answer, Fault, header_value};
use super::api::audience;
use super::desk::{Desk, Found};
use super::visitor::Visitor;
use crate::domain::capture::Stamp;
use crate::domain::evidence::link_history::StoredCapture;
use crate::serve::copy::{document, origin};
use versions::Versions;

const ACCEPT_DATETIME: HeaderName = HeaderName::from_static("accept-datetime");
const MEMENTO_DATETIME: HeaderName = HeaderName::from_static("memento-datetime");
const LINK_FORMAT: &str = "application/link-format";

/// A link, and its versions in the order of time.
struct Known {
    found: Found,
    captures: Vec<StoredCapture>,
    versions: Versions,
}

/// The link that stands at the end of our own address; else the answer that says why not.
async fn known(desk: &Arc<Desk>, visitor: &Visitor, uri: &Uri, before: &str) -> Result<Known, Answer> {
    let Some(address) = target::address(uri, before) else {
        let text = "After our own address, a full web address is expected.";
        return Err(answer::message(desk, StatusCode::BAD_REQUEST, "This is no web address", text));
    };
    let found = desk.link_at(visitor, &address).await.map_err(|fault| Err(fault.into()))?;
    let Some(found) = found else { return Err(nothing_kept(desk)) };
    if let Err(closed) = desk.may_open(&found) {
        return Err(document::refusal(desk, visitor, &found, closed).await);
    }
    let mut captures = desk.captures(&found.item().link).await.map_err(|fault| Err(fault.into()))?;
    // An address has room for one capture a second; the last one stands.
    captures.reverse();
    captures.dedup_by_key(|kept| Stamp::of(kept.capture.captured_at));
    captures.reverse();
    let times = captures.iter().map(|kept| kept.capture.captured_at).collect();
    let versions = Versions::new(&desk.settings.base_url, found.item().link.clone(), times)
        .kept_at(origin::of(desk, &found).unwrap_or(&desk.settings.base_url));
    if captures.is_empty() { Err(nothing_kept(desk)) } else { Ok(Known { found, captures, versions }) }
}

fn nothing_kept(desk: &Desk) -> Answer {
    answer::message(desk, StatusCode::NOT_FOUND, "We have no copy", "No copy of this address is kept here.")
}

/// `/timegate/<url>`: to the version that stood at the time asked for (section 4.5).
pub(super) async fn timegate(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    uri: Uri,
    asked: HeaderMap,
) -> Answer {
    let mut answer = match known(&desk, &visitor, &uri, "/timegate/").await {
        Ok(known) => negotiated(&desk, &known, &asked)?,
        Err(answer) => answer?,
    };
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-datetime"));
    Ok(answer)
}

fn negotiated(desk: &Desk, known: &Known, asked: &HeaderMap) -> Answer {
    let wish = asked.get(ACCEPT_DATETIME).map(|value| value.to_str().unwrap_or("?").trim());
    let at = match wish.filter(|wish| !wish.is_empty()).map(datetime::read) {
        None => known.versions.newest(),
        Some(Some(at)) => known.versions.standing_at(at),
        Some(None) => {
            let text = "Accept-Datetime must be written as in: Thu, 31 May 2007 20:35:00 GMT";
            return answer::message(desk, StatusCode::BAD_REQUEST, "This is no date", text);
        }
    };
    let mut response = answer::sent_to(&known.versions.address_of(at));
    let headers = response.headers_mut();
    headers.insert(header::LINK, header_value(&known.versions.link_field(at, versions::From::TimeGate)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    Ok(response)
}

/// `/timemap/link/<url>`: every version (section 5).
pub(super) async fn timemap_link(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    uri: Uri,
    asked: HeaderMap,
) -> Answer {
    match known(&desk, &visitor, &uri, "/timemap/link/").await {
        Ok(known) => Ok(answer::revalidated(
            &asked,
            LINK_FORMAT,
            audience(&known.found.shelf),
            known.versions.timemap(),
        )),
        Err(answer) => answer,
    }
}

/// `/timemap/json/<url>`: the same for programs without a parser for links.
pub(super) async fn timemap_json(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    uri: Uri,
    asked: HeaderMap,
) -> Answer {
    match known(&desk, &visitor, &uri, "/timemap/json/").await {
        Ok(known) => {
            let text = serde_json::to_string_pretty(&known.versions.timemap_json()).map_err(Fault::from)?;
            Ok(answer::revalidated(&asked, "application/json", audience(&known.found.shelf), text))
        }
        Err(answer) => answer,
    }
}

/// `/web/<14 digits>/<url>`: one version, its bytes as they came.
pub(super) async fn memento(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path((stamp, _url)): Path<(String, String)>,
    uri: Uri,
    asked: HeaderMap,
) -> Answer {
    let Ok(at) = stamp.parse::<Stamp>() else {
        let text = "A version is named by 14 digits, as in 20260914023000.";
        return answer::message(&desk, StatusCode::BAD_REQUEST, "This is no date", text);
    };
    let known = match known(&desk, &visitor, &uri, &format!("/web/{stamp}/")).await {
        Ok(known) => known,
        Err(answer) => return answer,
    };
    let place = known.captures.iter().position(|kept| Stamp::of(kept.capture.captured_at) == at);
    let Some((place, kept)) = place.and_then(|place| Some((place, known.captures.get(place)?))) else {
        return nothing_kept(&desk);
    };
    let mut response = document::deliver(&desk, &known.found, &kept.capture, &asked)?;
    if is_of_the_copy(&response) {
        let headers = response.headers_mut();
        headers.insert(MEMENTO_DATETIME, header_value(&datetime::write(kept.capture.captured_at)));
        headers
            .insert(header::LINK, header_value(&known.versions.link_field(place, versions::From::Memento)));
    }
    Ok(response.into_response())
}

/// Pages of our own about a failure are no mementos.
fn is_of_the_copy(response: &Response) -> bool {
    matches!(response.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED)
}
