//! What browsers and robots ask for by themselves.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::desk::Desk;

/// Where robots would find nothing but strangers' documents over and over, or
/// pages for one person. They may see the others, which tell them in their
/// headers not to keep what they saw; and whoever checks links may follow `/go/`.
const NOT_FOR_ROBOTS: [&str; 8] =
    ["/a/", "/act/", "/api/", "/blob/", "/letters/", "/timegate/", "/timemap/", "/web/"];

/// `/robots.txt` (RFC 9309)
pub(super) async fn robots(State(desk): State<Arc<Desk>>) -> Response {
    let base = &desk.settings.base_url;
    let lines: String = NOT_FOR_ROBOTS.map(|path| format!("Disallow: {}\n", base.at(path))).concat();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, format!("User-agent: *\n{lines}")).into_response()
}

/// `/favicon.ico`: our pages name none, but a browser that shows a copy looks for one.
pub(super) async fn icon() -> Response {
    (StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "public, max-age=86400")]).into_response()
}
