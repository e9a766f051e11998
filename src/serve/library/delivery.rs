//! Decides how a copy is sent to a browser. Its content type is detected from its bytes and
//! not taken from its server.
//!
//! Formats that a browser shows without running code are shown. All others are
//! downloads.

use crate::domain::address::Address;
use crate::domain::capture::Capture;
use crate::domain::document::{Format, format_by_head};
use crate::domain::filename;
use crate::serve::library::page_view::{self, PageKind};

/// The number of bytes from which the format is detected.
pub(in crate::serve) const HEAD_BYTES: usize = 1024;

/// A copy may show its own content. It runs no scripts, sends no forms, loads nothing, and
/// has an opaque origin without cookies. `'self'` is left out, because the relative
/// addresses of a copy are not addresses of this service.
const SANDBOX_POLICY: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; \
     media-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A PDF opens in the browser's viewer, which runs nothing at the origin of the
/// copy. A sandbox would be stricter, but Safari before 2025 shows a sandboxed
/// PDF as an empty window. The type is found from the bytes, and `nosniff`
/// prevents another interpretation.
pub(in crate::serve) const PDF_POLICY: &str = "frame-ancestors 'none'";

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
    /// The name that the file is saved under.
    pub name: String,
    /// The page that is made of it for readers, if it is not sent as it is.
    pub page: Option<PageKind>,
}

/// The facts about a body that decide how it is sent.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct BlobFacts<'a> {
    pub capture: &'a Capture,
    /// `Content-Disposition` of the response.
    pub disposition: Option<&'a str>,
    pub title: Option<&'a str>,
    /// The words of the link.
    pub words: &'a str,
    /// Greater than 1 if an earlier reading of the course has the same name.
    pub number: usize,
}

impl BlobFacts<'_> {
    /// The file name, with the extension of the body's format if it is known.
    pub(super) fn name(&self, ending: Option<&str>) -> String {
        let addresses: Vec<&Address> =
            [&self.capture.document].into_iter().chain(self.capture.chain.iter().rev()).collect();
        let name = filename::best(&filename::Facts {
            disposition: self.disposition,
            addresses: &addresses,
            title: self.title,
            words: Some(self.words),
            ending,
        });
        if self.number > 1 { filename::numbered(&name, self.number) } else { name }
    }
}

impl Delivery {
    /// The `Content-Security-Policy` of the response.
    pub(in crate::serve) fn policy(&self) -> &'static str {
        if self.content_type == "application/pdf" { PDF_POLICY } else { SANDBOX_POLICY }
    }

    /// `head` is the beginning of the body.
    pub(in crate::serve) fn of(head: &[u8], facts: &BlobFacts) -> Self {
        let capture = facts.capture;
        let page = page_view::kind(head, &capture.media_type, &capture.document);
        let BodyType { content_type, extension, is_shown } = body_type(head, &capture.media_type, page);
        Self { content_type, is_shown, name: facts.name(extension), page }
    }

    /// The `Content-Disposition` of the response.
    pub(in crate::serve) fn disposition(&self) -> String {
        filename::attachment(&self.name, self.is_shown)
    }

    /// A file name from which a web server derives no other type, for an exported site.
    pub(in crate::serve) fn static_name(&self) -> String {
        // Servers and file systems disagree about other characters in a path.
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let name: String = self.name.chars().map(plain).collect();
        let name = name.trim_matches('-');
        let has =
            |wanted: &str| name.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case(wanted));
        match (self.is_shown, self.content_type.starts_with("text/plain")) {
            (true, false) => name.to_owned(),
            (true, true) if has("txt") => name.to_owned(),
            (true, true) => format!("{name}.txt"),
            (false, _) if SAFE_EXTENSIONS.iter().any(|extension| has(extension)) => name.to_owned(),
            (false, _) => format!("{name}.bin"),
        }
    }
}

/// The content type of a requisite, by its bytes if they show it. No type that a browser
/// runs is used.
pub(in crate::serve) fn requisite_type<'a>(bytes: &[u8], claimed: &'a str) -> &'a str {
    let is_drawing = bytes.get(..HEAD_BYTES).unwrap_or(bytes).windows(4).any(|window| window == b"<svg");
    let essence = claimed.split(';').next().unwrap_or(claimed).trim();
    match (raster_subtype(bytes), bytes) {
        (Some("jpeg"), _) => "image/jpeg",
        (Some("png"), _) => "image/png",
        (Some("gif"), _) => "image/gif",
        (Some(_), _) => "image/webp",
        (None, [b'%', b'P', b'D', b'F', ..]) => "application/pdf",
        (None, [b'w', b'O', b'F', b'2', ..]) => "font/woff2",
        (None, [b'w', b'O', b'F', b'F', ..]) => "font/woff",
        (None, [b'O', b'T', b'T', b'O', ..] | [0, 1, 0, 0, ..]) => "font/otf",
        (None, [b'W', b'E', b'B', b'V', b'T', b'T', ..]) => "text/vtt; charset=utf-8",
        // A drawing in an `img` runs no script, and opened alone it has the policy of a page.
        (None, _) if is_drawing => "image/svg+xml",
        (None, _) if essence.starts_with("image/") && !essence.contains("svg") => essence,
        (None, _) => "application/octet-stream",
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

    fn downloaded(extension: Option<&'static str>) -> Self {
        Self { content_type: "application/octet-stream".to_owned(), extension, is_shown: false }
    }
}

