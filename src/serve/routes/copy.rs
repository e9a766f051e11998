//! `/a/<capture>`: the page of a copy: when it was made, how to open and cite it,
//! and its other versions.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::capture::CaptureId;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::policy::copy_access::Closed;
use crate::domain::report::figures;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student::{self, CopyCitation};
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::availability::internet_archive_address;
use crate::serve::library::blob::{self, Unreadable};
use crate::serve::library::citation::citation;
use crate::serve::library::comparison::ChangesSince;
use crate::serve::library::copy_link::{CopyLink, measure};
use crate::serve::library::course::LinkView;
use crate::serve::library::page_view::PageKind;
use crate::serve::library::printed_page;
use crate::serve::respond;
use crate::serve::routes::not_readable::unknown;
use crate::serve::routes::unavailable::{OriginalButton, copy_closed};

#[derive(Template)]
#[template(path = "copy.html", config = "src/serve/askama.toml")]
pub(in crate::serve) struct CopyPage<'a> {
    base: &'a BaseUrl,
    course: String,
    course_title: String,
    title: String,
    /// The document's own title, if it differs from the words on the course page.
    own_title: Option<String>,
    summary: String,
    /// The copy, if it opens.
    open: Option<CopyLink>,
    /// The file itself, if the copy opens as a converted page.
    download: Option<DownloadLink>,
    original: Option<OriginalButton>,
    internet_archive: Option<String>,
    copied: String,
    last_ok: Option<String>,
    address: String,
    /// The address of the bytes, if it is not that of the link.
    document: Option<String>,
    versions: Vec<VersionRow>,
    changed: Option<ChangesSince>,
    citation: CopyCitation,
    sha256: String,
    report_problem: Option<String>,
    report_copyright: Option<String>,
}

struct DownloadLink {
    href: String,
    name: String,
}

/// A link that opens a copy.
struct OpenLinks {
    open: CopyLink,
    download: Option<DownloadLink>,
}

struct VersionRow {
    href: String,
    day: String,
    measure: String,
    is_this: bool,
}

pub(in crate::serve) async fn by_id(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> RouteResult {
    let base = &library.settings.base_url;
    let Ok(id) = id.parse::<CaptureId>() else { return respond::page_not_found(base) };
    match library.capture(&visitor, &id).await? {
        Some(found) => page(&library, &visitor, &found.link, &found.kept).await,
        None => unknown(&library, &visitor, || respond::page_not_found(base)),
    }
}

/// The page of a copy. If the copy does not open, the page is a 403; if its
/// existence is not public, a login page or a 451 takes its place.
pub(in crate::serve) async fn page(
    library: &Library,
    visitor: &Visitor,
    link: &LinkView,
    kept: &StoredCapture,
) -> RouteResult {
    let closed = library.may_open(link).err();
    if let Some(closed @ (Closed::TakenDown | Closed::NotAReader)) = closed {
        return copy_closed(library, visitor, link, closed).await;
    }
    let status = if closed.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    respond::page(status, &copy_page(library, link, kept).await?)
}

/// The contents of the page. The copy is linked only if it opens.
pub(in crate::serve) async fn copy_page<'a>(
    library: &'a Library,
    link: &LinkView,
    kept: &StoredCapture,
) -> Result<CopyPage<'a>, Error> {
    let closed = library.may_open(link).err();
    let link_facts = link.facts();
    let capture = &kept.capture;
    let standing = || {
        let shortfall = capture.shortfall.map(student::shortfall);
        let rendered = kept.rendering.as_ref().map(|_| student::RENDERED);
        let sentences = [Some(student::standing(&link_facts.verdict.state)), shortfall, rendered];
        sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let (open, summary) = match closed {
        Some(closed) => (None, format!("This reading {}", student::closed(closed).1)),
        None => match open_links(library, link, kept).await? {
            Ok(open) => (Some(open), standing()),
            Err(unreadable) => (None, unreadable.reason().to_owned()),
        },
    };
    let (open, download) = open.map_or((None, None), |links| (Some(links.open), links.download));
    let title = student::name_of(link_facts);
    let own_title = kept.title.as_deref().map(visible).filter(|own| !own.is_empty() && *own != title);
    let mail_to = |contact: &Option<String>, subject: &str| {
        contact.as_deref().map(|contact| mail_to(contact, subject, &capture.id()))
    };
    Ok(CopyPage {
        base: &library.settings.base_url,
        course: link.course.night.course.to_string(),
        course_title: visible(&link.course.night.title),
        summary,
        download,
        open,
        original: OriginalButton::of(library, link),
        internet_archive: internet_archive_address(link),
        copied: local_day(link, capture.captured_at),
        last_ok: link_facts.last_ok.map(|at| local_day(link, at)),
        address: library.original_address(link),
        document: Some(capture.document.to_string()).filter(|document| *document != link_facts.link.as_str()),
        versions: versions(library, link, kept).await?,
        changed: changes(library, link, kept).await?,
        citation: citation(library, link, kept, &title),
        sha256: capture.sha256.to_string(),
        report_problem: mail_to(&link.course.rules.contact, "A copy does not open"),
        report_copyright: mail_to(&library.settings.copyright_contact, "Copyright"),
        title,
        own_title,
    })
}

