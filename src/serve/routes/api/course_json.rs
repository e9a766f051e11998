//! The JSON of links and copies, and responses that the pages of a course may read by script.

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderValue};
use serde_json::{Value, json};

use crate::domain::capture::{Capture, Stamp};
use crate::domain::course::PageSource;
use crate::domain::report::placement::due;
use crate::domain::report::wording::student;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::respond::{self, header_value};

/// JSON about a course, with the CORS header for the origins of the course.
pub(super) fn response(course: &CourseView, headers: &HeaderMap, body: &Value) -> RouteResult {
    let text = serde_json::to_string(body)?;
    let mut response = respond::with_etag(headers, "application/json", course.cache_scope(), text);
    let response_headers = response.headers_mut();
    response_headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if let Some(origin) = origin.filter(|origin| origins(course).iter().any(|known| known == origin)) {
        response_headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header_value(origin));
    }
    Ok(response)
}

/// The origins of the course pages, and the configured ones.
pub(super) fn origins(course: &CourseView) -> Vec<String> {
    let of_page = |page: &PageSource| match page {
        PageSource::Web(address) | PageSource::File { published_at: Some(address), .. } => {
            Some(address.url().origin().ascii_serialization())
        }
        PageSource::File { published_at: None, .. } => None,
    };
    course.night.pages.iter().filter_map(of_page).chain(course.rules.origins.iter().cloned()).collect()
}

/// A link for a reader of the course.
pub(in crate::serve) fn link(library: &Library, link: &LinkView) -> Value {
    let link_facts = link.facts();
    let verdict = &link_facts.verdict;
    let open_copy = link.copy().filter(|_| library.may_open(link).is_ok());
    json!({
        "id": link.id(),
        "url": library.original_address(link),
        "label": student::name_of(link_facts),
        "state": verdict.state.name(),
        "reason": verdict.state.reason(),
        "since": verdict.since,
        "nights": verdict.nights,
        "due": due(&link.course.night, link_facts),
        "words": student::state_of(link_facts),
        "go": library.go(link),
        "original_is_gone": link.is_dead(),
        "copy": open_copy.map(|capture| copy(library, capture, link_facts.copy_pages)),
    })
}

/// A link that leads to the copy, for a stranger: only its address, and whether its original is gone.
pub(in crate::serve) fn link_for_stranger(library: &Library, link: &LinkView) -> Value {
    json!({
        "id": link.id(),
        "url": library.original_address(link),
        "go": library.go(link),
        "original_is_gone": link.is_dead(),
        "copy": null,
    })
}

pub(super) fn copy(library: &Library, capture: &Capture, pages: Option<u32>) -> Value {
    let base = &library.settings.base_url;
    let memento = || base.absolute(&format!("/web/{}/{}", Stamp::of(capture.captured_at), capture.link));
    json!({
        "page": base.absolute(&format!("/a/{}", capture.id())),
        "memento": capture.link.file_path().is_none().then(memento),
        "sha256": capture.sha256,
        "bytes": capture.bytes,
        "pages": pages,
        "media_type": capture.media_type,
        "captured_at": capture.captured_at,
    })
}
