//! `/blob/<sha256>/<name>`: the bytes of a copy, streamed from the archive.

use std::fs::File;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::domain::capture::Digest;
use crate::domain::course::Rights;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::policy::copy_access::Closed;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::http::range::{self, RequestedRange};
use crate::serve::library::Library;
use crate::serve::library::blob;
use crate::serve::library::course::LinkView;
use crate::serve::middleware::copies_origin;
use crate::serve::request_counters::RequestCounters;
use crate::serve::respond::{self, header_value};
use crate::serve::routes::not_readable::unknown;
use crate::serve::routes::unavailable::copy_closed;
use crate::world::archive;

/// The digest identifies the copy. The name in the address is only for people.
pub(in crate::serve) async fn by_digest(
    State(library): State<Arc<Library>>,
    State(counters): State<Arc<RequestCounters>>,
    visitor: Visitor,
    Path((sha256, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> RouteResult {
    let base = &library.settings.base_url;
    let Ok(sha256) = sha256.parse::<Digest>() else { return respond::page_not_found(base) };
    let captures = library.captures_of_digest(&visitor, sha256).await?;
    if let Some(taken_down) = captures.iter().find(|it| library.may_open(&it.link) == Err(Closed::TakenDown))
    {
        return copy_closed(&library, &visitor, &taken_down.link, Closed::TakenDown).await;
    }
    let mut closed = None;
    for found in &captures {
        match library.may_open(&found.link) {
            Ok(()) => {
                let capture = &found.kept.capture;
                let path = || blob::path(capture, &blob::encoded(&name));
                return match copies_origin::redirect(&library.settings, &found.link, &headers, path) {
                    Some(redirect) => Ok(redirect),
                    None => deliver(&library, &counters, &found.link, &found.kept, &headers).await,
                };
            }
            Err(why) => closed = closed.or(Some((&found.link, why))),
        }
    }
    match closed {
        Some((link, why)) => copy_closed(&library, &visitor, link, why).await,
        None => unknown(&library, &visitor, || respond::page_not_found(base)),
    }
}

/// The bytes of a capture. The caller has checked that it may be opened.
pub(in crate::serve) async fn deliver(
    library: &Library,
    counters: &RequestCounters,
    link: &LinkView,
    kept: &StoredCapture,
    headers: &HeaderMap,
) -> RouteResult {
    let capture = &kept.capture;
    let tag = respond::etag(capture.sha256);
    let validators = [
        (header::ETAG, header_value(&tag)),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache_control(link))),
    ];
    if respond::matches_etag(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, validators).into_response());
    }
    let blob = match blob::open(library, link, capture, kept.title.as_deref()).await? {
        Ok(blob) => blob,
        Err(unreadable) => {
            let text =
                format!("{} The error was logged for the operator of this service.", unreadable.reason());
            let base = &library.settings.base_url;
            let title = "The copy cannot be read";
            return respond::message(base, StatusCode::SERVICE_UNAVAILABLE, title, &text)
                .map(respond::no_store);
        }
    };
    if respond::matches_any(headers) {
        return Ok((StatusCode::NOT_MODIFIED, validators).into_response());
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A range of another version would not fit the bytes that the client has.
    let is_same_version = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let range = text(header::RANGE).filter(|_| is_same_version);
    if range.is_none() {
        counters.count_opened_copy();
    }
    let body = body(blob.file, capture.bytes, range::parse(range, capture.bytes));
    let mut response = (validators, body).into_response();
    if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        let delivery = blob.delivery;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header_value(&delivery.content_type));
        headers.insert(header::CONTENT_DISPOSITION, header_value(&delivery.disposition()));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(delivery.policy()));
    }
    Ok(response)
}

/// A copy that is always open to everyone is cached forever, because its bytes
/// never change. Others are revalidated, because they may be closed later, or to
/// the next user of a shared cache.
fn cache_control(link: &LinkView) -> &'static str {
    match link.rights() {
        Rights::Own | Rights::OpenLicence if link.course.rules.admission.is_open() => {
            "public, max-age=31536000, immutable"
        }
        Rights::Own
        | Rights::OpenLicence
        | Rights::FairUse
        | Rights::Licensed
        | Rights::TakenDown
        | Rights::Unknown => "private, no-cache",
    }
}

fn body(file: File, length: u64, range: RequestedRange) -> Response {
    let (status, start, end) = match range {
        RequestedRange::Whole => (StatusCode::OK, 0, length),
        RequestedRange::Part { start, end } => (StatusCode::PARTIAL_CONTENT, start, end + 1),
        RequestedRange::Unsatisfiable => {
            let range = header_value(&format!("bytes */{length}"));
            return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, range)]).into_response();
        }
    };
    let mut response = (status, Body::from_stream(archive::stream(file, start, end))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    if status == StatusCode::PARTIAL_CONTENT {
        headers.insert(header::CONTENT_RANGE, header_value(&format!("bytes {start}-{}/{length}", end - 1)));
    }
    response
}
