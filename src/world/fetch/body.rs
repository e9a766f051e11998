//! Reads a body within the limits of size, time and rate.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncBufReadExt as _;

use super::decode::{self, ByteCounter};
use super::dispatch::HopResponse;
use super::{Error, FetchLimits, failure, local_fault};
use crate::domain::document;
use crate::domain::visit::{ExchangeEnd, Failure, Headers, Hop, LocalFault};
use crate::world::clock::Clock;
use crate::world::spool::{Spool, SpooledBody};

/// How many bytes are examined to classify a body.
const SNIFFED_BYTES: usize = 512;

/// Enough bytes to classify a body.
const BYTES_TO_CLASSIFY: usize = 16;

/// The inflation limit applies above this size.
const INFLATION_FREE_BYTES: u64 = 1 << 20;

/// The limits and counters of a body.
pub(super) struct BodyReader<'a> {
    pub(super) limits: &'a FetchLimits,
    pub(super) clock: Clock,
    pub(super) bytes: Arc<AtomicU64>,
    /// Active time spent on this exchange before the request was sent.
    pub(super) spent: Duration,
}

/// Which limits apply to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyKind {
    /// HTML, and the body of every error response.
    Page,
    Document,
}

/// How far reading a body has come.
struct ReadProgress {
    began: Instant,
    /// Known after the first bytes.
    kind: Option<BodyKind>,
    head: Vec<u8>,
    /// By `Content-Length`; 0 if there is none, or if only a prefix is read.
    announced: u64,
    /// As transferred.
    received: Arc<AtomicU64>,
    decoded: u64,
}

/// An incomplete body.
pub(super) struct Unread {
    pub(super) ending: ExchangeEnd,
    /// How many bytes arrived, if the transfer ended early.
    pub(super) cut_at: Option<u64>,
}

impl From<ExchangeEnd> for Unread {
    fn from(ending: ExchangeEnd) -> Self {
        Self { ending, cut_at: None }
    }
}

/// The first and the last bytes of a body, which show whether it is complete.
#[derive(Default)]
struct BodyEnds {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl BodyEnds {
    fn take(&mut self, chunk: &[u8]) {
        let missing = document::END_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(&chunk[..chunk.len().min(missing)]);
        self.tail.extend_from_slice(&chunk[chunk.len().saturating_sub(document::END_BYTES)..]);
        let surplus = self.tail.len().saturating_sub(document::END_BYTES);
        self.tail.drain(..surplus);
    }
}

/// Why reading ended before the body did.
enum ReadError {
    Ended(ExchangeEnd),
    /// The sink failed.
    Sink(io::Error),
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        Self::Ended(ExchangeEnd::Failed(failure))
    }
}

/// A full disk stops the night, which resumes when there is space, because later links
/// would fail in the same way. Other faults of this machine affect this request only.
fn spool_fault(error: io::Error) -> Result<ExchangeEnd, Error> {
    match local_fault::of_io(&error) {
        Some(fault @ (LocalFault::NoFileDescriptor | LocalFault::NoMemory)) => Ok(failure::local(fault)),
        Some(_) | None => Err(Error::Spool(error)),
    }
}

