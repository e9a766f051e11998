//! Addresses that no route has.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, Uri};

use crate::serve::error::RouteResult;
use crate::serve::respond;
use crate::serve::settings::ServeSettings;

/// Redirects to the same address without a trailing slash, or shows that there is no page.
pub(in crate::serve) async fn fallback(
    State(settings): State<Arc<ServeSettings>>,
    method: Method,
    uri: Uri,
) -> RouteResult {
    let base = &settings.base_url;
    let path = uri.path().trim_end_matches('/');
    let has_trailing_slash = path.len() < uri.path().len();
    let is_read = matches!(method, Method::GET | Method::HEAD);
    if !has_trailing_slash || !is_read {
        return respond::page_not_found(base);
    }
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let target = base.own_path(&target).map_or_else(|| base.at(&target), str::to_owned);
    match base.own_path(&target) {
        Some(target) => Ok(respond::redirect(target)),
        None => respond::page_not_found(base),
    }
}
