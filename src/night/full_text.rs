//! Full text for the search: documents whose text the catalogue lacks are read
//! from the archive.
//!
//! A document's text is stored with its capture. It is missing after a crash,
//! after a change of the text extraction, and for captures of earlier versions.

use crate::domain::capture::KeptRequisite;
use crate::domain::document;
use crate::domain::document::passage::Passage;
use crate::world::archive::Archive;
use crate::world::catalogue::{Catalogue, DocumentText};
use crate::world::document_reader::Reader;

/// The documents that are read at the end of a night. The next night continues.
pub const A_NIGHT: u32 = 1000;
/// All documents, for a rebuilt catalogue.
pub const ALL: u32 = u32::MAX;

/// Reads documents whose text the catalogue lacks, the newest first.
///
/// # Errors
///
/// A failure on our side. A document that cannot be read has no text.
pub async fn read_missing(
    most: u32,
    archive: &Archive,
    catalogue: &Catalogue,
    reader: &Reader,
) -> anyhow::Result<()> {
    for kept in catalogue.unread(most).await? {
        let capture = &kept.capture;
        let passages = if let Some(path) = archive.readable_file(capture.sha256)? {
            let context = document::DocumentContext::new(capture.document.clone(), Some(&capture.media_type));
            let mut passages = reader.read(&path, &context).await?.passages();
            passages.extend(of_requisites(&kept.requisites, archive, reader).await?);
            passages
        } else {
            Vec::new()
        };
        catalogue.enter_text(&DocumentText { sha256: capture.sha256, passages }).await?;
    }
    Ok(())
}

/// The text that the requisites of a page add: its frames, its captions, and slides
/// that are loaded as text.
pub(super) async fn of_requisites(
    requisites: &[KeptRequisite],
    archive: &Archive,
    reader: &Reader,
) -> anyhow::Result<Vec<Passage>> {
    const TYPES: &[&str] = &["text/html", "application/xhtml", "text/vtt", "text/markdown", "text/plain"];
    let mut passages = Vec::new();
    for requisite in requisites {
        let kind = requisite.media_type.trim().to_ascii_lowercase();
        if TYPES.iter().any(|known| kind.starts_with(known))
            && let Some(path) = archive.readable_file(requisite.sha256)?
        {
            let context =
                document::DocumentContext::new(requisite.address.clone(), Some(&requisite.media_type));
            passages.extend(reader.read(&path, &context).await?.passages());
        }
    }
    Ok(passages)
}
