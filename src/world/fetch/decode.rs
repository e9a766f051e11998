//! Decoding of bodies: transferred bytes are counted and limited, content encodings are removed.

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
use crate::domain::visit::{ExchangeEnd, Failure, Headers};

/// More content encodings than this on one body are an attack.
const STACKED: usize = 2;

/// The largest window a Zstandard body may ask for, as for browsers (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

pub(super) type DecodedBody = Box<dyn AsyncBufRead + Send + Unpin>;

/// Counts the transferred bytes of one body, and of all.
#[derive(Clone)]
pub(super) struct ByteCounter {
    pub(super) body: Arc<AtomicU64>,
    pub(super) total: Arc<AtomicU64>,
}

/// The body has more bytes than allowed.
#[derive(Debug, thiserror::Error)]
#[error("the body exceeds the size limit")]
pub(super) struct SizeLimitExceeded;

struct RawBody<S, B> {
    chunks: Pin<Box<S>>,
    chunk: Option<B>,
    taken: usize,
    counter: ByteCounter,
    ceiling: u64,
    /// The response has no length, so the end of the connection is the end of the body.
    open_ended: bool,
}

/// The body of a response; `ceiling` limits the bytes of the body.
pub(super) fn decode(
    response: Response,
    headers: &Headers,
    ceiling: u64,
    counter: ByteCounter,
) -> Result<DecodedBody, Failure> {
    let open_ended = response.version() <= Version::HTTP_11
        && headers.get("content-length").is_none()
        && headers.get("transfer-encoding").is_none();
    let chunks = Box::pin(response.bytes_stream());
    let body = RawBody { chunks, chunk: None, taken: 0, counter, ceiling, open_ended };
    let encodings = encodings(headers)?;
    let mut source: DecodedBody = Box::new(body);
    // Listed in the order in which they were applied (RFC 9110 section 8.4).
    for encoding in encodings.into_iter().rev() {
        source = match encoding {
            ContentEncoding::Gzip => {
                let mut decoder = GzipDecoder::new(source);
                decoder.multiple_members(true);
                Box::new(BufReader::new(decoder))
            }
            ContentEncoding::Deflate => Box::new(BufReader::new(ZlibDecoder::new(source))),
            ContentEncoding::Brotli => Box::new(BufReader::new(BrotliDecoder::new(source))),
            ContentEncoding::Zstd => {
                let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                Box::new(BufReader::new(ZstdDecoder::with_params(source, &window)))
            }
        };
    }
    Ok(source)
}

#[derive(Clone, Copy)]
enum ContentEncoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Encodings that are not content encodings (`utf-8`, `none`) are ignored, as in
/// browsers. An unknown encoding is a failure.
fn encodings(headers: &Headers) -> Result<Vec<ContentEncoding>, Failure> {
    let mut found = Vec::new();
    let lines = headers.0.iter().filter(|(name, _)| name == "content-encoding");
    for name in lines.flat_map(|(_, value)| value.split(',')) {
        found.push(match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => ContentEncoding::Gzip,
            "deflate" => ContentEncoding::Deflate,
            "br" => ContentEncoding::Brotli,
            "zstd" => ContentEncoding::Zstd,
            "compress" | "x-compress" | "exi" | "pack200-gzip" | "dcb" | "dcz" | "aes128gcm" => {
                return Err(Failure::Encoding);
            }
            _ => continue,
        });
    }
    if found.len() > STACKED { Err(Failure::Encoding) } else { Ok(found) }
}

/// The meaning of an error while reading.
pub(super) fn ending_of(error: &io::Error) -> ExchangeEnd {
    let Some(inner) = error.get_ref() else { return ExchangeEnd::Failed(Failure::Encoding) };
    if inner.is::<SizeLimitExceeded>() {
        return ExchangeEnd::Failed(Failure::TooLarge);
    }
    match inner.downcast_ref::<reqwest::Error>() {
        Some(error) => failure::ending(error, Stage::Body),
        None => ExchangeEnd::Failed(Failure::Encoding),
    }
}

impl<S, B> AsyncBufRead for RawBody<S, B>
where
    S: Stream<Item = reqwest::Result<B>>,
    B: AsRef<[u8]> + Unpin,
{
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let body = self.get_mut();
        while body.chunk.as_ref().is_none_or(|chunk| body.taken >= chunk.as_ref().len()) {
            match ready!(body.chunks.as_mut().poll_next(context)) {
                None => return Poll::Ready(Ok(&[])),
                Some(Err(error)) => {
                    let error = io::Error::other(error);
                    let ended =
                        body.open_ended && ending_of(&error) == ExchangeEnd::Failed(Failure::Truncated);
                    return Poll::Ready(if ended { Ok(&[]) } else { Err(error) });
                }
                Some(Ok(chunk)) => {
                    let length = chunk.as_ref().len() as u64;
                    body.counter.total.fetch_add(length, Ordering::Relaxed);
                    let before = body.counter.body.fetch_add(length, Ordering::Relaxed);
                    if before.saturating_add(length) > body.ceiling {
                        return Poll::Ready(Err(io::Error::other(SizeLimitExceeded)));
                    }
                    body.chunk = Some(chunk);
                    body.taken = 0;
                }
            }
        }
        Poll::Ready(Ok(body.chunk.as_ref().map_or(&[], |chunk| &chunk.as_ref()[body.taken..])))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.get_mut().taken += amount;
    }
}

impl<S, B> AsyncRead for RawBody<S, B>
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
