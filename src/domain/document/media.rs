//! The format of a body, by its first bytes (after the WHATWG MIME Sniffing standard).

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE};

use super::{Format, svg};

/// `%PDF-` may be within this many bytes (ISO 32000-1, implementation note 13).
const PDF_WITHIN: usize = 1024;
const MARKUP_WITHIN: usize = 1024;

pub(super) fn sniff(bytes: &[u8]) -> Format {
    let bytes = &*from_utf16(bytes);
    let head = &bytes[..bytes.len().min(PDF_WITHIN)];
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Format::Empty;
    }
    if head.windows(5).any(|window| window == b"%PDF-") && !looks_like_html(head) {
        return Format::Pdf;
    }
    if let Some(format) = by_signature(bytes) {
        return format;
    }
    if is_drawing(head) {
        return Format::Image;
    }
    if looks_like_html(head) {
        Format::Html
    } else if is_text(head) {
        Format::Text
    } else {
        Format::Other
    }
}

/// The beginning of a body as UTF-8, if it is UTF-16 with a byte order mark.
fn from_utf16(bytes: &[u8]) -> Cow<'_, [u8]> {
    let encoding = match bytes {
        [0xff, 0xfe, ..] => UTF_16LE,
        [0xfe, 0xff, ..] => UTF_16BE,
        _ => return Cow::Borrowed(bytes),
    };
    let head = &bytes[..bytes.len().min(2 * PDF_WITHIN)];
    Cow::Owned(encoding.decode_with_bom_removal(head).0.into_owned().into_bytes())
}

fn by_signature(bytes: &[u8]) -> Option<Format> {
    const SIGNATURES: &[(usize, &[u8], Format)] = &[
        (0, b"\x89PNG\r\n\x1a\n", Format::Image),
        (0, b"\xff\xd8\xff", Format::Image),
        (0, b"GIF8", Format::Image),
        (8, b"WEBP", Format::Image),
        (4, b"ftyp", Format::Video),
        (0, b"\x1a\x45\xdf\xa3", Format::Video),
        (8, b"AVI ", Format::Video),
        (0, b"ID3", Format::Audio),
        (0, b"\xff\xfb", Format::Audio),
        (0, b"OggS", Format::Audio),
        (0, b"fLaC", Format::Audio),
        (8, b"WAVE", Format::Audio),
        (0, b"PK\x03\x04", Format::Archive),
        (0, b"PK\x05\x06", Format::Archive),
        (257, b"ustar", Format::Archive),
        (0, b"\x1f\x8b", Format::Other),
        (0, b"%!PS", Format::Other),
    ];
    let has = |at: usize, mark: &[u8]| bytes.get(at..at + mark.len()) == Some(mark);
    SIGNATURES.iter().find(|(at, mark, _)| has(*at, mark)).map(|(_, _, format)| *format)
}

/// An Office Open XML file with a password is a compound file with these two
/// streams ([MS-OFFCRYPTO] 2.1.1).
pub(super) fn is_encrypted_office(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        && bytes.windows(name.len()).any(|window| window == name)
}

/// An SVG drawing.
pub(super) fn is_drawing(head: &[u8]) -> bool {
    svg::is_svg(&String::from_utf8_lossy(head))
}

/// A tag at the beginning, after white space, a byte order mark, comments and an XML declaration.
fn looks_like_html(head: &[u8]) -> bool {
    const TAGS: &[&str] = &[
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<title",
        "<meta",
        "<script",
        "<style",
        "<link",
        "<div",
        "<p>",
        "<p ",
        "<h1",
        "<h2",
        "<table",
        "<a ",
        "<br",
        "<b>",
        "<ul",
        "<center",
        "<font",
        "<iframe",
        "<main",
        "<article",
        "<span",
    ];
    let text = String::from_utf8_lossy(&head[..head.len().min(MARKUP_WITHIN)]).to_lowercase();
    let mut rest = text.trim_start_matches(['\u{feff}', '\u{fffd}']).trim_start();
    while let Some(after) = rest.strip_prefix("<!--").or_else(|| rest.strip_prefix("<?xml")) {
        let end = if rest.starts_with("<!--") { "-->" } else { "?>" };
        match after.split_once(end) {
            Some((_, behind)) => rest = behind.trim_start(),
            None => return true,
        }
    }
    TAGS.iter().any(|tag| rest.starts_with(tag)) || rest.starts_with("<!doctype html")
}

/// Text without control characters except white space.
fn is_text(head: &[u8]) -> bool {
    !head.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}
