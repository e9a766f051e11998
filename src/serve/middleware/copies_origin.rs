//! The separate origin for the bytes of copies.
//!
//! Copies come from other websites. If a browser ever runs a script in one, the
//! script runs at this origin, where no session cookie is sent or accepted. Only
//! courses that everyone may read use it, because restricted courses need the
//! session.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap};
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::domain::policy::course_access::Readers;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::library::course::LinkView;
use crate::serve::respond::header_value;
use crate::serve::settings::ServeSettings;

/// The paths that are served at this origin. Others redirect to the pages.
const COPY_PATHS: [&str; 3] = ["/blob/", "/view/", "/web/"];

/// Handles requests to the origin of copies. All their visitors are strangers.
pub(in crate::serve) async fn copies_origin(
    State(settings): State<Arc<ServeSettings>>,
    mut request: Request,
    next: Next,
) -> Response {
    if !is_requested(&settings, request.headers()) {
        return next.run(request).await;
    }
    if !COPY_PATHS.iter().any(|path| request.uri().path().starts_with(path)) {
        return redirect_to_pages(&settings, request.uri());
    }
    request.headers_mut().remove(header::COOKIE);
    request.extensions_mut().insert(Visitor::anonymous());
    next.run(request).await
}

/// The origin for the copies of a link, unless they are served beside the pages.
pub(in crate::serve) fn of_link<'a>(settings: &'a ServeSettings, link: &LinkView) -> Option<&'a BaseUrl> {
    let is_public = matches!(link.course.rules.admission.readers, Readers::Everyone);
    settings.copies_origin.as_ref().filter(|_| is_public)
}

/// A redirect to this origin, if a copy that belongs here is requested beside the pages.
pub(in crate::serve) fn redirect(
    settings: &ServeSettings,
    link: &LinkView,
    headers: &HeaderMap,
    path: impl FnOnce() -> String,
) -> Option<Response> {
    let origin = of_link(settings, link).filter(|_| !is_requested(settings, headers))?;
    Some(found_at(&origin.absolute(&path())))
}

/// Whether the `Host` header names this origin.
fn is_requested(settings: &ServeSettings, headers: &HeaderMap) -> bool {
    let Some(origin) = &settings.copies_origin else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| origin.is_at(&host))
}

fn redirect_to_pages(settings: &ServeSettings, requested: &Uri) -> Response {
    let path = requested.path_and_query().map_or("/", |path| path.as_str());
    found_at(&settings.base_url.absolute(path))
}

fn found_at(location: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, header_value(location))]).into_response()
}
