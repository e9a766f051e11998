//! `/view/<capture>/`: a copy as a page, and `/view/<capture>/<n>`: its requisites.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::domain::address::Address;
use crate::domain::capture::{CaptureId, Digest};
use crate::domain::filename;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::delivery::HEAD_BYTES;
use crate::serve::library::page_view::{self, CapturePage, PageKind};
use crate::serve::library::printed_page;
use crate::serve::library::{Library, LinkCapture, delivery};
use crate::serve::middleware::copies_origin;
use crate::serve::request_counters::RequestCounters;
use crate::serve::respond::{self, header_value};
use crate::serve::routes::not_readable::unknown;
use crate::serve::routes::unavailable::copy_closed;

/// A page loads only its requisites, from this origin. It runs no script and sends no form.
/// Without scripts, `allow-same-origin` gives it nothing more, but otherwise browsers would
/// send no session with the requests for requisites. Links may open
/// new windows.
const PAGE_POLICY: &str = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox \
     allow-top-navigation-by-user-activation; default-src 'none'; img-src 'self' data:; \
     style-src 'self' 'unsafe-inline'; font-src 'self' data:; media-src 'self'; frame-src 'self'; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// The content of a page or of a requisite.
struct ShownFile {
    address: Address,
    sha256: Digest,
    bytes: u64,
    media_type: String,
}

/// The page of a capture.
pub(in crate::serve) async fn page(
    State(library): State<Arc<Library>>,
    State(counters): State<Arc<RequestCounters>>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> RouteResult {
    let base = &library.settings.base_url;
    let Some(found) = capture(&library, &visitor, &id).await? else {
        return unknown(&library, &visitor, || respond::page_not_found(base));
    };
    counters.count_opened_copy();
    let capture = &found.kept.capture;
    let part = ShownFile {
        address: capture.document.clone(),
        sha256: capture.sha256,
        bytes: capture.bytes,
        media_type: capture.media_type.clone(),
    };
    respond_with(&library, &visitor, &found, &headers, part).await
}

/// A requisite of the page of a capture, or another file of it.
pub(in crate::serve) async fn requisite(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path((id, place)): Path<(String, usize)>,
    headers: HeaderMap,
) -> RouteResult {
    let base = &library.settings.base_url;
    let Some(found) = capture(&library, &visitor, &id).await? else {
        return unknown(&library, &visitor, || respond::page_not_found(base));
    };
    let Some(requisite) = found.kept.files().nth(place) else { return respond::page_not_found(base) };
    let part = ShownFile {
        address: requisite.address.clone(),
        sha256: requisite.sha256,
        bytes: requisite.bytes,
        media_type: requisite.media_type.clone(),
    };
    respond_with(&library, &visitor, &found, &headers, part).await
}

async fn capture(library: &Library, visitor: &Visitor, id: &str) -> Result<Option<LinkCapture>, Error> {
    let Ok(id) = id.parse::<CaptureId>() else { return Ok(None) };
    library.capture(visitor, &id).await
}

async fn respond_with(
    library: &Library,
    visitor: &Visitor,
    found: &LinkCapture,
    headers: &HeaderMap,
    part: ShownFile,
) -> RouteResult {
    if let Err(closed) = library.may_open(&found.link) {
        return copy_closed(library, visitor, &found.link, closed).await;
    }
    let path = || page_view::path(&found.kept.capture.id());
    if let Some(redirect) = copies_origin::redirect(&library.settings, &found.link, headers, path) {
        return Ok(redirect);
    }
    let base = &library.settings.base_url;
    let Some((bytes, _)) = page_view::read_file(library, part.sha256, part.bytes)? else {
        return respond::page_not_found(base);
    };
    let head = bytes.get(..HEAD_BYTES).unwrap_or(&bytes);
    let Some(kind) = page_view::kind(head, &part.media_type, &part.address) else {
        let mut response = raw(part.sha256, headers, &part.media_type, bytes);
        let printed = printed_page::of(&found.kept);
        if printed.is_some_and(|pdf| pdf.sha256 == part.sha256) {
            let name = filename::attachment(&printed_page::name(&found.link, &found.kept), true);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_DISPOSITION, header_value(&name));
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(delivery::PDF_POLICY));
        }
        return Ok(response);
    };
    let context = CapturePage::of(library, visitor, &found.link, &found.kept);
    let page = if kind == PageKind::OfficeText {
        library.catalogue.text(part.sha256).await?.map(|text| context.render_office_text(&text))
    } else {
        let rendering = tokio::task::spawn_blocking(move || {
            context.render(kind, &bytes, &part.address, &part.media_type)
        });
        rendering.await.map_err(|error| Error::ReadCopy(std::io::Error::other(error)))?
    };
    let Some(page) = page else {
        let text =
            "This copy cannot be shown as a page. You can still download it from the page of the copy.";
        return respond::message(base, StatusCode::UNPROCESSABLE_ENTITY, "The copy cannot be shown", text);
    };
    let tag = respond::etag(Digest::of(page.text.as_bytes()));
    let mut response = if respond::matches_etag(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, page.content_type)], page.text).into_response()
    };
    insert_headers(&mut response, &tag);
    Ok(response)
}

/// The bytes of a requisite that is sent unchanged: a picture, a font, captions.
fn raw(sha256: Digest, headers: &HeaderMap, claimed: &str, bytes: Vec<u8>) -> Response {
    let tag = respond::etag(sha256);
    let content_type = delivery::requisite_type(&bytes, claimed);
    let mut response = if respond::matches_etag(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, header_value(content_type))], bytes).into_response()
    };
    insert_headers(&mut response, &tag);
    response
}

fn insert_headers(response: &mut Response, tag: &str) {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, header_value(tag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
}
