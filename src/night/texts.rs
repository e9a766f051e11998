//! The words of documents that the catalogue lacks, read out of the archive.
//!
//! A document's words are entered when it is kept. What is missing was kept
//! before words were entered, before a crash, or read by an older extraction.

use crate::domain::document;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::reader::Reader;

/// So many documents are read at the end of a night; more wait for the next.
pub const A_NIGHT: u32 = 1000;
/// For a catalogue that is made anew.
pub const ALL: u32 = u32::MAX;

/// Reads documents whose words the catalogue does not have, the newest first.
///
/// # Errors
///
/// Only our own failing: a document that cannot be read has no words.
pub async fn read_missing(
    most: u32,
    archive: &Archive,
    catalogue: &Catalogue,
    reader: &Reader,
) -> anyhow::Result<()> {
    for kept in catalogue.unread(most).await? {
        let capture = &kept.capture;
        let path = archive.path_of(capture.sha256);
        let passages = if path.exists() {
            let context = document::Context::new(capture.document.clone(), Some(&capture.media_type));
            reader.read(&path, &context).await?.passages()
        } else {
            Vec::new()
        };
        catalogue.enter_text(capture.sha256, &passages).await?;
    }
    Ok(())
}
