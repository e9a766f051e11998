//! The file of a copy in the archive: its address, its name, and how it is opened.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use crate::domain::capture::Capture;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::library::delivery::{Delivery, HEAD_BYTES};
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
    let path = path(capture, &file_name(library, delivery));
    match copies_origin::of_link(&library.settings, link) {
        Some(origin) => origin.absolute(&path),
        None => library.settings.base_url.at(&path),
    }
}

/// The file name of a copy. In an exported site the web server takes the type from it.
pub(in crate::serve) fn file_name(library: &Library, delivery: &Delivery) -> String {
    if library.settings.base_url.is_static() { delivery.static_name() } else { delivery.name.clone() }
}

/// Opens the file of a capture. `None` if it is missing or has another length.
pub(in crate::serve) fn open(library: &Library, capture: &Capture) -> Result<Option<OpenBlob>, Error> {
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
    Ok(Some(OpenBlob { file, delivery: Delivery::of(head, capture) }))
}
