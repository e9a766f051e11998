//! The address at which readers reach the service, and the addresses of its pages.

use std::fmt;
use std::str::FromStr;

use axum::http::uri::Authority;
use url::Url;

use crate::domain::capture::CaptureId;

/// The base URL of the service: an origin and a path, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    prefix: String,
    /// Pages are files of an exported site, so that `index.html` is written out.
    is_static: bool,
}

/// The longest path that a login redirects back to.
const MAX_PATH_BYTES: usize = 2000;

/// The text is not a base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid base URL; write for example https://links.school.edu/onreserve")]
pub struct NotABaseUrl(String);

impl BaseUrl {
    /// The path of the base URL, without a trailing slash; empty at the root.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the host of a request is the host of this base URL.
    pub fn is_at(&self, host: &Authority) -> bool {
        let here = self.origin.split_once("://").map_or("", |(_, host)| host);
        here.eq_ignore_ascii_case(host.as_str())
    }

    /// A path below the base URL, as pages link to it.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// Returns `text` if every browser resolves it to a path below this base URL.
    pub(in crate::serve) fn own_path<'a>(&self, text: &'a str) -> Option<&'a str> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let is_rooted = text.starts_with('/') && !text.starts_with("//");
        if !is_plain || !is_rooted || text.len() > MAX_PATH_BYTES {
            return None;
        }
        let url = Url::parse(&self.origin).and_then(|origin| origin.join(text)).ok()?;
        let below = url.path().strip_prefix(&self.prefix)?;
        let is_ours = url.origin().ascii_serialization() == self.origin && below.starts_with('/');
        is_ours.then_some(text)
    }

    /// The base URL of a page in an exported site, `depth` directories below its root.
    pub fn static_site(depth: usize) -> Self {
        let prefix = if depth == 0 { ".".to_owned() } else { vec![".."; depth].join("/") };
        Self { origin: String::new(), prefix, is_static: true }
    }

    /// Whether the pages are files of an exported site, without a running service.
    pub fn is_static(&self) -> bool {
        self.is_static
    }

    /// The page of a course.
    pub fn course(&self, course: impl fmt::Display) -> String {
        self.at(&format!("/c/{course}/{}", self.index()))
    }

    /// The page of a copy.
    pub fn copy(&self, capture: &CaptureId) -> String {
        let slash = if self.is_static { "/" } else { "" };
        self.at(&format!("/a/{capture}{slash}{}", self.index()))
    }

    fn index(&self) -> &'static str {
        if self.is_static { "index.html" } else { "" }
    }

    /// The full URL of a path below the base URL.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }
}

impl Default for BaseUrl {
    fn default() -> Self {
        Self { origin: "http://localhost:8080".to_owned(), prefix: String::new(), is_static: false }
    }
}

impl FromStr for BaseUrl {
    type Err = NotABaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotABaseUrl(text.to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let prefix = url.path().trim_end_matches('/');
        let is_sound = matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && prefix.chars().all(is_plain)
            && !prefix.contains("//");
        if !is_sound {
            return Err(wrong());
        }
        Ok(Self { origin: url.origin().ascii_serialization(), prefix: prefix.to_owned(), is_static: false })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.absolute("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_may_have_a_path() {
        let base: BaseUrl = "https://Links.School.edu/cs/onreserve/".parse().unwrap();
        assert_eq!(base.at("/c/dgm/"), "/cs/onreserve/c/dgm/");
        assert_eq!(base.absolute("/c/dgm/"), "https://links.school.edu/cs/onreserve/c/dgm/");
        let root: BaseUrl = "http://127.0.0.1:8080".parse().unwrap();
        assert_eq!((root.prefix(), root.to_string().as_str()), ("", "http://127.0.0.1:8080/"));
    }

    #[test]
    fn only_our_own_paths_are_redirect_targets() {
        let base: BaseUrl = "https://a.edu/cs".parse().unwrap();
        for ours in ["/cs/", "/cs/c/dgm/?q=x%2F#y", "/cs/web/20260914023000/http://b.edu/"] {
            assert_eq!(base.own_path(ours), Some(ours));
        }
        for text in [
            "",
            "/",
            "/csx/",
            "/other",
            "cs/",
            "//evil.example/cs/",
            "/\\evil.example/cs/",
            "\\/evil.example",
            "https://evil.example/cs/",
            "https:/cs/",
            "javascript:alert(1)",
            "/cs/../../other",
            "/cs/%2e%2e/other",
            "/cs/\r\nset-cookie: a=b",
            "/\t/evil.example/",
            " /cs/",
        ] {
            assert_eq!(base.own_path(text), None, "{text}");
        }
    }

    #[test]
    fn invalid_base_urls_are_rejected() {
        for text in [
            "links.school.edu",
            "ftp://a.edu/",
            "https://a.edu/?x",
            "https://a.edu/{x}",
            "https://a.edu/a//b",
        ] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
    }
}
