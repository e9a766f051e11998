//! Streams the bytes of a blob in chunks, so that a blob is never in memory as a whole.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use futures_util::stream::{Stream, try_unfold};
use hyper::body::Bytes;
use rustix::io::{Errno, ReadWriteFlags, preadv2};

/// The bytes that are read and sent at a time, and the memory of one slow client.
const CHUNK_BYTES: usize = 128 << 10;

/// The bytes from `start` up to `end`.
pub fn stream(file: File, start: u64, end: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let file = Arc::new(file);
    try_unfold(start, move |at| {
        let file = Arc::clone(&file);
        async move {
            let size =
                usize::try_from(end.saturating_sub(at)).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
            if size == 0 {
                return Ok(None);
            }
            let chunk = read(&file, at, size).await?;
            let next = at + chunk.len() as u64;
            Ok(Some((chunk, next)))
        }
    })
}

/// Bytes in the page cache are read directly. Only reads from the disk use a blocking
/// thread, which costs as much as the read.
async fn read(file: &Arc<File>, at: u64, size: usize) -> io::Result<Bytes> {
    let mut chunk = vec![0; size];
    let there = match preadv2(file, &mut [IoSliceMut::new(&mut chunk)], at, ReadWriteFlags::NOWAIT) {
        Ok(there) => there,
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INTR) => 0,
        Err(error) => return Err(error.into()),
    };
    if there > 0 {
        chunk.truncate(there);
        return Ok(chunk.into());
    }
    let file = Arc::clone(file);
    let waiting = tokio::task::spawn_blocking(move || {
        file.read_exact_at(&mut chunk, at)?;
        Ok(chunk.into())
    });
    waiting.await.map_err(io::Error::other)?
}
