//! How a copy is sent to a browser: its content type is found from its bytes,
//! not taken from the server that it came from.
//!
//! Formats that a browser shows without running anything are shown. All others
//! are downloads.

use percent_encoding::percent_decode_str;

use crate::domain::address::Address;
use crate::domain::capture::Capture;
use crate::domain::document::{Format, format_by_head};

/// The bytes at the beginning of a body that show its format.
pub(in crate::serve) const HEAD_BYTES: usize = 1024;
const MAX_NAME_CHARS: usize = 80;

/// A copy may show what it contains itself. It runs no scripts, sends no forms,
/// loads nothing, and has an opaque origin without cookies. `'self'` is left out
/// because the relative addresses of a copy are not addresses of this service.
const SANDBOX_POLICY: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; \
     media-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A PDF opens in the browser's viewer, which runs nothing at the origin of the
/// copy. A sandbox would be stricter, but Safari before 2025 shows a sandboxed
/// PDF as an empty window. The type is found from the bytes, and `nosniff`
/// prevents another interpretation.
const PDF_POLICY: &str = "frame-ancestors 'none'";

/// Extensions that web servers do not map to a type that a browser runs.
const SAFE_EXTENSIONS: [&str; 15] = [
    "ipynb", "zip", "gz", "tgz", "tar", "ps", "djvu", "epub", "docx", "pptx", "xlsx", "mp3", "mp4", "webm",
    "csv",
];

/// How a body is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Delivery {
    pub content_type: String,
    /// Shown by the browser, not downloaded.
    pub is_shown: bool,
    /// The file name: ASCII, with the extension of the format.
    pub name: String,
}

impl Delivery {
    /// The `Content-Security-Policy` of the response.
    pub(in crate::serve) fn policy(&self) -> &'static str {
        if self.content_type == "application/pdf" { PDF_POLICY } else { SANDBOX_POLICY }
    }

    /// `head` is the beginning of the body.
    pub(in crate::serve) fn of(head: &[u8], capture: &Capture) -> Self {
        let BodyType { content_type, extension, is_shown } = body_type(head, &capture.media_type);
        Self { content_type, is_shown, name: name(&capture.document, extension) }
    }

    /// The `Content-Disposition` of the response.
    pub(in crate::serve) fn disposition(&self) -> String {
        let disposition = if self.is_shown { "inline" } else { "attachment" };
        format!("{disposition}; filename=\"{}\"", self.name)
    }

    /// A file name from which a web server derives no other type, for an exported site.
    pub(in crate::serve) fn static_name(&self) -> String {
        let name = &self.name;
        let has =
            |wanted: &str| name.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case(wanted));
        match (self.is_shown, self.content_type.starts_with("text/plain")) {
            (true, false) => name.clone(),
            (true, true) if has("txt") => name.clone(),
            (true, true) => format!("{name}.txt"),
            (false, _) if SAFE_EXTENSIONS.iter().any(|extension| has(extension)) => name.clone(),
            (false, _) => format!("{name}.bin"),
        }
    }
}

struct BodyType {
    content_type: String,
    extension: Option<&'static str>,
    is_shown: bool,
}

impl BodyType {
    fn shown(content_type: String, extension: Option<&'static str>) -> Self {
        Self { content_type, extension, is_shown: true }
    }

    fn downloaded() -> Self {
        Self { content_type: "application/octet-stream".to_owned(), extension: None, is_shown: false }
    }
}

fn body_type(head: &[u8], claimed: &str) -> BodyType {
    match format_by_head(head) {
        Format::Pdf => BodyType::shown("application/pdf".to_owned(), Some("pdf")),
        Format::Html => BodyType::shown(with_charset("text/html", claimed), Some("html")),
        Format::Text if is_plain_text(claimed) => BodyType::shown(with_charset("text/plain", claimed), None),
        Format::Image => match raster_subtype(head) {
            Some("jpeg") => BodyType::shown("image/jpeg".to_owned(), Some("jpg")),
            Some(subtype) => BodyType::shown(format!("image/{subtype}"), Some(subtype)),
            None => BodyType::downloaded(),
        },
        Format::Text
        | Format::Notebook
        | Format::Presentation
        | Format::WordProcessing
        | Format::Spreadsheet
        | Format::Ebook
        | Format::Archive
        | Format::Audio
        | Format::Video
        | Format::Empty
        | Format::Other => BodyType::downloaded(),
    }
}

/// Types that are only text. JSON, XML and scripts are downloads.
fn is_plain_text(claimed: &str) -> bool {
    let essence = claimed.split_once(';').map_or(claimed, |(essence, _)| essence).trim().to_ascii_lowercase();
    matches!(essence.as_str(), "text/plain" | "text/markdown" | "text/x-markdown" | "text/csv" | "text/x-tex")
}

/// Adds the charset that the server claimed, if it is a known one.
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

