//! The result of a visit: facts without a verdict. A failure of the web is data here, never an error.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::Digest;

/// One request and its redirects, up to the body or the failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub asked: Address,
    pub started: Timestamp,
    /// From the first request to the last byte, without pauses between requests.
    pub millis: u64,
    /// One per response, in order; the last is the one whose body was read.
    pub hops: Vec<Hop>,
    pub ending: ExchangeEnd,
    /// The bytes that arrived of a body whose transfer ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<u64>,
}

/// One response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    pub address: Address,
    pub status: u16,
    pub headers: Headers,
    /// The headers of its request; empty if they are not known.
    #[serde(default)]
    pub sent: Headers,
}

/// Response headers in the order of the response, with names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(pub Vec<(String, String)>);

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeEnd {
    /// A response with its whole body, with any status.
    Answered(Body),
    /// 304 to our validators: the body is the one in the archive.
    NotModified,
    Failed(Failure),
    /// No request was made, or the host asked us to stop.
    NotSent(NotSent),
}

/// A complete body, content encodings removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub sha256: Digest,
    /// SHA-1 in base 32, as web archive indexes name a payload.
    pub sha1: String,
    pub bytes: u64,
}

/// How a request failed, recognised by error types and never by messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The name is not in the DNS (NXDOMAIN).
    NoSuchHost,
    /// The DNS did not answer properly (SERVFAIL, timeout).
    NameServer,
    /// Refused, unreachable, or no answer to the connection in time.
    Connect,
    /// Connected, but not finished within the time limit.
    TimedOut,
    /// The connection was dropped before the response was complete.
    Reset,
    /// The body ended before its announced length.
    Truncated,
    Certificate(CertificateError),
    /// The TLS handshake failed for another reason than those named here.
    Tls,
    /// The server offers only versions of TLS that browsers refuse (RFC 8996).
    TlsVersion,
    /// The server offers only cipher suites that browsers still accept and we do not.
    TlsCipher,
    /// The response is not HTTP.
    Protocol,
    RedirectLoop,
    TooManyRedirects,
    /// A redirect without a usable `Location`.
    BadRedirect,
    /// More bytes than the limit, compressed or decompressed.
    TooLarge,
    /// The content encoding could not be decoded.
    Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateError {
    Expired,
    WrongName,
    UnknownIssuer,
    /// The server does not send the certificate between its own and a root.
    MissingIntermediate,
    Other,
}

/// Why no request was made, or no further one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// robots.txt disallows it (RFC 9309 section 2.2.2).
    Robots,
    /// robots.txt is unreachable, which disallows everything (RFC 9309 section 2.3.1.4).
    RobotsUnreachable,
    /// The host answered 429 or a challenge tonight and gets no further requests.
    HostStopped,
    /// The address is not on the public internet.
    InternalAddress,
    /// This machine could not make the request, which says nothing about the link.
    #[serde(untagged)]
    LocalFault(LocalFault),
}

/// A fault of the machine that Onreserve runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalFault {
    /// It has no route to the address, for example no IPv6 (`ENETUNREACH`).
    NoRoute,
    /// It has no free local address or port (`EADDRNOTAVAIL`).
    NoLocalAddress,
    /// It has no free file descriptor (`EMFILE`, `ENFILE`).
    NoFileDescriptor,
    /// It has no memory or no network buffer (`ENOBUFS`, `ENOMEM`).
    NoMemory,
    /// Its firewall or its sandbox forbids the request (`EPERM`, `EACCES`).
    Forbidden,
    /// Its disk or a quota is full (`ENOSPC`, `EDQUOT`).
    DiskFull,
    /// Its name service cannot be used.
    NameService,
}

/// Validators of an earlier response, for a conditional request (RFC 9110 section 13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

impl Headers {
    /// The first value of a header; `name` in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The media type of `Content-Type`, lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.get("content-type")?.split(';').next()?.trim();
        (!value.is_empty()).then(|| value.to_ascii_lowercase())
    }

    pub fn validators(&self) -> Validators {
        Validators {
            etag: self.get("etag").map(str::to_owned),
            last_modified: self.get("last-modified").map(str::to_owned),
        }
    }
}

impl Validators {
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

fn head_of(hop: &Hop, headers: &Headers) -> String {
    let headers = headers.0.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP {}\r\n{}\r\n", hop.status, headers.collect::<String>())
}

/// A request in the form of HTTP/1.1, also if it was sent over HTTP/2.
fn request_head_of(hop: &Hop) -> String {
    let url = hop.address.url();
    let query = url.query().map_or(String::new(), |query| format!("?{query}"));
    let headers = hop.sent.0.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("GET {}{query} HTTP/1.1\r\n{}\r\n", url.path(), headers.collect::<String>())
}

impl Exchange {
    /// The last response, if any came.
    pub fn last_hop(&self) -> Option<&Hop> {
        self.hops.last()
    }

    pub fn status(&self) -> Option<u16> {
        self.last_hop().map(|hop| hop.status)
    }

    /// The address of the last response, or the requested one.
    pub fn final_address(&self) -> &Address {
        self.last_hop().map_or(&self.asked, |hop| &hop.address)
    }

    /// The heads as the archive keeps them, in one text: that of the last response, then each
    /// request, if they are known, with the redirect that answered it. `warc::exchange_heads`
    /// reads it.
    pub fn heads(&self) -> String {
        self.heads_with(Clone::clone)
    }

    fn heads_with(&self, headers: impl Fn(&Headers) -> Headers) -> String {
        let Some((last, redirects)) = self.hops.split_last() else { return String::new() };
        let mut text = head_of(last, &headers(&last.headers));
        if self.hops.iter().all(|hop| !hop.sent.0.is_empty()) {
            for hop in redirects {
                text += &request_head_of(hop);
                text += &head_of(hop, &headers(&hop.headers));
            }
            text += &request_head_of(last);
        }
        text
    }

    /// The heads with this digest, if those of the responses differ from it only by their date:
    /// they came soon after `started`. Earlier versions kept the last response head alone.
    pub fn heads_with_digest(&self, digest: Digest, started: Timestamp) -> Option<String> {
        /// A response comes later than this only if its server is very slow, or its clock is wrong.
        const SECONDS: i64 = 120;
        let is_it = |head: &String| Digest::of(head.as_bytes()) == digest;
        let last = self.last_hop()?;
        let found = |headers: &dyn Fn(&Headers) -> Headers| {
            let texts = [self.heads_with(headers), head_of(last, &headers(&last.headers))];
            texts.into_iter().find(is_it)
        };
        found(&Clone::clone).or_else(|| {
            (-SECONDS..=SECONDS).find_map(|seconds| {
                let at = started.checked_add(jiff::Span::new().seconds(seconds)).ok()?;
                let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                found(&|headers: &Headers| {
                    let mut headers = headers.clone();
                    let dates = headers.0.iter_mut().filter(|(name, _)| name == "date");
                    dates.for_each(|(_, value)| value.clone_from(&date));
                    headers
                })
            })
        })
    }

    pub fn body(&self) -> Option<&Body> {
        match &self.ending {
            ExchangeEnd::Answered(body) => Some(body),
            ExchangeEnd::NotModified | ExchangeEnd::Failed(_) | ExchangeEnd::NotSent(_) => None,
        }
    }
}
