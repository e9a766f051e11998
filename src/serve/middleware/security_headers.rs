//! The headers of every response, and the count of responses.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::serve::request_counters::RequestCounters;

/// Pages load only the style sheet.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                           base-uri 'none'; frame-ancestors 'none'";

/// Device features that no page uses.
const PERMISSIONS_POLICY: &str = "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), \
                                  midi=(), payment=(), serial=(), usb=()";

const HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex, noarchive, nofollow"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", PERMISSIONS_POLICY),
    ("content-security-policy", PAGE_POLICY),
];

/// Adds the headers that the handler did not set, and counts the response.
pub(in crate::serve) async fn security_headers(
    State(counters): State<Arc<RequestCounters>>,
    request: Request,
    next: Next,
) -> Response {
    // A service worker from a copy would control all pages of the origin.
    let mut response = if request.headers().contains_key("service-worker") {
        (StatusCode::FORBIDDEN, "Service workers are not served here.\n").into_response()
    } else {
        next.run(request).await
    };
    counters.count_response(response.status());
    // A browser replaces the stored headers of a copy by those of a 304
    // (RFC 9111 section 3.2), so a 304 must not carry the policy for pages.
    if response.status() == StatusCode::NOT_MODIFIED {
        return response;
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    response
}