fn raster_subtype(head: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(usize, &[u8], &str); 4] =
        [(0, b"\x89PNG", "png"), (0, b"\xff\xd8\xff", "jpeg"), (0, b"GIF8", "gif"), (8, b"WEBP", "webp")];
    let has = |at: usize, mark: &[u8]| head.get(at..at + mark.len()) == Some(mark);
    SIGNATURES.iter().find(|(at, mark, _)| has(*at, mark)).map(|(_, _, kind)| *kind)
}

/// The last part of the address, with only characters that are safe in a header, a shell and a file name.
fn name(document: &Address, extension: Option<&str>) -> String {
    let last = document.path().rsplit('/').find(|part| !part.is_empty()).unwrap_or("document");
    let decoded = percent_decode_str(last).decode_utf8_lossy();
    let safe: String = decoded
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .take(MAX_NAME_CHARS)
        .collect();
    let stem = safe.trim_matches(['.', '-']);
    let stem = if stem.is_empty() { "document" } else { stem };
    match extension {
        Some(extension) if !has_extension(stem, extension) => format!("{stem}.{extension}"),
        Some(_) | None => stem.to_owned(),
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, has)| {
        has.eq_ignore_ascii_case(extension) || matches!((extension, has), ("html", "htm") | ("jpg", "jpeg"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capture::{CaptureReason, Digest};
    use proptest::prelude::*;

    fn delivery(body: &[u8], claimed: &str, address: &str) -> Delivery {
        let address = Address::parse(address).unwrap();
        let capture = Capture {
            link: address.clone(),
            document: address,
            sha256: Digest::of(body),
            sha1: String::new(),
            bytes: body.len() as u64,
            media_type: claimed.to_owned(),
            captured_at: jiff::Timestamp::UNIX_EPOCH,
            why: CaptureReason::First,
            head: None,
            chain: Vec::new(),
        };
        Delivery::of(body, &capture)
    }

    #[test]
    fn the_bytes_decide_the_type() {
        let pdf = delivery(b"%PDF-1.7\n", "text/html", "https://a.edu/download.php?id=1");
        assert_eq!((pdf.content_type.as_str(), pdf.is_shown), ("application/pdf", true));
        assert_eq!(pdf.disposition(), "inline; filename=\"download.php.pdf\"");
        let html = delivery(b"<!doctype html><p>x", "application/pdf", "https://a.edu/");
        assert_eq!((html.content_type.as_str(), html.name.as_str()), ("text/html", "document.html"));
        let old = delivery(b"<html>", "text/html; charset=\"Latin1\"", "https://a.edu/a.htm");
        assert_eq!(
            (old.content_type.as_str(), old.name.as_str()),
            ("text/html; charset=windows-1252", "a.htm")
        );
    }

    #[test]
    fn formats_that_a_browser_might_run_are_downloads() {
        let cases: [(&[u8], &str, &str); 6] = [
            (b"<svg onload=alert(1)>", "image/svg+xml", "https://a.edu/a.svg"),
            (b"<?xml version='1.0'?><svg/>", "image/svg+xml", "https://a.edu/b.svg"),
            (b"<?xml version='1.0'?><x/>", "text/xml", "https://a.edu/a.xml"),
            (b"alert(1)", "text/javascript", "https://a.edu/a.js"),
            (b"{\"cells\": []}", "application/json", "https://a.edu/a.ipynb"),
            (b"\0\x01\x02", "image/png", "https://a.edu/a.png"),
        ];
        for (body, claimed, address) in cases {
            let delivery = delivery(body, claimed, address);
            assert_eq!(delivery.content_type, "application/octet-stream", "{address}");
            assert!(delivery.disposition().starts_with("attachment"), "{address}");
        }
        assert_eq!(
            delivery(b"a, b", "text/csv", "https://a.edu/a.csv").content_type,
            "text/plain; charset=utf-8"
        );
    }

    #[test]
    fn a_static_name_implies_no_other_type() {
        let of = |name: &str, content_type: &str, is_shown| {
            Delivery { name: name.to_owned(), content_type: content_type.to_owned(), is_shown }.static_name()
        };
        assert_eq!(of("a.pdf", "application/pdf", true), "a.pdf");
        assert_eq!(of("a.html", "text/plain; charset=utf-8", true), "a.html.txt");
        assert_eq!(of("figure.svg", "application/octet-stream", false), "figure.svg.bin");
        assert_eq!(of("a.ipynb", "application/octet-stream", false), "a.ipynb");
    }

    proptest! {
        #[test]
        fn every_name_is_safe(path in "(/|%2e|%00|[.\"\\\\a-z\u{e4}%]){0,200}") {
            let Ok(address) = Address::parse(&format!("https://a.edu/{path}")) else { return Ok(()) };
            let name = name(&address, Some("pdf"));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
            prop_assert!(!name.starts_with('.') && name.len() <= MAX_NAME_CHARS + 4);
        }
    }
}
