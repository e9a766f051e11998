//! Web addresses: parsed once, where they enter, normalised and without fragment.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

/// An `http` or `https` address as a request is made for it, or a file beside a
/// course page on this machine.
///
/// Normal form: the WHATWG serialisation (lower-case scheme and host, IDN in
/// its ASCII form, default port dropped, dot segments resolved), without
/// fragment and without user information. Two mentions of one `Address` are
/// one link. A clone shares the text, because a night has each address in many places.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(Arc<Url>);

/// Why a string is not a web address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    #[error("`{0}` is not a web address: {1}")]
    Malformed(String, url::ParseError),
    #[error("`{0}` is not a web address: only http and https can be visited")]
    OtherScheme(String),
}

impl Address {
    /// Parses an absolute address.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let trimmed = text.trim();
        Url::parse(trimmed)
            .map_err(|error| InvalidAddress::Malformed(trimmed.to_owned(), error))
            .and_then(Self::from_url)
    }

    /// The address of a file beside a course page that is read from disk. No page and no
    /// server can name one, because `parse` and `join` refuse them.
    pub fn of_file(path: &Path) -> Option<Self> {
        Url::from_file_path(path).ok().map(Self::of_url)
    }

    /// The path, if this is the address of a file.
    pub fn file_path(&self) -> Option<PathBuf> {
        if self.0.scheme() == "file" { self.0.to_file_path().ok() } else { None }
    }

    /// Parses a stored address, which may also be that of a file.
    pub fn parse_stored(text: &str) -> Result<Self, InvalidAddress> {
        let trimmed = text.trim();
        match Url::parse(trimmed) {
            Ok(mut url) if url.scheme() == "file" => {
                url.set_fragment(None);
                Ok(Self::of_url(url))
            }
            Ok(url) => Self::from_url(url),
            Err(error) => Err(InvalidAddress::Malformed(trimmed.to_owned(), error)),
        }
    }

    /// Takes a parsed URL, dropping its fragment and user information.
    pub fn from_url(mut url: Url) -> Result<Self, InvalidAddress> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidAddress::OtherScheme(url.into()));
        }
        url.set_fragment(None);
        // Both can fail only for a URL without a host, which http(s) always has.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self::of_url(url))
    }

    fn of_url(url: Url) -> Self {
        Self(Arc::new(url))
    }

    /// Resolves a reference (RFC 3986 section 5) found at this address.
    pub fn join(&self, reference: &str) -> Result<Self, InvalidAddress> {
        self.0
            .join(reference.trim())
            .map_err(|error| InvalidAddress::Malformed(reference.trim().to_owned(), error))
            .and_then(Self::from_url)
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The host in lower case, without the port. Files have none, which is the empty text.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The IP address, if the host is written as one.
    pub fn literal_ip(&self) -> Option<IpAddr> {
        match self.0.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(_)) | None => None,
        }
    }

    /// The front page of the same host and port.
    #[must_use]
    pub fn root(&self) -> Self {
        let mut url = Url::clone(&self.0);
        url.set_path("/");
        url.set_query(None);
        Self::of_url(url)
    }

    /// The address without its query.
    #[must_use]
    pub fn without_query(&self) -> Self {
        let mut url = Url::clone(&self.0);
        url.set_query(None);
        Self::of_url(url)
    }

    /// Whether this is the front page of its host.
    pub fn is_root(&self) -> bool {
        self.0.path() == "/" && self.0.query().is_none()
    }

    /// Whether the two differ at most in parts for which sites redirect anyway: the
    /// scheme, a leading `www.`, letter case, an index page, a slash at the end.
    pub fn is_canonically(&self, other: &Self) -> bool {
        self.canonical_key() == other.canonical_key()
    }

    fn canonical_key(&self) -> String {
        let host = self.host().strip_prefix("www.").unwrap_or(self.host());
        let path = self.0.path().to_ascii_lowercase();
        let path = path
            .strip_suffix("index.html")
            .or_else(|| path.strip_suffix("index.htm"))
            .or_else(|| path.strip_suffix("index.php"))
            .unwrap_or(&path)
            .trim_end_matches('/');
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        let query = self.0.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{host}{port}{path}{query}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// Without a copy: most of what is stored has addresses in it.
impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse_stored(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        Arc::unwrap_or_clone(address.0).into()
    }
}

/// The short name of a link: the first 8 bytes of the SHA-256 of its address.
///
/// It is derived from the address, so it is the same in a rebuilt catalogue and on old printed pages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkId(u64);

/// A text that is not 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a link id: 16 hexadecimal digits are expected")]
pub struct InvalidLinkId(String);

impl LinkId {
    pub fn of(address: &Address) -> Self {
        let digest = Sha256::digest(address.as_str().as_bytes());
        Self(digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)))
    }

    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkId({self})")
    }
}

impl FromStr for LinkId {
    type Err = InvalidLinkId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The number parser also accepts a sign.
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidLinkId(text.to_owned()));
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidLinkId(text.to_owned()))
    }
}

impl TryFrom<String> for LinkId {
    type Error = InvalidLinkId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LinkId> for String {
    fn from(id: LinkId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn the_normal_form_drops_parts_that_are_not_sent() {
        assert_eq!(address("HTTPS://Ex.Edu:443/a/../b#top").as_str(), "https://ex.edu/b");
        assert_eq!(address("https://u:p@ex.edu/").as_str(), "https://ex.edu/");
        assert_eq!(address("https://bücher.example/").host(), "xn--bcher-kva.example");
    }

    #[test]
    fn other_schemes_are_no_addresses() {
        assert!(matches!(Address::parse("mailto:a@b.c"), Err(InvalidAddress::OtherScheme(_))));
        assert!(matches!(Address::parse("htps//x"), Err(InvalidAddress::Malformed(..))));
    }

    #[test]
    fn canonical_redirects_keep_the_address() {
        let plain = address("http://ex.edu/Notes");
        assert!(plain.is_canonically(&address("https://www.ex.edu/notes/")));
        assert!(!plain.is_canonically(&address("https://ex.edu/notes2")));
    }

    #[test]
    fn an_id_is_parsed_from_its_text() {
        let id = LinkId::of(&address("https://ex.edu/a.pdf"));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("K3".parse::<LinkId>().is_err());
        assert!("+123456789abcdef".parse::<LinkId>().is_err());
    }
}
