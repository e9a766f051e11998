//! The index of a WARC file: CDXJ, a line for each record, sorted by its key.

use jiff::Timestamp;
use serde_json::json;

use crate::domain::address::Address;
use crate::domain::capture::Stamp;

/// The place of a record in a file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    pub offset: u64,
    pub length: u64,
}

/// What the index says of a record.
#[derive(Clone, Debug)]
pub struct IndexEntry<'a> {
    pub target: &'a Address,
    pub at: Timestamp,
    /// The media type, or `warc/revisit`.
    pub mime: &'a str,
    pub status: u16,
    /// The payload digest, with its algorithm.
    pub digest: &'a str,
    pub place: RecordPlace,
    pub filename: &'a str,
}

impl IndexEntry<'_> {
    /// The line, without its end.
    pub fn line(&self) -> String {
        let value = json!({
            "url": self.target.as_str(),
            "mime": self.mime,
            "status": self.status.to_string(),
            "digest": self.digest,
            "length": self.place.length.to_string(),
            "offset": self.place.offset.to_string(),
            "filename": self.filename,
        });
        format!("{} {} {value}", key(self.target), Stamp::of(self.at))
    }
}

/// The sort key of an address (SURT): the host backwards, in lower case, with the parts of the
/// query in order. Replay programs make the same key from the address that they look for.
pub fn key(address: &Address) -> String {
    let url = address.url();
    let host = address.host().to_ascii_lowercase();
    let host = without_www(&host);
    let host = host.rsplit('.').collect::<Vec<_>>().join(",");
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    let mut parts: Vec<&str> =
        url.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    let query = if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) };
    format!("{host}{port}){}{query}", url.path()).to_lowercase()
}

/// Without `www.`, `www1.` and the like.
fn without_www(host: &str) -> &str {
    let is_www = |first: &str| {
        first.strip_prefix("www").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    host.split_once('.')
        .filter(|(first, rest)| is_www(first) && rest.contains('.'))
        .map_or(host, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_domain() {
        for (address, expected) in [
            ("https://www.Example.org/A/b.pdf", "org,example)/a/b.pdf"),
            ("http://lab.example.org:8080/?b=2&a=1", "org,example,lab:8080)/?a=1&b=2"),
            ("https://www2.example.org/", "org,example)/"),
            ("https://www.org/", "org,www)/"),
        ] {
            assert_eq!(key(&Address::parse(address).unwrap()), expected);
        }
    }
}
