//! Redirect targets, and the cookies of one exchange.

use std::fmt::Write as _;

use cookie_store::{CookieStore, RawCookie};
use reqwest::header::{HeaderMap, HeaderValue};

use super::dispatch::HopResponse;
use crate::domain::address::Address;

/// The limits of browsers.
const COOKIES: usize = 50;
const COOKIE_BYTES: usize = 4096;

/// The cookies of one exchange. Many sites redirect until their cookie is sent back.
#[derive(Default)]
pub(super) struct CookieJar(CookieStore);

impl CookieJar {
    pub(super) fn store(&mut self, address: &Address, headers: &HeaderMap) {
        for value in headers.get_all("set-cookie") {
            let Ok(text) = value.to_str() else { continue };
            if text.len() <= COOKIE_BYTES && self.0.iter_any().count() < COOKIES {
                // A malformed cookie, or one for another site, is dropped.
                let _ = parsed(text, address).map(|cookie| self.0.insert_raw(&cookie, address.url()));
            }
        }
    }

    pub(super) fn header(&self, address: &Address) -> Option<HeaderValue> {
        let mut pairs: Vec<_> =
            self.0.get_request_values(address.url()).map(|(name, value)| format!("{name}={value}")).collect();
        // The store has no fixed order, but the same cookies must give the same header.
        pairs.sort_unstable();
        if pairs.is_empty() { None } else { HeaderValue::from_str(&pairs.join("; ")).ok() }
    }
}

/// A cookie for all sites under a public suffix is dropped, because it would be sent to
/// strangers. A host that is a public suffix itself may set one for itself (RFC 6265
/// section 5.3, step 5).
fn parsed<'a>(text: &'a str, address: &Address) -> Option<RawCookie<'a>> {
    let mut cookie = RawCookie::parse(text).ok()?;
    let domain = cookie.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
    if let Some(domain) = domain.filter(|domain| psl::suffix_str(domain) == Some(domain)) {
        if domain != address.host() {
            return None;
        }
        cookie.unset_domain();
    }
    Some(cookie)
}

/// The target of a redirect; `None` if it cannot be visited.
pub(super) fn target(answer: &HopResponse) -> Option<Address> {
    let location = answer.response.headers().get("location")?;
    let location = text_of(location.as_bytes());
    if location.trim().is_empty() { None } else { answer.hop.address.join(&location).ok() }
}

/// Bytes that are not UTF-8 are percent-encoded, so that the host gets them back unchanged.
fn text_of(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii() {
            text.push(char::from(*byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_not_shared_across_a_public_suffix() {
        let sent = |from: &str, cookie: &str, to: &str| {
            let [from, to] = [from, to].map(|host| Address::parse(&format!("https://{host}/x")).unwrap());
            let mut jar = CookieJar::default();
            let headers =
                HeaderMap::from_iter([(reqwest::header::SET_COOKIE, HeaderValue::from_str(cookie).unwrap())]);
            jar.store(&from, &headers);
            jar.header(&to).is_some()
        };
        for suffix in ["co.uk", "github.io", "edu", "s3.amazonaws.com"] {
            let [one, other] = ["one", "other"].map(|site| format!("{site}.{suffix}"));
            assert!(!sent(&one, &format!("a=1; Domain={suffix}"), &other), "{suffix}");
            assert!(!sent(&one, &format!("a=1; Domain=.{}", suffix.to_uppercase()), &other), "{suffix}");
            assert!(sent(&one, &format!("a=1; Domain={one}"), &format!("www.{one}")), "{suffix}");
        }
        assert!(sent("github.io", "a=1; Domain=github.io", "github.io"));
        assert!(!sent("github.io", "a=1; Domain=github.io", "one.github.io"));
    }

    #[test]
    fn a_location_in_another_charset_keeps_its_bytes() {
        assert_eq!(text_of("/caf\u{e9}".as_bytes()), "/caf\u{e9}");
        assert_eq!(text_of(b"/caf\xe9"), "/caf%E9");
    }
}
