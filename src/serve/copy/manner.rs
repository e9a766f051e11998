//! How a stranger's bytes are handed to a browser: by what they are, not by what they claim.
//!
//! What a browser can show harmlessly is shown; everything else is a download.

use percent_encoding::percent_decode_str;

use crate::domain::address::Address;
use crate::domain::capture::Capture;
use crate::domain::document::{Format, format_by_head};

/// The first bytes of a body that tell its format.
pub(in crate::serve) const HEAD_BYTES: usize = 1024;
const LONGEST_NAME: usize = 80;

/// A copy may show what it carries itself. It runs nothing, sends nothing,
/// asks no host for anything, and has an origin of its own: no cookie of ours
/// is in its reach. `'self'` is missing on purpose, for a copy's relative
/// addresses are not ours.
const SANDBOX: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; \
                       media-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A PDF runs in the browser's viewer and never in our origin, whatever is in
/// it. Chromium and Firefox show one in a sandbox too, but Safari before 2025
/// shows an empty window, and telephones read these. That it is a PDF is seen in
/// its bytes, and `nosniff` keeps a browser from thinking otherwise.
const VIEWER: &str = "frame-ancestors 'none'";

/// How a body leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Manner {
    pub content_type: String,
    /// Shown by the browser, or saved.
    pub is_shown: bool,
    /// The name it is saved under: plain ASCII, with the ending of its format.
    pub name: String,
}

impl Manner {
    /// The `Content-Security-Policy` to send with it.
    pub(in crate::serve) fn policy(&self) -> &'static str {
        if self.content_type == "application/pdf" { VIEWER } else { SANDBOX }
    }

    /// `head` is the beginning of the body.
    pub(in crate::serve) fn of(head: &[u8], capture: &Capture) -> Self {
        let (content_type, ending, is_shown) = kind(head, &capture.media_type);
        Self { content_type, is_shown, name: name(&capture.document, ending) }
    }

    pub(in crate::serve) fn disposition(&self) -> String {
        let how = if self.is_shown { "inline" } else { "attachment" };
        format!("{how}; filename=\"{}\"", self.name)
    }
}

/// The content type to send, the ending of a file name, and whether it is shown.
fn kind(head: &[u8], claimed: &str) -> (String, Option<&'static str>, bool) {
    let saved = || ("application/octet-stream".to_owned(), None, false);
    match format_by_head(head) {
        Format::Pdf => ("application/pdf".to_owned(), Some("pdf"), true),
        Format::Html => (with_charset("text/html", claimed), Some("html"), true),
        Format::Text if is_plain(claimed) => (with_charset("text/plain", claimed), None, true),
        Format::Image => match raster(head) {
            Some(kind) => (format!("image/{kind}"), Some(if kind == "jpeg" { "jpg" } else { kind }), true),
            None => saved(),
        },
        Format::Text | Format::Notebook | Format::Audio | Format::Video | Format::Empty | Format::Other => {
            saved()
        }
    }
}

/// Text that is nothing but text; JSON, XML and scripts are saved.
fn is_plain(claimed: &str) -> bool {
    let essence = claimed.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "text/plain" | "text/markdown" | "text/x-markdown" | "text/csv" | "text/x-tex")
}

/// The charset is taken from the claim, as nothing else may know it; one that
/// is no charset is dropped.
fn with_charset(essence: &str, claimed: &str) -> String {
    let parameters = claimed.split(';').skip(1).map(str::trim);
    let label = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'));
    let charset = label.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    match charset {
        Some(charset) => format!("{essence}; charset={}", charset.name().to_ascii_lowercase()),
        None if essence == "text/plain" => "text/plain; charset=utf-8".to_owned(),
        None => essence.to_owned(),
    }
}

