//! What an operator may set about serving.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::uri::Authority;
use url::Url;

use crate::domain::capture::CaptureId;
use crate::domain::course::{CopyRules, CourseId, EmailAddress, Term};
use crate::domain::policy::admission::Admission;
use crate::domain::policy::network::Network;
use crate::domain::ticket::SigningKey;
use crate::serve::visitor::oidc::Oidc;
use crate::serve::visitor::proxy::Proxies;

#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where readers reach us.
    pub base_url: BaseUrl,
    /// Only these courses are shown.
    pub courses: Vec<CourseRules>,
    /// Whom to write to about copyright: a mail address.
    pub copyright_contact: Option<String>,
    /// Put before the encoded address of a licensed link, as in
    /// `https://login.proxy.school.edu/login?url=`.
    pub library_proxy: Option<String>,
    /// Where the bytes of copies are asked for, if not beside the pages.
    pub copies_origin: Option<BaseUrl>,
    /// Only copies that open whatever the day: for a site that nobody can
    /// close when the term ends.
    pub copies_for_ever_only: bool,
    /// Whom we believe who it is that asks.
    pub proxies: Proxies,
    /// Who reads the figures of all courses; others read those of the courses that let them in.
    pub monitors: Vec<Network>,
    /// The identity provider of the courses that ask one.
    pub oidc: Option<Oidc>,
    pub limits: Limits,
    /// What tells the links of our letters from forged ones; without it nobody can act.
    pub signing_key: Option<SigningKey>,
}

/// What is set for one course.
#[derive(Clone, Debug)]
pub struct CourseRules {
    pub id: CourseId,
    pub title: String,
    /// Whom it lets in.
    pub admission: Admission,
    pub copies: CopyRules,
    pub term: Option<Term>,
    /// Origins whose pages may ask for the course's links by script, beside
    /// those of the course pages themselves. As in `https://school.edu`.
    pub origins: Vec<String>,
    /// Whom students write to when a copy is wrong: a mail address.
    pub contact: Option<String>,
    /// Who gets letters, and may act by the links in them.
    pub readers: Vec<EmailAddress>,
}

impl CourseRules {
    /// A dark course without a term, which everybody may read.
    pub fn new(id: CourseId) -> Self {
        Self {
            title: id.to_string(),
            id,
            admission: Admission::default(),
            copies: CopyRules::default(),
            term: None,
            origins: Vec::new(),
            contact: None,
            readers: Vec::new(),
        }
    }
}

/// Where patience with a stranger ends.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at the same time; beyond, the longest silent makes room. One
    /// client is answered on half of them at most.
    pub connections: usize,
    /// For a request's head, and for the next request on an open connection.
    pub head: Duration,
    /// For a reader who takes nothing of an answer.
    pub write: Duration,
    /// For answers under way when we are told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(15),
            write: Duration::from_mins(1),
            drain: Duration::from_secs(20),
        }
    }
}

/// The address at which readers reach us: an origin and a path, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    prefix: String,
    /// Every page is a file that is named in full, as on a server of files.
    is_filed: bool,
}

/// Longer ones are not gone back to after a sign-in.
const LONGEST_PATH: usize = 2000;

/// A text that cannot be a base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be the base URL; write for example https://links.school.edu/onreserve")]
pub struct NotABaseUrl(String);

impl BaseUrl {
    /// The path before all of ours, without a slash at its end; empty for none.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether a request to this host came here.
    pub fn is_at(&self, host: &Authority) -> bool {
        let here = self.origin.split_once("://").map_or("", |(_, host)| host);
        here.eq_ignore_ascii_case(host.as_str())
    }

    /// A path of ours as a page refers to it.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// `text`, if it is a path of ours, and to every browser nothing else.
    pub(super) fn own_path<'a>(&self, text: &'a str) -> Option<&'a str> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let is_rooted = text.starts_with('/') && !text.starts_with("//");
        if !is_plain || !is_rooted || text.len() > LONGEST_PATH {
            return None;
        }
        let url = Url::parse(&self.origin).and_then(|origin| origin.join(text)).ok()?;
        let below = url.path().strip_prefix(&self.prefix)?;
        let is_ours = url.origin().ascii_serialization() == self.origin && below.starts_with('/');
        is_ours.then_some(text)
    }

    /// The base of a page so many directories deep in a site of files.
    pub fn filed(depth: usize) -> Self {
        let prefix = if depth == 0 { ".".to_owned() } else { vec![".."; depth].join("/") };
        Self { origin: String::new(), prefix, is_filed: true }
    }

    /// Whether the pages are files, with nobody behind them to be asked.
    pub fn is_filed(&self) -> bool {
        self.is_filed
    }

    /// The page of a course.
    pub fn course(&self, course: impl fmt::Display) -> String {
        self.at(&format!("/c/{course}/{}", self.index()))
    }

    /// The page of a copy.
    pub fn copy(&self, capture: &CaptureId) -> String {
        let slash = if self.is_filed { "/" } else { "" };
        self.at(&format!("/a/{capture}{slash}{}", self.index()))
    }

    fn index(&self) -> &'static str {
        if self.is_filed { "index.html" } else { "" }
    }

    /// A path of ours in full.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }
}

impl Default for BaseUrl {
    fn default() -> Self {
        Self { origin: "http://localhost:8080".to_owned(), prefix: String::new(), is_filed: false }
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
        Ok(Self { origin: url.origin().ascii_serialization(), prefix: prefix.to_owned(), is_filed: false })
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
    fn only_a_path_of_ours_is_gone_back_to() {
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
    fn what_is_no_place_for_pages_is_refused() {
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
