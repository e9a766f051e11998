//! `/style.css`

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::serve::respond::STYLE;

pub(in crate::serve) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        // Its address contains its digest.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLE).into_response()
}