impl BodyReader<'_> {
    /// Reads the whole body into the spool.
    pub(super) async fn spool(
        &self,
        response: HopResponse,
        spool: &Spool,
    ) -> Result<Result<SpooledBody, Unread>, Error> {
        let mut incoming = match spool.start() {
            Ok(incoming) => incoming,
            Err(error) => return spool_fault(error).map(|ending| Err(ending.into())),
        };
        let mut ends = BodyEnds::default();
        let sink = |chunk: &[u8]| {
            ends.take(chunk);
            incoming.write(chunk).map(ControlFlow::Continue)
        };
        match self.read_chunks(response, true, sink).await {
            Ok(()) => incoming.finish().map(Ok).map_err(Error::Spool),
            // Some servers announce too many bytes, or leave out the last chunk.
            Err(ReadError::Ended(ExchangeEnd::Failed(Failure::Truncated)))
                if document::has_own_end(&ends.head, &ends.tail) =>
            {
                incoming.finish().map(Ok).map_err(Error::Spool)
            }
            Err(ReadError::Ended(ending)) => {
                let cut_at = (ending == ExchangeEnd::Failed(Failure::Truncated)).then(|| incoming.bytes());
                Ok(Err(Unread { ending, cut_at }))
            }
            Err(ReadError::Sink(error)) => spool_fault(error).map(|ending| Err(ending.into())),
        }
    }

    /// The first `most` bytes, in memory, and the failure if there was one.
    pub(super) async fn read_prefix(
        &self,
        response: HopResponse,
        most: usize,
    ) -> (Vec<u8>, Option<ExchangeEnd>) {
        let mut text = Vec::new();
        let sink = |chunk: &[u8]| {
            text.extend_from_slice(&chunk[..chunk.len().min(most - text.len())]);
            Ok(if text.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let ending = match self.read_chunks(response, false, sink).await {
            Ok(()) => None,
            Err(ReadError::Ended(ending)) => Some(ending),
            // Writing to memory does not fail.
            Err(ReadError::Sink(_)) => Some(ExchangeEnd::Failed(Failure::Truncated)),
        };
        (text, ending)
    }

    /// `whole`: a body that is announced as too large is not read.
    async fn read_chunks(
        &self,
        response: HopResponse,
        whole: bool,
        mut sink: impl FnMut(&[u8]) -> io::Result<ControlFlow<()>>,
    ) -> Result<(), ReadError> {
        // `slot` is the turn at the host. It is held until the body is read.
        let HopResponse { hop, response, began, slot: _slot, .. } = response;
        let mut progress = ReadProgress::new(&hop, whole, self.clock.instant());
        self.check_size(&progress)?;
        let meter = ByteCounter { body: Arc::clone(&progress.received), total: Arc::clone(&self.bytes) };
        let mut source = decode::decode(response, &hop.headers, self.limits.document_bytes, meter)?;
        loop {
            let wait = self.wait(progress.kind, began).ok_or(Failure::TimedOut)?;
            let chunk = match tokio::time::timeout(wait, source.fill_buf()).await {
                Err(_) => return Err(Failure::TimedOut.into()),
                Ok(Err(error)) => {
                    let ending = decode::ending_of(&error);
                    // An empty body is complete, whatever its content encoding.
                    let empty = ending == ExchangeEnd::Failed(Failure::Encoding) && progress.received() == 0;
                    return if empty { Ok(()) } else { Err(ReadError::Ended(ending)) };
                }
                Ok(Ok([])) => return Ok(()),
                Ok(Ok(chunk)) => chunk,
            };
            progress.take(chunk, &hop.headers);
            self.check_size(&progress).and_then(|()| self.check_rate(&progress))?;
            if sink(chunk).map_err(ReadError::Sink)?.is_break() {
                return Ok(());
            }
            let length = chunk.len();
            source.consume(length);
        }
    }

    /// The longest wait for the next byte; `None` when the time is over.
    fn wait(&self, kind: Option<BodyKind>, began: Instant) -> Option<Duration> {
        let total = match kind {
            Some(BodyKind::Page) | None => self.limits.page_time,
            Some(BodyKind::Document) => self.limits.document_time,
        };
        let spent = self.spent + self.clock.instant().duration_since(began);
        let left = total.checked_sub(spent).filter(|left| !left.is_zero())?;
        Some(left.min(self.limits.idle))
    }

    fn check_size(&self, progress: &ReadProgress) -> Result<(), Failure> {
        let cap = match progress.kind {
            Some(BodyKind::Page) => self.limits.page_bytes,
            Some(BodyKind::Document) | None => self.limits.document_bytes,
        };
        let decoded = progress.decoded;
        let bomb =
            decoded > INFLATION_FREE_BYTES && decoded / self.limits.inflation.max(1) > progress.received();
        if decoded.max(progress.announced) > cap || bomb { Err(Failure::TooLarge) } else { Ok(()) }
    }

    fn check_rate(&self, progress: &ReadProgress) -> Result<(), Failure> {
        let elapsed = self.clock.instant().duration_since(progress.began);
        let rate = progress.received() / elapsed.as_secs().max(1);
        let slow = elapsed > self.limits.idle && rate < self.limits.bytes_per_second;
        if slow { Err(Failure::TimedOut) } else { Ok(()) }
    }
}

impl ReadProgress {
    fn new(hop: &Hop, whole: bool, began: Instant) -> Self {
        let announced = hop.headers.get("content-length").filter(|_| whole);
        let announced = announced.and_then(|value| value.parse().ok());
        Self {
            began,
            kind: (hop.status >= 400).then_some(BodyKind::Page),
            head: Vec::new(),
            announced: announced.unwrap_or(0),
            received: Arc::default(),
            decoded: 0,
        }
    }

    fn take(&mut self, chunk: &[u8], headers: &Headers) {
        self.decoded += chunk.len() as u64;
        if self.kind.is_none() {
            self.head.extend_from_slice(&chunk[..chunk.len().min(SNIFFED_BYTES)]);
            if self.head.len() >= BYTES_TO_CLASSIFY {
                self.kind = Some(kind_of(&self.head, headers));
            }
        }
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// The bytes decide before the label, because PDFs are served as HTML and the reverse.
fn kind_of(head: &[u8], headers: &Headers) -> BodyKind {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let opens = |tag: &[u8]| text.len() >= tag.len() && text[..tag.len()].eq_ignore_ascii_case(tag);
    if [&b"<!doctype html"[..], b"<html", b"<head", b"<body", b"<!--"].into_iter().any(opens) {
        return BodyKind::Page;
    }
    let declared = headers.media_type();
    let says_page = matches!(declared.as_deref(), Some("text/html" | "application/xhtml+xml"));
    if says_page && !text.starts_with(b"%PDF-") && !text.contains(&0) {
        BodyKind::Page
    } else {
        BodyKind::Document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_before_the_label() {
        let labelled = |label: &str| Headers(vec![("content-type".to_owned(), label.to_owned())]);
        let table = [
            ("<!DOCTYPE html><html>", "application/pdf", BodyKind::Page),
            ("\u{feff}\n <HTML lang=en>", "text/plain", BodyKind::Page),
            ("%PDF-1.7\n%....", "text/html", BodyKind::Document),
            ("PK\u{3}\u{4}\0\0\0", "text/html", BodyKind::Document),
            ("Just words here.", "text/html; charset=utf-8", BodyKind::Page),
            ("{\"cells\": []}", "application/json", BodyKind::Document),
        ];
        for (head, label, kind) in table {
            assert_eq!(kind_of(head.as_bytes(), &labelled(label)), kind, "{head}");
        }
    }
}
