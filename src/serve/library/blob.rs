//! The file of a copy in the archive: its address, its name, and how it is opened.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::capture::Capture;
use crate::domain::report::wording::student;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::library::delivery::{BlobFacts, Delivery, HEAD_BYTES};
use crate::serve::library::page_view;
use crate::serve::middleware::copies_origin;
use crate::world::archive;

/// An open file, and how it is sent.
#[derive(Debug)]
pub(in crate::serve) struct OpenBlob {
    pub file: File,
    pub delivery: Delivery,
}

/// The path of a copy: its digest, and a file name for people.
pub(in crate::serve) fn path(capture: &Capture, name: &str) -> String {
    format!("/blob/{}/{name}", capture.sha256)
}

/// The address that opens a copy.
pub(in crate::serve) fn address(
    library: &Library,
    link: &LinkView,
    capture: &Capture,
    delivery: &Delivery,
) -> String {
    let path = match delivery.page {
        Some(_) if !library.settings.base_url.is_static() => page_view::path(&capture.id()),
        Some(_) | None => path(capture, &encoded(&file_name(library, delivery))),
    };
    match copies_origin::of_link(&library.settings, link) {
        Some(origin) => origin.absolute(&path),
        None => library.settings.base_url.at(&path),
    }
}

/// The address that downloads a copy which is shown as a page.
pub(in crate::serve) fn download_address(
    library: &Library,
    link: &LinkView,
    capture: &Capture,
    name: &str,
) -> String {
    let path = path(capture, &encoded(name));
    match copies_origin::of_link(&library.settings, link) {
        Some(origin) => origin.absolute(&path),
        None => library.settings.base_url.at(&path),
    }
}

/// A file name as a part of a path.
pub(in crate::serve) fn encoded(name: &str) -> String {
    const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');
    utf8_percent_encode(name, NAME).to_string()
}

/// The file name of a copy. In an exported site the web server takes the type from it.
pub(in crate::serve) fn file_name(library: &Library, delivery: &Delivery) -> String {
    if library.settings.base_url.is_static() { delivery.static_name() } else { delivery.name.clone() }
}

/// Opens the file of a capture. `None` if it is missing or has another length.
/// `title` is the document's own, where the caller knows it.
pub(in crate::serve) fn open(
    library: &Library,
    link: &LinkView,
    capture: &Capture,
    title: Option<&str>,
) -> Result<Option<OpenBlob>, Error> {
    let file = match library.archive.open_blob(capture.sha256) {
        Ok(file) => file,
        Err(error @ archive::Error::Missing(_)) => {
            tracing::error!(%error, "a copy in the catalogue is missing in the archive");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let length = file.metadata().map_err(Error::ReadCopy)?.len();
    if length != capture.bytes {
        tracing::error!(sha256 = %capture.sha256, length, expected = capture.bytes, "a copy has the wrong length");
        return Ok(None);
    }
    let mut head = [0; HEAD_BYTES];
    let read = file.read_at(&mut head, 0).map_err(Error::ReadCopy)?;
    let head = head.get(..read).unwrap_or(&head);
    let facts = BlobFacts {
        capture,
        response_head: &response_head(library, capture),
        title,
        words: &student::name_of(link.item()),
    };
    Ok(Some(OpenBlob { file, delivery: Delivery::of(head, &facts) }))
}

/// The stored response head; empty where it cannot be read, so that the name is taken from elsewhere.
fn response_head(library: &Library, capture: &Capture) -> String {
    let read = || {
        let file = library.archive.open_blob(capture.head?).ok()?;
        let mut bytes = [0; HEAD_BYTES * 16];
        let read = file.read_at(&mut bytes, 0).ok()?;
        Some(String::from_utf8_lossy(bytes.get(..read)?).into_owned())
    };
    read().unwrap_or_else(String::new)
}
