//! The cookies of sessions, of pending logins and of browsers that have logged in before.

use axum::http::HeaderMap;
use axum::http::header;
use jiff::SignedDuration;

use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::serve::base_url::BaseUrl;

/// Cookies with the same name that are tried. Browsers send the one with the longest path first.
const MAX_SAME_NAME: usize = 3;
/// The length of the state's digest in a cookie's name, in hexadecimal digits.
const STATE_DIGITS: usize = 16;

/// The name and attributes of a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct SessionCookie {
    name: String,
    attributes: String,
}

impl SessionCookie {
    /// The session cookie of a course. Over HTTPS a name prefix prevents other
    /// hosts from setting it. The path of the base URL hides it from other
    /// services of the host.
    pub(in crate::serve) fn of_course(course: &CourseId, base: &BaseUrl, is_secure: bool) -> Self {
        Self::named(&format!("onreserve-{course}"), base, is_secure)
    }

    /// The cookie of one pending login. A browser may have several at the same time.
    pub(in crate::serve) fn of_pending_login(state: &str, base: &BaseUrl, is_secure: bool) -> Self {
        let digest = Digest::of(state.as_bytes()).to_string();
        let id: String = digest.chars().take(STATE_DIGITS).collect();
        Self::named(&format!("onreserve_{id}"), base, is_secure)
    }

    /// The cookie of a browser that has logged in to a course before.
    pub(in crate::serve) fn of_device(course: &CourseId, base: &BaseUrl, is_secure: bool) -> Self {
        Self::named(&format!("onreserve_device-{course}"), base, is_secure)
    }

    fn named(name: &str, base: &BaseUrl, is_secure: bool) -> Self {
        let (prefix, secure) = match (is_secure, base.prefix().is_empty()) {
            (true, true) => ("__Host-", "; Secure"),
            (true, false) => ("__Secure-", "; Secure"),
            (false, _) => ("", ""),
        };
        Self {
            name: format!("{prefix}{name}"),
            attributes: format!("Path={}; HttpOnly; SameSite=Lax{secure}", base.at("/")),
        }
    }

    /// A `Set-Cookie` value.
    pub(in crate::serve) fn set(&self, value: &str, max_age: SignedDuration) -> String {
        format!("{}={value}; {}; Max-Age={}", self.name, self.attributes, max_age.as_secs().max(0))
    }

    /// A `Set-Cookie` value that removes the cookie.
    pub(in crate::serve) fn clear(&self) -> String {
        self.set("", SignedDuration::ZERO)
    }

    /// The values that a request sends under this name.
    pub(in crate::serve) fn values<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let fields = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        fields
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name)
            .map(|(_, value)| value)
            .take(MAX_SAME_NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_limited_to_the_base_url() {
        let cookie = |base: &str, is_secure| {
            let month = SignedDuration::from_hours(30 * 24);
            SessionCookie::of_course(&"dgm".parse().unwrap(), &base.parse().unwrap(), is_secure)
                .set("t", month)
        };
        assert_eq!(
            cookie("https://a.edu", true),
            "__Host-onreserve-dgm=t; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000"
        );
        assert_eq!(
            cookie("https://a.edu/cs/reserve", true),
            "__Secure-onreserve-dgm=t; Path=/cs/reserve/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000"
        );
        assert!(
            cookie("http://localhost", false)
                .starts_with("onreserve-dgm=t; Path=/; HttpOnly; SameSite=Lax; Max")
        );
    }
}
