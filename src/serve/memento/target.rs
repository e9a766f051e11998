//! The address of an original at the end of an address of ours.

use axum::http::Uri;
use percent_encoding::percent_decode_str;

use crate::domain::address::Address;

/// What follows `before` in the path and query, as an address.
///
/// Taken from the raw text, as decoding would change the original. Encoded as
/// a whole it is decoded once; a proxy in front that folds `//` into `/` is
/// forgiven.
pub(super) fn address(uri: &Uri, before: &str) -> Option<Address> {
    let raw = uri.path_and_query()?.as_str();
    let (_, target) = raw.split_once(before)?;
    let lower = target.get(..target.len().min(12)).unwrap_or(target).to_ascii_lowercase();
    let decoded = if lower.starts_with("http%3a") || lower.starts_with("https%3a") {
        percent_decode_str(target).decode_utf8().ok()?.into_owned()
    } else {
        target.to_owned()
    };
    // A question mark with nothing behind it is what some clients add.
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
        address(&path.parse().ok()?, "/timegate/").map(|address| address.to_string())
    }

    #[test]
    fn the_original_is_read_as_it_was_written() {
        let full = "http://a.edu/b?c=1&d=%2F".to_owned();
        assert_eq!(of("/timegate/http://a.edu/b?c=1&d=%2F"), Some(full.clone()));
        assert_eq!(of("/links/timegate/http:/a.edu/b?c=1&d=%2F"), Some(full.clone()));
        assert_eq!(of("/timegate/http%3A%2F%2Fa.edu%2Fb%3Fc%3D1%26d%3D%252F"), Some(full));
        assert_eq!(of("/timegate/http://a.edu/b?"), Some("http://a.edu/b".to_owned()));
    }

    #[test]
    fn what_is_no_web_address_is_none() {
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
        fn nothing_makes_it_panic(text in "[!-~]{0,60}") {
            of(&format!("/timegate/{text}"));
        }
    }
}
