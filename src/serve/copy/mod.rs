//! `/a/<capture>`: what a copy is, when it was made, and how to open and cite it.

pub(super) mod document;
pub(super) mod range;
pub(super) mod manner;
pub(super) mod origin;
pub(super) mod difference;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::difference::Compared;
use super::answer::{self, Answer};
use super::desk::{Desk, Found};
use super::offer;
use super::settings::BaseUrl;
use super::visitor::Visitor;
use crate::domain::capture::CaptureId;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::policy::access::Closed;
use crate::domain::report::figures::{self, full_date};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student::{self, CopyCitation};

#[derive(Template)]
#[template(path = "copy.html", config = "src/serve/askama.toml")]
pub(super) struct CopyPage<'a> {
    base: &'a BaseUrl,
    course: String,
    course_title: String,
    title: String,
    /// The document's own title, where it says another thing than the course page.
    own_title: Option<String>,
    standing: String,
    /// Address and measure of the bytes, where they open.
    open: Option<(String, String)>,
    /// What its button says, and where it leads.
    original: Option<(&'static str, String)>,
    elsewhere: String,
    copied: String,
    last_ok: Option<String>,
    address: String,
    /// Where the bytes came from, where that is another address.
    document: Option<String>,
    versions: Vec<Version>,
    changed: Option<Changed>,
    citation: CopyCitation,
    sha256: String,
    report: Option<String>,
    copyright: Option<String>,
}

/// What changed since an earlier version.
pub(super) struct Changed {
    pub since: String,
    pub compared: Arc<Compared>,
}

struct Version {
    href: String,
    day: String,
    measure: String,
    is_this: bool,
}

pub(super) async fn by_id(State(desk): State<Arc<Desk>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    let Ok(id) = id.parse::<CaptureId>() else { return answer::no_such_page(&desk) };
    match desk.capture(&visitor, &id).await? {
        Some((found, kept)) => page(&desk, &visitor, &found, &kept).await,
        None => answer::no_such_page(&desk),
    }
}

/// The page of a copy; 403 where it does not open, 451 or a way to sign in
/// where it may not even be told of.
pub(super) async fn page(desk: &Desk, visitor: &Visitor, found: &Found, kept: &StoredCapture) -> Answer {
    let closed = desk.may_open(found).err();
    if let Some(closed @ (Closed::TakenDown | Closed::ToStrangers)) = closed {
        return document::refusal(desk, visitor, found, closed).await;
    }
    let status = if closed.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    answer::page(status, &laid_out(desk, found, kept).await?)
}

/// What is told of a copy; how to open it only where it opens.
pub(super) async fn laid_out<'a>(
    desk: &'a Desk,
    found: &Found,
    kept: &StoredCapture,
) -> Result<CopyPage<'a>, answer::Fault> {
    let closed = desk.may_open(found).err();
    let item = found.item();
    let capture = &kept.capture;
    let opened = if closed.is_none() { document::open(desk, capture)? } else { None };
    let standing = match (closed, &opened) {
        (Some(closed), _) => format!("This reading {}", student::closed(closed).1),
        (None, None) => "Our copy is not in its place, so it cannot be opened now.".to_owned(),
        (None, Some(_)) => student::standing(&item.verdict.state).to_owned(),
    };
    let title = student::name_of(item);
    let own_title = kept.title.as_deref().map(visible).filter(|own| !own.is_empty() && *own != title);
    let copied = local_day(found, capture.captured_at);
    Ok(CopyPage {
        base: &desk.settings.base_url,
        course: found.shelf.night.course.to_string(),
        course_title: visible(&found.shelf.night.title),
        standing,
        open: opened.map(|(_, manner)| {
            let measure = student::measure(
                student::media(&manner.content_type, &capture.document),
                capture,
                kept.pages,
            );
            (document::address(desk, found, capture, &manner), measure)
        }),
        original: offer::original(desk, found).map(|to| (student::to_original(&item.verdict.state), to)),
        elsewhere: offer::elsewhere(found),
        last_ok: item.last_ok.map(|at| local_day(found, at)),
        address: item.link.to_string(),
        document: Some(capture.document.to_string()).filter(|document| *document != item.link.as_str()),
        versions: versions(desk, found, kept).await?,
        changed: changed(desk, found, kept).await?,
        citation: citation(found, kept, &title),
        sha256: capture.sha256.to_string(),
        report: found
            .shelf
            .rules
            .contact
            .as_deref()
            .map(|to| letter(to, "A copy does not open", &kept.capture.id())),
        copyright: desk
            .settings
            .copyright_contact
            .as_deref()
            .map(|to| letter(to, "Copyright", &kept.capture.id())),
        title,
        own_title,
        copied,
    })
}

/// How to cite a copy, by its own title or else by its name on the course page.
pub(super) fn citation(found: &Found, kept: &StoredCapture, name: &str) -> CopyCitation {
    let own = kept.title.as_deref().map(visible).filter(|own| !own.is_empty());
    let copied = kept.capture.captured_at.to_zoned_datetime(found.shelf.time_zone().clone()).date();
    CopyCitation::new(own.as_deref().unwrap_or(name), &kept.capture.link, &full_date(copied))
}

async fn versions(desk: &Desk, found: &Found, this: &StoredCapture) -> Result<Vec<Version>, answer::Fault> {
    let captures = desk.captures(&found.item().link).await?;
    let version = |kept: &StoredCapture| Version {
        href: desk.settings.base_url.copy(&kept.capture.id()),
        day: local_day(found, kept.capture.captured_at),
        measure: student::measure(
            student::media(&kept.capture.media_type, &kept.capture.document),
            &kept.capture,
            kept.pages,
        ),
        is_this: kept.capture.id() == this.capture.id(),
    };
    Ok(captures.iter().rev().map(version).collect())
}

/// What changed since the version before, where both open.
async fn changed(desk: &Desk, found: &Found, this: &StoredCapture) -> Result<Option<Changed>, answer::Fault> {
    if desk.may_open(found).is_err() {
        return Ok(None);
    }
    let captures = desk.captures(&found.item().link).await?;
    let place = captures.iter().position(|kept| kept.capture.id() == this.capture.id());
    let before = place.and_then(|place| place.checked_sub(1)).and_then(|place| captures.get(place));
    let Some(before) = before else { return Ok(None) };
    let since = local_day(found, before.capture.captured_at);
    Ok(difference::since(desk, before, this).await?.map(|compared| Changed { since, compared }))
}

/// The local day, always with its year: a copy is read for years.
fn local_day(found: &Found, at: Timestamp) -> String {
    figures::local_day(at, found.shelf.time_zone(), Date::ZERO)
}

fn letter(to: &str, subject: &str, about: &CaptureId) -> String {
    let subject = format!("{subject}: {about}");
    format!("mailto:{to}?subject={}", utf8_percent_encode(&subject, NON_ALPHANUMERIC))
}