fn body_type(head: &[u8], claimed: &str, page: Option<PageKind>) -> BodyType {
    match format_by_head(head) {
        Format::Pdf => BodyType::shown("application/pdf".to_owned(), Some("pdf")),
        Format::Html if page == Some(PageKind::Markdown) => {
            BodyType::shown(with_charset("text/plain", claimed), Some("md"))
        }
        Format::Html => BodyType::shown(with_charset("text/html", claimed), Some("html")),
        Format::Text | Format::Notebook if page == Some(PageKind::Notebook) => {
            BodyType::downloaded(Some("ipynb"))
        }
        _ if head.starts_with(b"%!PS") => BodyType::downloaded(Some("ps")),
        Format::Text if is_plain_text(claimed) => {
            BodyType::shown(with_charset("text/plain", claimed), Some("txt"))
        }
        Format::Image => match raster_subtype(head) {
            Some("jpeg") => BodyType::shown("image/jpeg".to_owned(), Some("jpg")),
            Some(subtype) => BodyType::shown(format!("image/{subtype}"), Some(subtype)),
            None => BodyType::downloaded(None),
        },
        _ => BodyType::downloaded(by_claim(claimed)),
    }
}

/// The extension of a type that is not detected from the first bytes.
fn by_claim(claimed: &str) -> Option<&'static str> {
    const TYPES: &[(&str, &str)] = &[
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ("application/vnd.oasis.opendocument.presentation", "odp"),
        ("application/vnd.oasis.opendocument.text", "odt"),
        ("application/vnd.ms-powerpoint", "ppt"),
        ("application/msword", "doc"),
        ("application/epub+zip", "epub"),
    ];
    let essence = claimed.split(';').next().unwrap_or(claimed).trim().to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == essence).map(|(_, extension)| *extension)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capture::{CaptureReason, Digest};

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
            content_disposition: None,
            chain: Vec::new(),
            shortfall: None,
        };
        Delivery::of(
            body,
            &BlobFacts { capture: &capture, disposition: None, title: None, words: "A reading", number: 1 },
        )
    }

    #[test]
    fn the_bytes_decide_the_type() {
        let pdf = delivery(b"%PDF-1.7\n", "text/html", "https://a.edu/download.php?id=1");
        assert_eq!((pdf.content_type.as_str(), pdf.is_shown), ("application/pdf", true));
        assert_eq!(pdf.disposition(), "inline; filename=\"A reading.pdf\"");
        let html = delivery(b"<!doctype html><p>x", "application/pdf", "https://a.edu/");
        assert_eq!((html.content_type.as_str(), html.name.as_str()), ("text/html", "A reading.html"));
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
    fn a_readme_that_begins_with_markup_is_markdown() {
        let readme = b"<a href='https://x.edu'><img src='logo.png'></a>\n\n# Title\n";
        let shown = delivery(readme, "text/markdown", "https://a.edu/README.md");
        assert_eq!((shown.page, shown.name.as_str()), (Some(PageKind::Markdown), "README.md"));
        assert_eq!(shown.content_type, "text/plain; charset=utf-8");
        let page = delivery(b"<!doctype html><p>x", "text/html", "https://a.edu/README.md");
        assert_eq!(page.page, Some(PageKind::Html));
    }

    #[test]
    fn a_static_name_implies_no_other_type() {
        let of = |name: &str, content_type: &str, is_shown| {
            Delivery { name: name.to_owned(), content_type: content_type.to_owned(), is_shown, page: None }
                .static_name()
        };
        assert_eq!(of("a.pdf", "application/pdf", true), "a.pdf");
        assert_eq!(of("a.html", "text/plain; charset=utf-8", true), "a.html.txt");
        assert_eq!(of("figure.svg", "application/octet-stream", false), "figure.svg.bin");
        assert_eq!(of("\u{e9} b;c.pdf", "application/pdf", true), "b-c.pdf");
        assert_eq!(of("a.ipynb", "application/octet-stream", false), "a.ipynb");
    }
}