fn raster(head: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(usize, &[u8], &str); 4] =
        [(0, b"\x89PNG", "png"), (0, b"\xff\xd8\xff", "jpeg"), (0, b"GIF8", "gif"), (8, b"WEBP", "webp")];
    let has = |at: usize, mark: &[u8]| head.get(at..at + mark.len()) == Some(mark);
    SIGNATURES.iter().find(|(at, mark, _)| has(*at, mark)).map(|(_, _, kind)| *kind)
}

/// The last part of the address, harmless in a header, a shell and a file system.
fn name(document: &Address, ending: Option<&str>) -> String {
    let last = document.path().rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    let decoded = percent_decode_str(last).decode_utf8_lossy();
    let safe: String = decoded
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .take(LONGEST_NAME)
        .collect();
    let stem = safe.trim_matches(['.', '-']);
    let stem = if stem.is_empty() { "document" } else { stem };
    match ending {
        Some(ending) if !has_ending(stem, ending) => format!("{stem}.{ending}"),
        Some(_) | None => stem.to_owned(),
    }
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, has)| {
        has.eq_ignore_ascii_case(ending) || matches!((ending, has), ("html", "htm") | ("jpg", "jpeg"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capture::{Digest, Why};
    use proptest::prelude::*;

    fn manner(body: &[u8], claimed: &str, address: &str) -> Manner {
        let address = Address::parse(address).unwrap();
        let capture = Capture {
            link: address.clone(),
            document: address,
            sha256: Digest::of(body),
            sha1: String::new(),
            bytes: body.len() as u64,
            media_type: claimed.to_owned(),
            captured_at: jiff::Timestamp::UNIX_EPOCH,
            why: Why::First,
            head: None,
            chain: Vec::new(),
        };
        Manner::of(body, &capture)
    }

    #[test]
    fn what_it_is_wins_over_what_it_claims() {
        let pdf = manner(b"%PDF-1.7\n", "text/html", "https://a.edu/download.php?id=1");
        assert_eq!((pdf.content_type.as_str(), pdf.is_shown), ("application/pdf", true));
        assert_eq!(pdf.disposition(), "inline; filename=\"download.php.pdf\"");
        let html = manner(b"<!doctype html><p>x", "application/pdf", "https://a.edu/");
        assert_eq!((html.content_type.as_str(), html.name.as_str()), ("text/html", "document.html"));
        let old = manner(b"<html>", "text/html; charset=\"Latin1\"", "https://a.edu/a.htm");
        assert_eq!(
            (old.content_type.as_str(), old.name.as_str()),
            ("text/html; charset=windows-1252", "a.htm")
        );
    }

    #[test]
    fn what_a_browser_might_run_is_saved() {
        let cases: [(&[u8], &str, &str); 6] = [
            (b"<svg onload=alert(1)>", "image/svg+xml", "https://a.edu/a.svg"),
            (b"<?xml version='1.0'?><svg/>", "image/svg+xml", "https://a.edu/b.svg"),
            (b"<?xml version='1.0'?><x/>", "text/xml", "https://a.edu/a.xml"),
            (b"alert(1)", "text/javascript", "https://a.edu/a.js"),
            (b"{\"cells\": []}", "application/json", "https://a.edu/a.ipynb"),
            (b"\0\x01\x02", "image/png", "https://a.edu/a.png"),
        ];
        for (body, claimed, address) in cases {
            let manner = manner(body, claimed, address);
            assert_eq!(manner.content_type, "application/octet-stream", "{address}");
            assert!(manner.disposition().starts_with("attachment"), "{address}");
        }
        assert_eq!(
            manner(b"a, b", "text/csv", "https://a.edu/a.csv").content_type,
            "text/plain; charset=utf-8"
        );
    }

    proptest! {
        #[test]
        fn a_name_is_harmless(path in "(/|%2e|%00|[.\"\\\\a-z\u{e4}%]){0,200}") {
            let Ok(address) = Address::parse(&format!("https://a.edu/{path}")) else { return Ok(()) };
            let name = name(&address, Some("pdf"));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
            prop_assert!(!name.starts_with('.') && name.len() <= LONGEST_NAME + 4);
        }
    }
}
