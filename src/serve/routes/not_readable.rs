//! The response for links and copies that a visitor may not read.
//!
//! It is the same whether a restricted course has the link or no course has it, so that
//! strangers cannot find out which links a restricted course has.

use axum::http::StatusCode;

use crate::domain::report::wording::student;
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::respond::{self, no_store};

/// The response if there may be a course that the visitor may not read; `None` if they may
/// read every course.
///
/// It depends on the visitor alone, never on what is requested.
pub(in crate::serve) fn not_readable(library: &Library, visitor: &Visitor) -> Option<RouteResult> {
    let base = &library.settings.base_url;
    let mut closed = library.settings.courses.iter().filter(|rules| !visitor.may_read(rules));
    let first = closed.next()?;
    if closed.next().is_none() {
        return Some(login::reader_required(base, visitor, first));
    }
    let (title, text) = student::SIGN_IN_FIRST;
    Some(respond::message(base, StatusCode::FORBIDDEN, title, text).map(no_store))
}

/// The response for a link that no course has.
pub(in crate::serve) fn unknown(
    library: &Library,
    visitor: &Visitor,
    not_found: impl FnOnce() -> RouteResult,
) -> RouteResult {
    not_readable(library, visitor).unwrap_or_else(not_found)
}
