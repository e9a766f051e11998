//! Exports of the archive for libraries: WARC and WACZ.
//!
//! They contain all captures that were not taken down, also those that readers may not open.
//! A file is written as a stream. In memory are the digests and addresses of what was
//! written, the lines of the index, and the heads that are in the journal.

mod exchange_records;
mod hashed;
mod journal_heads;
mod selection;
mod wacz;
mod warc;
mod warc_writer;

pub use selection::{ExportSelection, ExportSummary, ExportedArchive};
pub use wacz::wacz;
pub use warc::warc;
