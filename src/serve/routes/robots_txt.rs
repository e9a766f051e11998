//! `/robots.txt` and `/favicon.ico`

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::serve::settings::ServeSettings;

/// Paths with copies of other websites, or with pages for one person. Robots may request
/// the other pages, which have `noindex`, and `/go/`, so that link checkers can
/// follow it.
const DISALLOWED: [&str; 8] =
    ["/a/", "/act/", "/api/", "/blob/", "/letters/", "/timegate/", "/timemap/", "/web/"];

/// `/robots.txt` (RFC 9309)
pub(in crate::serve) async fn robots(State(settings): State<Arc<ServeSettings>>) -> Response {
    let base = &settings.base_url;
    let lines: String = DISALLOWED.map(|path| format!("Disallow: {}\n", base.at(path))).concat();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, format!("User-agent: *\n{lines}")).into_response()
}

/// `/favicon.ico`: empty. Browsers request it when they show a copy.
pub(in crate::serve) async fn favicon() -> Response {
    (StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "public, max-age=86400")]).into_response()
}
