//! The file of a copy in the archive: its address, its name, and how it is opened.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::capture::{Capture, Loss};
use crate::domain::report::wording::student;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::library::delivery::{BlobFacts, Delivery, HEAD_BYTES};
use crate::serve::library::{name_numbers, page_view, verified_blob};
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

/// Why a copy in the catalogue cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Unreadable {
    Missing,
    /// Its bytes do not have the digest of the capture.
    Altered,
}

impl Unreadable {
    /// The sentence for the reader.
    pub(in crate::serve) fn reason(self) -> &'static str {
        match self {
            Self::Missing => "The file of this copy is missing, so it cannot be opened now.",
            Self::Altered => {
                "The file of this copy has changed on the disk of this service and is not what was \
                 captured, so it is not shown."
            }
        }
    }
}

/// Opens the file of a capture, and verifies its bytes.
/// `title` is the document's own title, if the caller knows it.
pub(in crate::serve) async fn open(
    library: &Library,
    link: &LinkView,
    capture: &Capture,
    title: Option<&str>,
) -> Result<Result<OpenBlob, Unreadable>, Error> {
    let file = match verified_blob::open(library, capture.sha256).await {
        Ok(file) => file,
        Err(Error::Archive(error @ archive::Error::Missing(_))) => {
            tracing::error!(%error, "a copy in the catalogue is missing in the archive");
            library.set_lost(capture.sha256, Loss::Missing).await?;
            return Ok(Err(Unreadable::Missing));
        }
        Err(Error::Archive(error @ archive::Error::Altered { .. })) => {
            tracing::error!(%error, "a copy is not shown");
            library.set_lost(capture.sha256, Loss::Altered).await?;
            return Ok(Err(Unreadable::Altered));
        }
        Err(error) => return Err(error),
    };
    let mut head = [0; HEAD_BYTES];
    let read = file.read_at(&mut head, 0).map_err(Error::ReadCopy)?;
    let head = head.get(..read).unwrap_or(&head);
    let disposition = verified_blob::content_disposition(library, capture).await;
    let facts = BlobFacts {
        capture,
        disposition: disposition.as_deref(),
        title,
        words: &student::name_of(link.facts()),
        number: name_numbers::number_of(library, link).await?,
    };
    Ok(Ok(OpenBlob { file, delivery: Delivery::of(head, &facts) }))
}
