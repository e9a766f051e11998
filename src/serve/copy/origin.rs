//! An origin of its own for the bytes of copies, where no cookie of ours is known.
//!
//! Whatever a browser may one day run of a stranger's bytes, it runs there,
//! away from everything that readers and staff are signed in to. Only courses
//! that everybody may read move there: a closed one needs the session that
//! this origin must never see.

use axum::http::header::{self, HeaderMap};
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use crate::domain::policy::admission::Readers;
use crate::serve::BaseUrl;
use crate::serve::answer::header_value;
use crate::serve::desk::{Desk, Found};

/// What is served there; all else is sent to where it belongs.
const COPIES: [&str; 2] = ["/blob/", "/web/"];

/// Where the bytes of this link's copies belong, if that is not beside the pages.
pub(in crate::serve) fn of<'a>(desk: &'a Desk, found: &Found) -> Option<&'a BaseUrl> {
    let is_for_all = matches!(found.shelf.rules.admission.readers, Readers::Everybody);
    desk.settings.copies_origin.as_ref().filter(|_| is_for_all)
}

/// Whether a request came by the copies' own name.
pub(in crate::serve) fn is_asked(desk: &Desk, headers: &HeaderMap) -> bool {
    let Some(origin) = &desk.settings.copies_origin else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| origin.is_at(&host))
}

/// Whether it belongs there.
pub(in crate::serve) fn is_copy(path: &str) -> bool {
    COPIES.iter().any(|copies| path.starts_with(copies))
}

/// Where what does not belong there is.
pub(in crate::serve) fn beside_the_pages(desk: &Desk, asked: &Uri) -> Response {
    let asked = asked.path_and_query().map_or("/", |path| path.as_str());
    let to = header_value(&desk.settings.base_url.absolute(asked));
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}

/// Where a copy that was asked for beside the pages is to be fetched instead.
pub(in crate::serve) fn elsewhere(
    desk: &Desk,
    found: &Found,
    asked: &HeaderMap,
    path: impl FnOnce() -> String,
) -> Option<Response> {
    let origin = of(desk, found).filter(|_| !is_asked(desk, asked))?;
    let to = header_value(&origin.absolute(&path()));
    Some((StatusCode::FOUND, [(header::LOCATION, to)]).into_response())
}
