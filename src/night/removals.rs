//! Removes the bodies of takedowns, also if a crash interrupted the removal.

use crate::domain::capture::Digest;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;

/// The result of a removal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub bodies: usize,
    /// Another process reads the catalogue, so its log may still hold the texts. The next
    /// start finishes this.
    pub is_log_in_use: bool,
}

/// Removes the files, quarantined files and texts of all bodies whose removal is not
/// finished. The caller holds the lock on the captures.
///
/// # Errors
///
/// A file cannot be removed, or the catalogue cannot be used.
pub async fn finish(archive: &Archive, catalogue: &Catalogue, clock: Clock) -> anyhow::Result<Removed> {
    let pending: Vec<Digest> = catalogue.unfinished_removals().await?;
    if pending.is_empty() {
        return Ok(Removed::default());
    }
    for sha256 in &pending {
        archive.remove(*sha256)?;
    }
    archive.write_sums()?;
    for old in archive.old_catalogues()? {
        if let Err(error) = Catalogue::forget_texts_in(&old, &pending).await {
            tracing::warn!(%error, catalogue = %old.display(), "an old catalogue may still hold the text of a copy that was taken down; delete that file");
        }
    }
    let is_log_in_use = !catalogue.forget_texts(&pending, clock).await?;
    if !is_log_in_use {
        catalogue.set_removed(&pending).await?;
    }
    Ok(Removed { bodies: pending.len(), is_log_in_use })
}
