//! The bytes of a copy, from the archive's file to the reader without ever being in memory whole.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::capture::{Capture, Digest};
use crate::domain::course::{CourseId, Rights};
use crate::domain::policy::access::Closed;
use crate::domain::report::wording::student::{self, CopyCitation};
use crate::serve::answer::{self, Answer, Fault, header_value};
use crate::serve::copy;
use crate::serve::copy::manner::{HEAD_BYTES, Manner};
use crate::serve::copy::origin;
use crate::serve::copy::range::{Wanted, wanted};
use crate::serve::desk::{Desk, Found};
use crate::serve::export::harmless;
use crate::serve::settings::BaseUrl;
use crate::serve::visitor::Visitor;
use crate::serve::visitor::signin;
use crate::world::archive;

/// What is encoded of a file name that came with a request.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

#[derive(Template)]
#[template(path = "refusal.html", config = "src/serve/askama.toml")]
struct Refusal<'a> {
    base: &'a BaseUrl,
    title: &'a str,
    /// What the sentence is about.
    name: &'a str,
    text: &'a str,
    course: &'a CourseId,
    /// With the digest of the copy.
    citation: Option<(CopyCitation, Digest)>,
}

/// The name of a copy in addresses: its digest, and a file name for people.
fn path(capture: &Capture, name: &str) -> String {
    format!("/blob/{}/{name}", capture.sha256)
}

/// Where the bytes of a copy open.
pub(in crate::serve) fn address(desk: &Desk, found: &Found, capture: &Capture, manner: &Manner) -> String {
    let path = path(capture, &file_name(desk, manner));
    match origin::of(desk, found) {
        Some(origin) => origin.absolute(&path),
        None => desk.settings.base_url.at(&path),
    }
}

/// The name of a copy's file, for whoever hands it out.
pub(in crate::serve) fn file_name(desk: &Desk, manner: &Manner) -> String {
    if desk.settings.base_url.is_filed() { harmless::name(manner) } else { manner.name.clone() }
}

/// `/blob/<sha256>/<name>`: the name is for the reader's eye, the digest decides.
pub(in crate::serve) async fn by_digest(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path((sha256, name)): Path<(String, String)>,
    asked: HeaderMap,
) -> Answer {
    let Ok(sha256) = sha256.parse::<Digest>() else { return answer::no_such_page(&desk) };
    let holders = desk.holders(&visitor, sha256).await?;
    let taken_down = holders.iter().find(|(found, _)| found.rights() == Rights::TakenDown);
    if let Some((found, _)) = taken_down {
        return refusal(&desk, &visitor, found, Closed::TakenDown).await;
    }
    if let Some((found, kept)) = holders.iter().find(|(found, _)| desk.may_open(found).is_ok()) {
        let path = || path(&kept.capture, &utf8_percent_encode(&name, NAME).to_string());
        return match origin::elsewhere(&desk, found, &asked, path) {
            Some(answer) => Ok(answer),
            None => deliver(&desk, found, &kept.capture, &asked),
        };
    }
    match holders.first() {
        Some((found, _)) => {
            let closed = desk.may_open(found).err().unwrap_or(Closed::OriginalStands);
            refusal(&desk, &visitor, found, closed).await
        }
        None => answer::no_such_page(&desk),
    }
}

/// Why a copy stays closed, on a page of its own. Of what was taken down, what
/// is needed to cite it is still told (RFC 7725).
pub(in crate::serve) async fn refusal(
    desk: &Desk,
    visitor: &Visitor,
    found: &Found,
    closed: Closed,
) -> Answer {
    let status = match closed {
        Closed::ToStrangers => return signin::refusal(desk, visitor, &found.shelf.rules),
        Closed::TakenDown => StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
        Closed::Licensed | Closed::OutsideTerm | Closed::OriginalStands => StatusCode::FORBIDDEN,
    };
    let (title, text) = student::closed(closed);
    let name = student::name_of(found.item());
    let last = match closed {
        Closed::TakenDown => desk.captures(&found.item().link).await?.pop(),
        Closed::Licensed | Closed::OutsideTerm | Closed::OriginalStands | Closed::ToStrangers => None,
    };
    let page = Refusal {
        base: &desk.settings.base_url,
        title,
        course: &found.shelf.night.course,
        citation: last.map(|kept| (copy::citation(found, &kept, &name), kept.capture.sha256)),
        name: &name,
        text,
    };
    let mut response = answer::page(status, &page)?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A capture's body; the caller has asked whether it may be opened.
pub(in crate::serve) fn deliver(desk: &Desk, found: &Found, capture: &Capture, asked: &HeaderMap) -> Answer {
    let tag = answer::etag(capture.sha256);
    let validators = [
        (header::ETAG, header_value(&tag)),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching(found))),
    ];
    if answer::is_known(asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, validators).into_response());
    }
    let Some((file, manner)) = open(desk, capture)? else {
        let text = "Our copy is not in its place. It has been written down for whoever runs this archive.";
        return answer::message(desk, StatusCode::SERVICE_UNAVAILABLE, "The copy cannot be read", text);
    };
    let text = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    // A part of another version would not fit what the reader has.
    let is_same = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let range = text(header::RANGE).filter(|_| is_same);
    if range.is_none() {
        desk.figures.copies_opened.fetch_add(1, Ordering::Relaxed);
    }
    let mut response = (validators, body(file, capture.bytes, wanted(range, capture.bytes))).into_response();
    if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header_value(&manner.content_type));
        headers.insert(header::CONTENT_DISPOSITION, header_value(&manner.disposition()));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(manner.policy()));
    }
    Ok(response)
}

/// What everybody may always open may be kept for ever, for it never changes;
/// a copy that may be closed tomorrow, or to the next reader of a shared cache,
/// is asked for again, which costs a 304.
fn caching(found: &Found) -> &'static str {
    match found.rights() {
        Rights::Own | Rights::OpenLicence if found.shelf.rules.admission.is_open() => {
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

/// The file of a capture and the manner of its delivery; `None` where the
/// file is not there or not as long as it was.
pub(in crate::serve) fn open(desk: &Desk, capture: &Capture) -> Result<Option<(File, Manner)>, Fault> {
    let file = match desk.archive.open_blob(capture.sha256) {
        Ok(file) => file,
        Err(fault @ archive::Error::Missing(_)) => {
            tracing::error!(%fault, "a copy that the catalogue names is missing");
            return Ok(None);
        }
        Err(fault) => return Err(fault.into()),
    };
    let length = file.metadata()?.len();
    if length != capture.bytes {
        tracing::error!(sha256 = %capture.sha256, length, expected = capture.bytes, "a copy is damaged");
        return Ok(None);
    }
    let mut head = [0; HEAD_BYTES];
    let read = file.read_at(&mut head, 0)?;
    Ok(Some((file, Manner::of(head.get(..read).unwrap_or_default(), capture))))
}

fn body(file: File, length: u64, wanted: Wanted) -> Response {
    let (status, start, end) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0, length),
        Wanted::Part { start, end } => (StatusCode::PARTIAL_CONTENT, start, end + 1),
        Wanted::Nothing => {
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
