//! Builds responses: pages, messages, redirects, and texts with an entity tag.

use askama::Template;
use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::base_url::BaseUrl;
use super::error::RouteResult;
use crate::domain::capture::Digest;
use crate::domain::policy::course_access::CourseAccess;

/// The style sheet of all pages.
pub(in crate::serve) const STYLE: &str = include_str!("templates/style.css");
/// The part of the style sheet's digest in its URL, in hexadecimal digits.
const STYLE_VERSION_DIGITS: usize = 8;

/// An HTML page. It may differ at the next request, so caches revalidate it.
pub(in crate::serve) fn page(status: StatusCode, template: &impl Template) -> RouteResult {
    let html = template.render()?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache, private"),
        // The forms of these pages are recognised by their origin, which
        // browsers leave out under `no-referrer`.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    Ok((status, headers, html).into_response())
}

#[derive(Template)]
#[template(path = "message.html", config = "src/serve/askama.toml")]
struct MessagePage<'a> {
    base: &'a BaseUrl,
    title: &'a str,
    text: &'a str,
}

/// A page with a title and one paragraph.
pub(in crate::serve) fn message(base: &BaseUrl, status: StatusCode, title: &str, text: &str) -> RouteResult {
    page(status, &MessagePage { base, title, text })
}

pub(in crate::serve) fn page_not_found(base: &BaseUrl) -> RouteResult {
    message(base, StatusCode::NOT_FOUND, "Page not found", "There is no page at this address.")
}

/// Which caches may store a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum CacheScope {
    /// Shared caches too: the response is the same for everyone.
    Public,
    /// Only the cache of one client.
    Private,
}

impl CacheScope {
    /// The scope of responses about a course.
    pub(in crate::serve) fn of(admission: &CourseAccess) -> Self {
        if admission.is_open() { Self::Public } else { Self::Private }
    }
}

/// A text with an entity tag, or 304 if the client has it (RFC 9110 section 13.1.2).
pub(in crate::serve) fn with_etag(
    request_headers: &HeaderMap,
    content_type: &'static str,
    scope: CacheScope,
    text: String,
) -> Response {
    let tag = etag(Digest::of(text.as_bytes()));
    let mut response = if matches_etag(request_headers, &tag) || matches_any(request_headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, content_type)], text).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, header_value(&tag));
    let cache_control = match scope {
        CacheScope::Public => "no-cache",
        CacheScope::Private => "private, no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    response
}

/// The strong entity tag of a body.
pub(in crate::serve) fn etag(sha256: Digest) -> String {
    format!("\"sha256:{sha256}\"")
}

/// Whether `If-None-Match` lists the tag, by weak comparison (RFC 9110 section 13.1.2).
pub(in crate::serve) fn matches_etag(request_headers: &HeaderMap, tag: &str) -> bool {
    let fields =
        request_headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    fields
        .flat_map(|field| field.split(','))
        .map(str::trim)
        .any(|listed| listed.strip_prefix("W/").unwrap_or(listed) == tag)
}

/// Whether `If-None-Match` is `*`, which matches any existing representation (RFC 9110
/// section 13.1.2).
pub(in crate::serve) fn matches_any(request_headers: &HeaderMap) -> bool {
    let mut fields = request_headers.get_all(header::IF_NONE_MATCH).iter();
    fields.next().is_some_and(|field| field.as_bytes().trim_ascii() == b"*") && fields.next().is_none()
}

/// A header value; empty if the text contains characters that a header must not have.
pub(in crate::serve) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The URL of the style sheet. It contains a digest, so that browsers cache the file forever.
pub(in crate::serve) fn style_address(base: &BaseUrl) -> String {
    let digest = Digest::of(STYLE.as_bytes()).to_string();
    let version: String = digest.chars().take(STYLE_VERSION_DIGITS).collect();
    base.at(&format!("/style.css?{version}"))
}

/// `303 See Other`: after a form, so that reloading the page does not send the form again.
pub(in crate::serve) fn see_other(location: &str) -> Response {
    redirect_with(StatusCode::SEE_OTHER, location)
}

/// `302 Found`, not cached.
pub(in crate::serve) fn redirect(location: &str) -> Response {
    redirect_with(StatusCode::FOUND, location)
}

fn redirect_with(status: StatusCode, location: &str) -> Response {
    let headers = [
        (header::LOCATION, header_value(location)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, Body::empty()).into_response()
}

/// Forbids caches to store a response that is for one visitor at one moment.
pub(in crate::serve) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// As [`no_store`]. In addition, browsers do not send the address on, because it contains a secret.
pub(in crate::serve) fn secret_address(response: Response) -> Response {
    let mut response = no_store(response);
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// 400 for a request without a `Host`, or with several (RFC 9112 section 3.2).
pub(in crate::serve) fn bad_host() -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::BAD_REQUEST, headers, "The request must name exactly one host.\n").into_response()
}

/// 429 for a client that has too many requests in progress. It closes the
/// connection, so that the next request costs the client a new one.
pub(in crate::serve) fn too_many_requests() -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
        (header::RETRY_AFTER, "5"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let text = "Too many requests from your address are in progress. Please try again in a moment.\n";
    (StatusCode::TOO_MANY_REQUESTS, headers, text).into_response()
}
