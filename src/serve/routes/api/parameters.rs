//! The query parameters of the API: those that are not described are refused, so that a
//! misspelt one does not change the result without notice.

use axum::http::{StatusCode, Uri};

use crate::domain::report::plain::visible;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::RouteResult;
use crate::serve::http::query;
use crate::serve::respond;

/// The part of a name that is shown.
const MAX_SHOWN_CHARS: usize = 60;

/// A response for a request with another parameter than `known`, with its name.
pub(super) fn unknown(base: &BaseUrl, uri: &Uri, known: &[&str]) -> Option<RouteResult> {
    let name = query::unknown_parameter(uri, known)?;
    let name: String = visible(&name).chars().take(MAX_SHOWN_CHARS).collect();
    let described = base.absolute("/api/v1/openapi.json");
    Some(refused(base, &format!("The parameter `{name}` is unknown. {described} lists the parameters.")))
}

/// A response for a parameter that cannot be used.
pub(super) fn refused(base: &BaseUrl, text: &str) -> RouteResult {
    respond::message(base, StatusCode::BAD_REQUEST, "The request is not valid", text).map(respond::no_store)
}
