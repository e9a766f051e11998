//! Blobs of the archive whose bytes have their digest.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::Library;
use super::delivery::HEAD_BYTES;
use crate::domain::capture::{Capture, Digest};
use crate::domain::warc::{exchange_heads, http_head};
use crate::serve::error::Error;

/// Opens a blob. Hashing takes a while for a large file, so it runs on a blocking thread, and
/// only a few files are hashed at a time.
pub(super) async fn open(library: &Library, digest: Digest) -> Result<File, Error> {
    if let Some(file) = library.archive.open_verified_blob(digest)? {
        return Ok(file);
    }
    // The semaphore is never closed.
    let _permit = library.hashing.acquire().await.ok();
    let archive = library.archive.clone();
    Ok(tokio::task::spawn_blocking(move || archive.open_blob(digest)).await??)
}

/// `Content-Disposition` of the response. `None` if it cannot be read, so that the name comes
/// from elsewhere.
pub(super) async fn content_disposition(library: &Library, capture: &Capture) -> Option<String> {
    let Some(head) = capture.head else { return capture.content_disposition.clone() };
    let file = open(library, head).await.ok()?;
    let mut bytes = [0; HEAD_BYTES * 16];
    let read = file.read_at(&mut bytes, 0).ok()?;
    let heads = String::from_utf8_lossy(bytes.get(..read)?);
    http_head::value(exchange_heads::response(&heads), "content-disposition").map(str::to_owned)
}
