//! Answers of our own: pages, texts and refusals, and the headers they all carry.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::desk::Desk;
use super::settings::BaseUrl;
use super::visitor::Visitor;
use crate::domain::capture::Digest;
use crate::serve::copy::origin;
use crate::serve::visitor::signin;
use crate::world::{archive, catalogue};

/// Our own failing. The reader is told that it is not theirs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
    #[error(transparent)]
    Archive(#[from] archive::Error),
    #[error("cannot lay out a page: {0}")]
    Page(#[from] askama::Error),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot read a copy: {0}")]
    Io(#[from] std::io::Error),
}

pub(super) type Answer = Result<Response, Fault>;

/// The style sheet, with its digest in the address so that it is fetched once.
pub(super) const STYLE: &str = include_str!("pages/style.css");

/// Our pages need their own style sheet and nothing else.
const OWN_PAGES: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                         base-uri 'none'; frame-ancestors 'none'";

/// What a page of text never needs of a reader's device.
const NOTHING_OF_THE_DEVICE: &str = "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), \
                                     midi=(), payment=(), serial=(), usb=()";

const ALWAYS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex, noarchive, nofollow"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", NOTHING_OF_THE_DEVICE),
];

/// Around every request: what is never answered, what every answer carries, what is counted.
pub(super) async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    // No script from here may ever come to stand between a reader and our origin.
    let mut response = if request.headers().contains_key("service-worker") {
        (StatusCode::FORBIDDEN, "no service worker is served here\n").into_response()
    } else {
        arrived(&desk, request, next).await
    };
    desk.figures.answered(response.status());
    // A browser puts what stands in a 304 in the place of what came with the bytes
    // it has (RFC 9111 section 3.2), be they a stranger's: nothing there is better.
    if response.status() == StatusCode::NOT_MODIFIED {
        return response;
    }
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    let resource = HeaderName::from_static("cross-origin-resource-policy");
    headers.entry(resource).or_insert(HeaderValue::from_static("same-origin"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(OWN_PAGES));
    }
    response
}

/// At the copies' own origin everybody is a stranger.
async fn arrived(desk: &Desk, mut request: Request, next: Next) -> Response {
    if !origin::is_asked(desk, request.headers()) {
        return answered(desk, request, next).await;
    }
    if !origin::is_copy(request.uri().path()) {
        return origin::beside_the_pages(desk, request.uri());
    }
    request.headers_mut().remove(header::COOKIE);
    request.extensions_mut().insert(Visitor::stranger());
    next.run(request).await
}

/// Finds out who asks, and keeps their session fresh.
async fn answered(desk: &Desk, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (visitor, cookies) = match Visitor::of(desk, &parts).await {
        Ok(known) => known,
        Err(fault) => return signin::failed(fault),
    };
    parts.extensions.insert(visitor);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let headers = response.headers_mut();
    let is_kept = headers.get(header::CACHE_CONTROL).is_none_or(|caching| caching != "no-store");
    if !cookies.is_empty() && is_kept {
        // Whatever was asked for: with a key in it, it is for one reader alone.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a request failed on our side");
        let text =
            "This failed on our side, not on yours. It has been written down; please try again later.\n";
        (StatusCode::INTERNAL_SERVER_ERROR, [(header::CACHE_CONTROL, "no-store")], text).into_response()
    }
}

/// A page of ours. It may differ at the next request, so caches ask again.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render()?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache, private"),
        // With `no-referrer` a browser would not even tell us that our own page sent a form.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    Ok((status, headers, html).into_response())
}

/// For whom an answer is; a cache that several people share keeps only what is for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Everybody,
    Readers,
}

/// A text that a client may hold and ask about again (RFC 9110 section 13.1.2).
pub(super) fn revalidated(
    asked: &HeaderMap,
    kind: &'static str,
    audience: Audience,
    text: String,
) -> Response {
    let tag = etag(Digest::of(text.as_bytes()));
    let mut response = if is_known(asked, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, header_value(&tag));
    let caching = match audience {
        Audience::Everybody => "no-cache",
        Audience::Readers => "private, no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// The strong entity tag of bytes.
pub(super) fn etag(sha256: Digest) -> String {
    format!("\"sha256:{sha256}\"")
}

/// Whether `If-None-Match` names the tag; compared weakly, as that field is.
pub(super) fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let tags = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// A header value; what cannot be one becomes empty.
pub(super) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The address of the style sheet.
pub(super) fn style_address(base: &BaseUrl) -> String {
    let digest = Digest::of(STYLE.as_bytes()).to_string();
    base.at(&format!("/style.css?{}", digest.get(..8).unwrap_or_default()))
}

pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLE).into_response()
}

#[derive(Template)]
#[template(path = "message.html", config = "src/serve/askama.toml")]
struct Message<'a> {
    base: &'a BaseUrl,
    title: &'a str,
    text: &'a str,
}

/// A page that says one thing.
pub(super) fn message(desk: &Desk, status: StatusCode, title: &str, text: &str) -> Answer {
    page(status, &Message { base: &desk.settings.base_url, title, text })
}

/// To a client that has as many answers under way as any one may. Its
/// connection ends, so that asking again costs it more than it costs us.
pub(super) fn too_many_at_once() -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
        (header::RETRY_AFTER, "5"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let text = "Too many answers to your address are under way; please try again in a moment.\n";
    (StatusCode::TOO_MANY_REQUESTS, headers, text).into_response()
}

pub(super) fn no_such_page(desk: &Desk) -> Answer {
    message(desk, StatusCode::NOT_FOUND, "There is no such page", "Nothing of ours has this address.")
}

/// An address that no route has: a slash too many at its end is forgiven.
pub(super) async fn stray(State(desk): State<Arc<Desk>>, method: Method, uri: Uri) -> Answer {
    let base = &desk.settings.base_url;
    let meant = uri.path().trim_end_matches('/');
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let to = format!("{meant}{query}");
    let to = base.own_path(&to).map_or_else(|| base.at(&to), str::to_owned);
    let is_read = matches!(method, Method::GET | Method::HEAD);
    match base.own_path(&to) {
        Some(to) if is_read && meant.len() < uri.path().len() => Ok(sent_to(to)),
        Some(_) | None => no_such_page(&desk),
    }
}

/// After a form: the browser goes on to a page, and a reload sends nothing twice.
pub(super) fn sent_on(location: &str) -> Response {
    let mut response = sent_to(location);
    *response.status_mut() = StatusCode::SEE_OTHER;
    response
}

/// A redirect that nobody keeps.
pub(super) fn sent_to(location: &str) -> Response {
    let headers = [
        (header::LOCATION, header_value(location)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::FOUND, headers, Body::empty()).into_response()
}
