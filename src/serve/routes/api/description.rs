//! `/api/v1/openapi.json` and `/onreserve.js`

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{HeaderName, HeaderValue};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use crate::serve::error::RouteResult;
use crate::serve::respond::{self, CacheScope};
use crate::serve::routes::api::parameters;
use crate::serve::settings::ServeSettings;

const SCRIPT: &str = include_str!("../../templates/onreserve.js");
const DESCRIPTION: &str = include_str!("openapi.json");

/// `/onreserve.js`: a script that any page may include.
pub(in crate::serve) async fn script(headers: HeaderMap) -> Response {
    let content_type = "text/javascript; charset=utf-8";
    let mut response = respond::with_etag(&headers, content_type, CacheScope::Public, SCRIPT.to_owned());
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(resource_policy, HeaderValue::from_static("cross-origin"));
    response
}

/// `/api/v1/openapi.json`: the description of the API in `OpenAPI` 3.1.
pub(in crate::serve) async fn openapi(
    State(settings): State<Arc<ServeSettings>>,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    if let Some(response) = parameters::unknown(&settings.base_url, &uri, &[]) {
        return response;
    }
    let mut description: Value = serde_json::from_str(DESCRIPTION)?;
    description["servers"] = json!([{ "url": settings.base_url.absolute("/api/v1") }]);
    let text = serde_json::to_string(&description)?;
    Ok(respond::with_etag(&headers, "application/json", CacheScope::Public, text))
}
