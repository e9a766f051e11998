//! Identifies the visitor of each request, and renews session cookies.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::serve::auth::session::SessionStore;
use crate::serve::auth::visitor::{IdentifiedVisitor, Visitor};

/// Adds a [`Visitor`] to the request, unless an outer layer did.
pub(in crate::serve) async fn identify(
    State(sessions): State<SessionStore>,
    request: Request,
    next: Next,
) -> Response {
    if request.extensions().get::<Visitor>().is_some() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let IdentifiedVisitor { visitor, set_cookies } = match Visitor::identify(&sessions, &parts).await {
        Ok(identified) => identified,
        Err(error) => return error.into_response(),
    };
    parts.extensions.insert(visitor);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let headers = response.headers_mut();
    let may_be_stored = headers.get(header::CACHE_CONTROL).is_none_or(|value| value != "no-store");
    if !set_cookies.is_empty() && may_be_stored {
        // A response with a session cookie must not be shared, whatever it contains.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    for cookie in set_cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}
