//! `onreserve export warc`: captures as one WARC file, compressed record by record.

use std::io::Write;

use super::hashed::HashingWriter;
use super::journal_heads::JournalHeads;
use super::selection::{ExportSelection, ExportSummary, ExportedArchive};
use super::warc_writer::{MissingBody, WarcWriter};
use crate::domain::evidence::link_history::StoredCapture;

/// Writes the selected captures.
///
/// # Errors
///
/// The catalogue or the archive cannot be read, or the file cannot be written.
pub async fn warc(
    selection: &ExportSelection,
    filename: &str,
    out: impl Write,
    from: ExportedArchive<'_>,
) -> anyhow::Result<ExportSummary> {
    let mut writer = WarcWriter::begin(HashingWriter::new(out), filename, from)?;
    let mut summary = ExportSummary::default();
    write_captures(selection, from, &mut writer, &mut summary, |_| ()).await?;
    Ok(summary)
}

/// Writes the captures of a selection, and calls `written` for each that could be read.
pub(super) async fn write_captures<W: Write>(
    selection: &ExportSelection,
    from: ExportedArchive<'_>,
    writer: &mut WarcWriter<'_, W>,
    summary: &mut ExportSummary,
    mut written: impl FnMut(&StoredCapture),
) -> anyhow::Result<()> {
    let links = selection.links(from.catalogue).await?;
    let heads = JournalHeads::of(&links, from.archive)?;
    for link in links {
        for kept in selection.captures(from.catalogue, &link).await? {
            match writer.capture(&kept, heads.get(&kept.capture))? {
                Ok(()) => {
                    summary.captures += 1;
                    written(&kept);
                }
                Err(MissingBody) => summary.unreadable.push(kept.capture.id()),
            }
        }
    }
    summary.records = writer.records();
    Ok(())
}
