//! The address of an original at the end of a Memento address.

use axum::http::Uri;
use percent_encoding::percent_decode_str;

use crate::domain::address::Address;

/// Parses what follows `prefix` in the path and query as an address.
///
/// The raw text is used, because decoding would change the address. An address
/// that is percent-encoded as a whole is decoded once. A missing slash after the
/// scheme is accepted, because some proxies merge slashes.
pub(super) fn parse(uri: &Uri, prefix: &str) -> Option<Address> {
    let raw = uri.path_and_query()?.as_str();
    let (_, target) = raw.split_once(prefix)?;
    let lower = target.get(..target.len().min(12)).unwrap_or(target).to_ascii_lowercase();
    let decoded = if lower.starts_with("http%3a") || lower.starts_with("https%3a") {
        percent_decode_str(target).decode_utf8().ok()?.into_owned()
    } else {
        target.to_owned()
    };
    // Some clients add an empty query.
    let text = decoded.strip_suffix('?').unwrap_or(&decoded);
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.trim_start_matches('/');
    Address::parse(&format!("{scheme}://{rest}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(path: &str) -> Option<String> {
        parse(&path.parse().ok()?, "/timegate/").map(|address| address.to_string())
    }

    #[test]
    fn the_original_keeps_its_spelling() {
        let full = "http://a.edu/b?c=1&d=%2F".to_owned();
        assert_eq!(of("/timegate/http://a.edu/b?c=1&d=%2F"), Some(full.clone()));
        assert_eq!(of("/links/timegate/http:/a.edu/b?c=1&d=%2F"), Some(full.clone()));
        assert_eq!(of("/timegate/http%3A%2F%2Fa.edu%2Fb%3Fc%3D1%26d%3D%252F"), Some(full));
        assert_eq!(of("/timegate/http://a.edu/b?"), Some("http://a.edu/b".to_owned()));
    }

    #[test]
    fn other_addresses_are_refused() {
        for path in [
            "/timegate/a.edu/b",
            "/timegate/ftp://a.edu/",
            "/timegate/javascript:alert(1)",
            "/timegate/http:///",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[!-~]{0,60}") {
            of(&format!("/timegate/{text}"));
        }
    }
}
