//! Query parameters of a request.

use axum::http::Uri;
use url::form_urlencoded;

/// The longest search query; the rest is ignored.
pub(in crate::serve) const MAX_QUERY_CHARS: usize = 200;

/// The first value of a query parameter.
pub(in crate::serve) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The name of a parameter that is not one of `known`.
pub(in crate::serve) fn unknown_parameter(uri: &Uri, known: &[&str]) -> Option<String> {
    let query = uri.query()?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| !known.contains(&&**name))
        .map(|(name, _)| name.into_owned())
}

/// The words of the `q` parameter; empty if there are none.
pub(in crate::serve) fn search_words(uri: &Uri) -> String {
    match parameter(uri, "q") {
        Some(words) => words.chars().take(MAX_QUERY_CHARS).collect(),
        None => String::new(),
    }
}
