//! Pages for a copy that does not open, and for an original that does not work.

use askama::Template;
use axum::http::StatusCode;

use crate::domain::capture::{Capture, Digest};
use crate::domain::course::CourseId;
use crate::domain::policy::copy_access::Closed;
use crate::domain::report::wording::student::{self, CopyCitation};
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::availability;
use crate::serve::library::citation::citation;
use crate::serve::library::course::LinkView;
use crate::serve::respond::{self, no_store};
use crate::serve::routes::not_readable::not_readable;

#[derive(Template)]
#[template(path = "copy_closed.html", config = "src/serve/askama.toml")]
struct CopyClosedPage<'a> {
    base: &'a BaseUrl,
    title: &'a str,
    /// The name of the reading, which is the subject of `text`.
    name: &'a str,
    text: &'a str,
    course: &'a CourseId,
    cited: Option<CitedCopy>,
}

/// A copy that was taken down, and how to cite it.
struct CitedCopy {
    citation: CopyCitation,
    sha256: Digest,
}

#[derive(Template)]
#[template(path = "unavailable.html", config = "src/serve/askama.toml")]
struct UnavailablePage<'a> {
    base: &'a BaseUrl,
    title: &'a str,
    name: String,
    text: &'a str,
    copy: Option<String>,
    original: Option<OriginalButton>,
    internet_archive: Option<String>,
    address: String,
    course: String,
}

/// A button that leads to the original.
pub(in crate::serve) struct OriginalButton {
    pub label: &'static str,
    pub href: String,
}

impl OriginalButton {
    pub(in crate::serve) fn of(library: &Library, link: &LinkView) -> Option<Self> {
        let href = availability::original_address(library, link)?;
        Some(Self { label: student::to_original(&link.facts().verdict.state), href })
    }
}

/// A page with the reason why a copy does not open. For a copy that was taken down it also
/// shows how to cite it (RFC 7725).
pub(in crate::serve) async fn copy_closed(
    library: &Library,
    visitor: &Visitor,
    link: &LinkView,
    closed: Closed,
) -> RouteResult {
    let base = &library.settings.base_url;
    let status = match closed {
        Closed::NotAReader => {
            return not_readable(library, visitor)
                .unwrap_or_else(|| login::reader_required(base, visitor, &link.course.rules));
        }
        Closed::TakenDown => StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
        Closed::Licensed | Closed::OutsideTerm | Closed::OriginalAvailable => StatusCode::FORBIDDEN,
    };
    let (title, text) = student::closed(closed);
    let name = student::name_of(link.facts());
    let latest = match closed {
        Closed::TakenDown => library.captures(&link.facts().link).await?.pop(),
        Closed::Licensed | Closed::OutsideTerm | Closed::OriginalAvailable | Closed::NotAReader => None,
    };
    let cited = latest.map(|kept| CitedCopy {
        citation: citation(library, link, &kept, &name),
        sha256: kept.capture.sha256,
    });
    let page = CopyClosedPage { base, title, name: &name, text, course: &link.course.night.course, cited };
    respond::page(status, &page).map(no_store)
}

/// A page for an original that does not work, with other places for the reading.
pub(in crate::serve) fn original_unavailable(
    library: &Library,
    link: &LinkView,
    status: StatusCode,
    copy: Option<&Capture>,
) -> RouteResult {
    let (title, text) = student::without_copy(&link.facts().verdict.state);
    let base = &library.settings.base_url;
    let page = UnavailablePage {
        base,
        title,
        name: student::name_of(link.facts()),
        text,
        copy: copy.map(|copy| base.copy(&copy.id())),
        original: OriginalButton::of(library, link),
        internet_archive: availability::internet_archive_address(link),
        address: library.original_address(link),
        course: link.course.night.course.to_string(),
    };
    respond::page(status, &page)
}