/// The bytes of the copy, with the type that is sent and not the claimed one.
async fn open_links(
    library: &Library,
    link: &LinkView,
    kept: &StoredCapture,
) -> Result<Result<OpenLinks, Unreadable>, Error> {
    let capture = &kept.capture;
    let blob = match blob::open(library, link, capture, kept.title.as_deref()).await? {
        Ok(blob) => blob,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let media = student::media(&blob.delivery.content_type, &capture.document);
    let place = link.fragment().map(|fragment| format!("#{fragment}"));
    Ok(Ok(OpenLinks {
        open: CopyLink {
            href: blob::address(library, link, capture, &blob.delivery) + place.as_deref().unwrap_or(""),
            measure: student::measure(media, capture, kept.pages),
        },
        download: printed(library, link, kept).or_else(|| {
            blob.delivery
                .page
                .filter(|page| *page != PageKind::Html && !library.settings.base_url.is_static())
                .map(|_| DownloadLink {
                    href: blob::download_address(library, link, capture, &blob.delivery.name),
                    name: blob.delivery.name.clone(),
                })
        }),
    }))
}

/// The PDF of a page that a browser showed.
fn printed(library: &Library, link: &LinkView, kept: &StoredCapture) -> Option<DownloadLink> {
    let href = printed_page::address(library, link, kept)?;
    Some(DownloadLink { href, name: printed_page::name(link, kept) })
}

/// All versions of the copy, newest first.
async fn versions(
    library: &Library,
    link: &LinkView,
    this: &StoredCapture,
) -> Result<Vec<VersionRow>, Error> {
    let captures = library.captures(&link.facts().link).await?;
    let version = |kept: &StoredCapture| VersionRow {
        href: library.settings.base_url.copy(&kept.capture.id()),
        day: local_day(link, kept.capture.captured_at),
        measure: measure(&kept.capture, kept.pages),
        is_this: kept.capture.id() == this.capture.id(),
    };
    Ok(captures.iter().rev().map(version).collect())
}

/// What changed since the previous version, if the copies open.
async fn changes(
    library: &Library,
    link: &LinkView,
    this: &StoredCapture,
) -> Result<Option<ChangesSince>, Error> {
    if library.may_open(link).is_err() {
        return Ok(None);
    }
    let captures = library.captures(&link.facts().link).await?;
    let position = captures.iter().position(|kept| kept.capture.id() == this.capture.id());
    let previous = position.and_then(|position| captures.get(position.checked_sub(1)?));
    let Some(previous) = previous else { return Ok(None) };
    let since = local_day(link, previous.capture.captured_at);
    let comparison = library.compare(previous, this).await?;
    Ok(comparison.map(|comparison| ChangesSince { since, comparison }))
}

/// The local date, always with its year, because a copy may be read years later.
fn local_day(link: &LinkView, at: Timestamp) -> String {
    figures::local_day(at, link.course.time_zone(), Date::ZERO)
}

fn mail_to(contact: &str, subject: &str, about: &CaptureId) -> String {
    let subject = format!("{subject}: {about}");
    format!("mailto:{contact}?subject={}", utf8_percent_encode(&subject, NON_ALPHANUMERIC))
}
