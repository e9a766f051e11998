//! A simulated web in memory: the script of a scenario becomes exchanges, as if they were fetched.

use std::collections::HashSet;

use jiff::Timestamp;
use onreserve::domain::address::Address;
use onreserve::domain::capture::Digest;
use onreserve::domain::visit::{
    Body, CertificateError, Exchange, ExchangeEnd, Failure, Headers, Hop, LocalFault, NotSent,
};

use super::bodies;
use super::notices::{NO_WALLS, NOTICES, WALLS};

const HOPS: usize = 10;
const HTML: &str = "text/html; charset=utf-8";

/// The responses of each address, night by night.
pub(crate) struct Web {
    /// The title of the linked work.
    pub(crate) title: String,
    pub(crate) link: Address,
    pub(crate) nights: Vec<String>,
    /// Other addresses (full, as a path of the link's host, or `*`), and their nights.
    pub(crate) elsewhere: Vec<(String, Vec<String>)>,
}

/// One response, or why there was none.
enum Reply {
    Body { status: u16, headers: Vec<(String, String)>, bytes: Vec<u8> },
    To { status: u16, location: String },
    ExchangeEnd(ExchangeEnd),
    CutAt(u64),
}

pub(crate) struct Fetched {
    pub(crate) exchange: Exchange,
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Web {
    /// Fetches an address; `look` counts the requests of all nights.
    pub(crate) fn fetch(&self, asked: &Address, night: usize, look: usize, at: Timestamp) -> Fetched {
        let mut hops = Vec::new();
        let mut seen = HashSet::new();
        let mut address = asked.clone();
        let mut cut_at = None;
        let (ending, bytes) = loop {
            if !seen.insert(address.clone()) {
                break (ExchangeEnd::Failed(Failure::RedirectLoop), None);
            }
            match self.reply(&address, night, look) {
                Reply::ExchangeEnd(ending) => break (ending, None),
                Reply::CutAt(bytes) => {
                    cut_at = Some(bytes);
                    break (ExchangeEnd::Failed(Failure::Truncated), None);
                }
                Reply::To { status, location } => {
                    let headers = Headers(vec![("location".to_owned(), location.clone())]);
                    hops.push(Hop { address: address.clone(), status, headers, sent: Headers::default() });
                    match address.join(&location) {
                        Ok(next) if hops.len() <= HOPS => address = next,
                        Ok(_) => break (ExchangeEnd::Failed(Failure::TooManyRedirects), None),
                        Err(_) => break (ExchangeEnd::Failed(Failure::BadRedirect), None),
                    }
                }
                Reply::Body { status, headers, bytes } => {
                    hops.push(Hop { address, status, headers: Headers(headers), sent: Headers::default() });
                    let body =
                        Body { sha256: Digest::of(&bytes), sha1: String::new(), bytes: bytes.len() as u64 };
                    break (ExchangeEnd::Answered(body), Some(bytes));
                }
            }
        };
        let exchange = Exchange { asked: asked.clone(), started: at, millis: 1, hops, ending, cut_at };
        Fetched { exchange, bytes }
    }

    fn reply(&self, address: &Address, night: usize, look: usize) -> Reply {
        let nights = if *address == self.link {
            Some(&self.nights)
        } else {
            let path = &address.as_str()[address.root().as_str().len() - 1..];
            let is_here = address.host() == self.link.host();
            let find = |wanted: &str| {
                self.elsewhere.iter().find(|(place, _)| place == wanted).map(|(_, nights)| nights)
            };
            find(address.as_str())
                .or_else(|| find(path).filter(|_| is_here))
                .or_else(|| find("*").filter(|_| is_here))
        };
        let Some(nights) = nights else { return self.made("404", address, night, look) };
        let token = &nights[(night - 1).min(nights.len() - 1)];
        // `a;b`: the first request of the night, and those after it.
        let (first, later) = token.split_once(';').unwrap_or((token, token));
        self.made(if look == 1 { first } else { later }, address, night, look)
    }

    /// The reply with this name; `scenarios.psv` lists the names.
    fn made(&self, token: &str, address: &Address, night: usize, look: usize) -> Reply {
        if let Some(ending) = ending(token) {
            return Reply::ExchangeEnd(ending);
        }
        if let Some(bytes) = token.strip_prefix("cut_at_") {
            return Reply::CutAt(bytes.parse().unwrap());
        }
        if let Some((status, location)) = token.split_once('>') {
            let location = location.replace("{look}", &format!("{night}{look}"));
            return match status {
                "refresh" => html(
                    200,
                    &format!("<!doctype html><meta http-equiv=refresh content='0;url={location}'>Moving"),
                ),
                "script" => html(
                    200,
                    &format!("<!doctype html><script>window.location.href = \"{location}\";</script>"),
                ),
                "refresh_header" => Reply::Body {
                    status: 200,
                    headers: vec![("refresh".to_owned(), format!("0; url={location}"))],
                    bytes: Vec::new(),
                },
                status => Reply::To { status: status.parse().unwrap(), location },
            };
        }
        let (what, status) = match token.split_once('@') {
            Some((what, status)) => (what, status.parse().unwrap()),
            None => (token, 200),
        };
        let mut parts = what.split('+');
        let name = parts.next().unwrap();
        let changes: Vec<&str> = parts.collect();
        let seed = night * 100 + look;
        let (name, of) = name.split_once(':').unwrap_or((name, ""));
        let title = if of.is_empty() { self.title.clone() } else { format!("Another matter, {of}") };
        match name {
            "work" => html(status, &bodies::article(&title, &changes, night, seed)),
            "landing" => html(status, &bodies::landing(&title, "/file.pdf", &changes)),
            "pdf" => file(status, "application/pdf", bodies::pdf(&title, &changes, night, seed)),
            "zip" => file(status, "application/zip", bodies::zip(&title, &changes)),
            "png" => file(status, "image/png", bodies::png(&title, night)),
            "ps" => file(status, "application/postscript", bodies::ps(&title, night)),
            "nb" => file(status, "application/json", bodies::notebook(&title, &changes, seed).into_bytes()),
            "empty" => html(status, ""),
            "oembed" => file(status, "application/json", b"{\"type\": \"video\"}".to_vec()),
            "echo" => {
                let words = bodies::prose(&format!("suggested {seed}"), 1);
                html(
                    status,
                    &bodies::notice("Hm", &format!("There is no {}. You may like {words}", address.path())),
                )
            }
            name => noticed(name, status, address),
        }
    }
}

/// A notice, a wall, or a bare status.
fn noticed(name: &str, status: u16, address: &Address) -> Reply {
    let fill = |text: &str| text.replace("{host}", address.host());
    if let Some((_, title, words)) = NOTICES.iter().find(|(known, ..)| *known == name) {
        return html(status, &bodies::notice(&fill(title), &fill(words)));
    }
    if let Some((_, status, header, body)) = WALLS.iter().chain(NO_WALLS).find(|(known, ..)| *known == name) {
        let Reply::Body { mut headers, bytes, .. } = html(*status, body) else { unreachable!() };
        headers.extend(header.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
        return Reply::Body { status: *status, headers, bytes };
    }
    let code = name.parse().unwrap_or_else(|_| panic!("`{name}` is not a reply"));
    html(code, &bodies::notice("Error", "The server could not do this."))
}

fn html(status: u16, body: &str) -> Reply {
    file(status, HTML, body.as_bytes().to_vec())
}

fn file(status: u16, media_type: &str, bytes: Vec<u8>) -> Reply {
    Reply::Body { status, headers: vec![("content-type".to_owned(), media_type.to_owned())], bytes }
}

fn ending(token: &str) -> Option<ExchangeEnd> {
    Some(match token {
        "304" => ExchangeEnd::NotModified,
        "nxdomain" => ExchangeEnd::Failed(Failure::NoSuchHost),
        "servfail" => ExchangeEnd::Failed(Failure::NameServer),
        "refused" => ExchangeEnd::Failed(Failure::Connect),
        "timeout" => ExchangeEnd::Failed(Failure::TimedOut),
        "reset" => ExchangeEnd::Failed(Failure::Reset),
        "tls" => ExchangeEnd::Failed(Failure::Tls),
        "expired" => ExchangeEnd::Failed(Failure::Certificate(CertificateError::Expired)),
        "chain" => ExchangeEnd::Failed(Failure::Certificate(CertificateError::MissingIntermediate)),
        "old_tls" => ExchangeEnd::Failed(Failure::TlsVersion),
        "old_cipher" => ExchangeEnd::Failed(Failure::TlsCipher),
        "selfsigned" => ExchangeEnd::Failed(Failure::Certificate(CertificateError::UnknownIssuer)),
        "short" => ExchangeEnd::Failed(Failure::Truncated),
        "toolarge" => ExchangeEnd::Failed(Failure::TooLarge),
        "garbled" => ExchangeEnd::Failed(Failure::Encoding),
        "robots" => ExchangeEnd::NotSent(NotSent::Robots),
        "stopped" => ExchangeEnd::NotSent(NotSent::HostStopped),
        "no_route" => ExchangeEnd::NotSent(NotSent::LocalFault(LocalFault::NoRoute)),
        "internal" => ExchangeEnd::NotSent(NotSent::InternalAddress),
        _ => return None,
    })
}
