//! Memento (RFC 7089), pattern 2.1: a `TimeGate` that redirects to mementos, and `TimeMap`s.
//!
//! Clients find the copies of a link by its address and a date. For a link whose
//! copies do not open, the response says why and does not list the versions.

mod datetime;
mod original_uri;
mod versions;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use self::versions::{LinkSource, MementoVersions};
use crate::domain::capture::Stamp;
use crate::domain::evidence::link_history::StoredCapture;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::middleware::copies_origin;
use crate::serve::request_counters::RequestCounters;
use crate::serve::respond::{self, header_value};
use crate::serve::routes::blob;
use crate::serve::routes::not_readable::unknown;
use crate::serve::routes::unavailable::copy_closed;

const ACCEPT_DATETIME: HeaderName = HeaderName::from_static("accept-datetime");
const MEMENTO_DATETIME: HeaderName = HeaderName::from_static("memento-datetime");
const LINK_FORMAT: &str = "application/link-format";

/// A link, and its versions from the oldest to the newest.
struct RequestedOriginal {
    link: LinkView,
    captures: Vec<StoredCapture>,
    versions: MementoVersions,
}

/// The link whose address follows `prefix` in the path; otherwise a response with the reason.
async fn requested_original(
    library: &Library,
    visitor: &Visitor,
    uri: &Uri,
    prefix: &str,
) -> Result<RequestedOriginal, RouteResult> {
    let base = &library.settings.base_url;
    let Some(address) = original_uri::parse(uri, prefix) else {
        let text = format!("Write a full web address after {}", base.absolute(prefix));
        return Err(respond::message(base, StatusCode::BAD_REQUEST, "Not a web address", &text));
    };
    let Some(link) = library.link_at(visitor, &address).await.map_err(Err)? else {
        return Err(unknown(library, visitor, || no_copy(base)));
    };
    if let Err(closed) = library.may_open(&link) {
        return Err(copy_closed(library, visitor, &link, closed).await);
    }
    let captures = library.captures(&link.facts().link).await.map_err(Err)?;
    let captures = last_of_each_second(captures);
    let times = captures.iter().map(|kept| kept.capture.captured_at).collect();
    match MementoVersions::new(base, link.facts().link.clone(), times) {
        Some(versions) => {
            let copies_base = copies_origin::of_link(&library.settings, &link).unwrap_or(base);
            Ok(RequestedOriginal { versions: versions.with_copies_at(copies_base), link, captures })
        }
        None => Err(no_copy(base)),
    }
}

/// The address of a memento has seconds, so of several captures in one second the last is listed.
fn last_of_each_second(mut captures: Vec<StoredCapture>) -> Vec<StoredCapture> {
    captures.reverse();
    captures.dedup_by_key(|kept| Stamp::of(kept.capture.captured_at));
    captures.reverse();
    captures
}

fn no_copy(base: &BaseUrl) -> RouteResult {
    respond::message(base, StatusCode::NOT_FOUND, "No copy", "There is no copy of this address here.")
}

/// `/timegate/<url>`: redirects to the version at the requested time (section 4.5).
pub(in crate::serve) async fn timegate(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    let mut response = match requested_original(&library, &visitor, &uri, "/timegate/").await {
        Ok(original) => negotiate(&library.settings.base_url, &original.versions, &headers)?,
        Err(response) => response?,
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-datetime"));
    Ok(response)
}

fn negotiate(base: &BaseUrl, versions: &MementoVersions, headers: &HeaderMap) -> RouteResult {
    let requested = headers.get(ACCEPT_DATETIME).map(|value| value.to_str().unwrap_or("?").trim());
    let index = match requested.filter(|text| !text.is_empty()).map(datetime::parse) {
        None => versions.newest(),
        Some(Some(at)) => versions.current_at(at),
        Some(None) => {
            let text = "Accept-Datetime must have the form: Thu, 31 May 2007 20:35:00 GMT";
            return respond::message(base, StatusCode::BAD_REQUEST, "Not a valid date", text);
        }
    };
    let mut response = respond::redirect(&versions.address_of(index));
    let headers = response.headers_mut();
    headers.insert(header::LINK, header_value(&versions.link_field(index, LinkSource::TimeGate)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    Ok(response)
}

/// `/timemap/link/<url>`: all versions in link format (section 5).
pub(in crate::serve) async fn timemap_link(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    match requested_original(&library, &visitor, &uri, "/timemap/link/").await {
        Ok(original) => {
            let scope = original.link.course.cache_scope();
            Ok(respond::with_etag(&headers, LINK_FORMAT, scope, original.versions.timemap()))
        }
        Err(response) => response,
    }
}

/// `/timemap/json/<url>`: the same as JSON.
pub(in crate::serve) async fn timemap_json(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    match requested_original(&library, &visitor, &uri, "/timemap/json/").await {
        Ok(original) => {
            let scope = original.link.course.cache_scope();
            let text = serde_json::to_string_pretty(&original.versions.timemap_json())?;
            Ok(respond::with_etag(&headers, "application/json", scope, text))
        }
        Err(response) => response,
    }
}

/// `/web/<14 digits>/<url>`: the bytes of one version.
pub(in crate::serve) async fn memento(
    State(library): State<Arc<Library>>,
    State(counters): State<Arc<RequestCounters>>,
    visitor: Visitor,
    Path((stamp, _url)): Path<(String, String)>,
    request: Parts,
) -> RouteResult {
    let base = &library.settings.base_url;
    let Ok(at) = stamp.parse::<Stamp>() else {
        let text = "The time of a version has 14 digits, as in 20260914023000.";
        return respond::message(base, StatusCode::BAD_REQUEST, "Not a valid time", text);
    };
    let prefix = format!("/web/{stamp}/");
    let original = match requested_original(&library, &visitor, &request.uri, &prefix).await {
        Ok(original) => original,
        Err(response) => return response,
    };
    let mut captures = original.captures.iter().enumerate();
    let version = captures.find(|(_, kept)| Stamp::of(kept.capture.captured_at) == at);
    let Some((index, kept)) = version else { return no_copy(base) };
    let mut response = blob::deliver(&library, &counters, &original.link, kept, &request.headers).await?;
    if is_memento(&response) {
        let headers = response.headers_mut();
        headers.insert(MEMENTO_DATETIME, header_value(&datetime::format(kept.capture.captured_at)));
        let link = original.versions.link_field(index, LinkSource::Memento);
        headers.insert(header::LINK, header_value(&link));
    }
    Ok(response)
}

/// A response with an error page is not a memento.
fn is_memento(response: &Response) -> bool {
    matches!(response.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED)
}
