//! A body as it comes off the wire: counted, capped, and its content encodings undone.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use futures_util::Stream;
use reqwest::{Response, Version};
use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};

use super::failure::{self, Stage};
use crate::domain::visit::{Ending, Failure, Headers};

/// Encodings stacked deeper than this are meant to harm.
const STACKED: usize = 2;

/// The largest window a Zstandard body may ask for, as for browsers (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

pub(super) type Source = Box<dyn AsyncBufRead + Send + Unpin>;

/// How many bytes of a body came, and in all.
#[derive(Clone)]
pub(super) struct Meter {
    pub(super) body: Arc<AtomicU64>,
    pub(super) all: Arc<AtomicU64>,
}

/// More came than was to be read.
#[derive(Debug, thiserror::Error)]
#[error("the body is larger than is read")]
pub(super) struct Overrun;

struct Wire<S, B> {
    chunks: Pin<Box<S>>,
    chunk: Option<B>,
    taken: usize,
    meter: Meter,
    ceiling: u64,
    /// Nothing announces where the body ends, so any end is the end.
    open_ended: bool,
}

/// The body of a response; `ceiling` bounds the bytes on the wire.
pub(super) fn open(
    response: Response,
    headers: &Headers,
    ceiling: u64,
    meter: Meter,
) -> Result<Source, Failure> {
    let open_ended = response.version() <= Version::HTTP_11
        && headers.get("content-length").is_none()
        && headers.get("transfer-encoding").is_none();
    let chunks = Box::pin(response.bytes_stream());
    let wire = Wire { chunks, chunk: None, taken: 0, meter, ceiling, open_ended };
    let encodings = encodings(headers)?;
    let mut source: Source = Box::new(wire);
    // Named in the order they were applied (RFC 9110 section 8.4).
    for encoding in encodings.into_iter().rev() {
        source = match encoding {
            Encoding::Gzip => {
                let mut decoder = GzipDecoder::new(source);
                decoder.multiple_members(true);
                Box::new(BufReader::new(decoder))
            }
            Encoding::Deflate => Box::new(BufReader::new(ZlibDecoder::new(source))),
            Encoding::Brotli => Box::new(BufReader::new(BrotliDecoder::new(source))),
            Encoding::Zstd => {
                let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                Box::new(BufReader::new(ZstdDecoder::with_params(source, &window)))
            }
        };
    }
    Ok(source)
}

#[derive(Clone, Copy)]
enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Names that are no encoding at all (`utf-8`, `none`) are passed over, as
/// browsers do; encodings we cannot undo are a failure.
fn encodings(headers: &Headers) -> Result<Vec<Encoding>, Failure> {
    let mut found = Vec::new();
    let lines = headers.0.iter().filter(|(name, _)| name == "content-encoding");
    for name in lines.flat_map(|(_, value)| value.split(',')) {
        found.push(match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Encoding::Gzip,
            "deflate" => Encoding::Deflate,
            "br" => Encoding::Brotli,
            "zstd" => Encoding::Zstd,
            "compress" | "x-compress" | "exi" | "pack200-gzip" | "dcb" | "dcz" | "aes128gcm" => {
                return Err(Failure::Encoding);
            }
            _ => continue,
        });
    }
    if found.len() > STACKED { Err(Failure::Encoding) } else { Ok(found) }
}

/// What an error while reading means.
pub(super) fn broke(error: &io::Error) -> Failure {
    let Some(inner) = error.get_ref() else { return Failure::Encoding };
    if inner.is::<Overrun>() {
        return Failure::TooLarge;
    }
    match inner.downcast_ref::<reqwest::Error>().map(|error| failure::ending(error, Stage::Body)) {
        Some(Ending::Broke(failure)) => failure,
        Some(Ending::Answered(_) | Ending::NotModified | Ending::Withheld(_)) | None => Failure::Encoding,
    }
}

impl<S, B> AsyncBufRead for Wire<S, B>
where
    S: Stream<Item = reqwest::Result<B>>,
    B: AsRef<[u8]> + Unpin,
{
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let wire = self.get_mut();
        while wire.chunk.as_ref().is_none_or(|chunk| wire.taken >= chunk.as_ref().len()) {
            match ready!(wire.chunks.as_mut().poll_next(context)) {
                None => return Poll::Ready(Ok(&[])),
                Some(Err(error)) => {
                    let error = io::Error::other(error);
                    let ended = wire.open_ended && broke(&error) == Failure::Truncated;
                    return Poll::Ready(if ended { Ok(&[]) } else { Err(error) });
                }
                Some(Ok(chunk)) => {
                    let length = chunk.as_ref().len() as u64;
                    wire.meter.all.fetch_add(length, Ordering::Relaxed);
                    let before = wire.meter.body.fetch_add(length, Ordering::Relaxed);
                    if before.saturating_add(length) > wire.ceiling {
                        return Poll::Ready(Err(io::Error::other(Overrun)));
                    }
                    wire.chunk = Some(chunk);
                    wire.taken = 0;
                }
            }
        }
        Poll::Ready(Ok(wire.chunk.as_ref().map_or(&[], |chunk| &chunk.as_ref()[wire.taken..])))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.get_mut().taken += amount;
    }
}

impl<S, B> AsyncRead for Wire<S, B>
where
    S: Stream<Item = reqwest::Result<B>>,
    B: AsRef<[u8]> + Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let available = ready!(self.as_mut().poll_fill_buf(context))?;
        let amount = available.len().min(buffer.remaining());
        buffer.put_slice(&available[..amount]);
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}
