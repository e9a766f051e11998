//! Compressed files: the content is the document.

use std::io::{ErrorKind, Read as _};

use flate2::read::MultiGzDecoder;

use super::{Document, DocumentContext, DocumentDefect, Format, archive, by_content};

/// The most bytes that are unpacked from a compressed file.
const UNPACKED: u64 = 128 << 20;
/// File name extensions of compressed files.
const ENDINGS: &[&str] = &[".gz", ".tgz", ".svgz", ".z", ".gzip"];
/// File name extensions that browsers open, for which a second compression hides the content.
const SHOWN: &[&str] =
    &[".pdf", ".html", ".htm", ".ipynb", ".txt", ".pptx", ".docx", ".xlsx", ".epub", ".svg"];

/// The document in a compressed file; `None` if the file is not compressed.
pub(super) fn unwrapped(bytes: &[u8], context: &DocumentContext) -> Option<Document> {
    bytes.starts_with(b"\x1f\x8b").then(|| {
        let mut inner = Vec::new();
        let read = MultiGzDecoder::new(bytes).take(UNPACKED + 1).read_to_end(&mut inner);
        let bare = Document::bare(Format::Other);
        match read {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                bare.with_defect(DocumentDefect::Truncated)
            }
            Err(_) => bare.with_defect(DocumentDefect::Unreadable),
            Ok(size) if u64::try_from(size).is_ok_and(|size| size > UNPACKED) => {
                bare.with_defect(DocumentDefect::TooCostly)
            }
            Ok(_) => within(&inner, context),
        }
    })
}

fn within(inner: &[u8], context: &DocumentContext) -> Document {
    let path = context.address.path().to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|ending| path.ends_with(*ending));
    if archive::is_tar(inner) {
        return archive::read_tar(inner);
    }
    let mut named = context.clone();
    if let Some(ending) = ending {
        let mut url = context.address.url().clone();
        url.set_path(&context.address.path()[..path.len() - ending.len()]);
        if let Ok(address) = crate::domain::address::Address::from_url(url) {
            named.address = address;
        }
    }
    let document = by_content(inner, &named);
    if SHOWN.iter().any(|ending| path.ends_with(ending)) {
        return document.with_defect(DocumentDefect::DoublyCompressed);
    }
    document
}
