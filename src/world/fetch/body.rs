//! Reading a body within its bounds of size, time and patience.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncBufReadExt as _;

use super::door::Answer;
use super::wire::{self, Meter};
use super::{Error, Limits};
use crate::domain::visit::{Failure, Headers, Hop};
use crate::world::clock::Clock;
use crate::world::spool::{Spool, Spooled};

/// How much is looked at to tell a page from a document.
const SNIFFED: usize = 512;

/// With so many bytes the kind can be told.
const ENOUGH: usize = 16;

/// From here on the ratio of inflation counts.
const INFLATION_COUNTS: u64 = 1 << 20;

/// What bodies are measured against, and with what.
pub(super) struct Reader<'a> {
    pub(super) limits: &'a Limits,
    pub(super) clock: Clock,
    pub(super) bytes: Arc<AtomicU64>,
    /// Active time spent on this exchange before the request was sent.
    pub(super) spent: Duration,
}

/// Which bounds hold for a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Meant to be looked at in a browser; also every error's body.
    Page,
    Document,
}

/// How far reading a body has come.
struct Progress {
    began: Instant,
    /// Known once enough of it came.
    kind: Option<Kind>,
    head: Vec<u8>,
    /// By `Content-Length`; 0 where nothing is, or where it does not matter.
    announced: u64,
    /// On the wire.
    came: Arc<AtomicU64>,
    unpacked: u64,
}

/// Why reading ended before the body did.
enum Stop {
    Web(Failure),
    Own(io::Error),
}

impl Reader<'_> {
    /// The whole body, in the spool.
    pub(super) async fn spool(
        &self,
        answer: Answer,
        spool: &Spool,
    ) -> Result<Result<Spooled, Failure>, Error> {
        let mut incoming = spool.start().map_err(Error::Spool)?;
        let sink = |chunk: &[u8]| incoming.write(chunk).map(ControlFlow::Continue);
        match self.pump(answer, true, sink).await {
            Ok(()) => incoming.finish().map(Ok).map_err(Error::Spool),
            Err(Stop::Web(failure)) => Ok(Err(failure)),
            Err(Stop::Own(error)) => Err(Error::Spool(error)),
        }
    }

    /// The first `most` bytes, in memory, and what went wrong on the way.
    pub(super) async fn start_of(&self, answer: Answer, most: usize) -> (Vec<u8>, Option<Failure>) {
        let mut text = Vec::new();
        let sink = |chunk: &[u8]| {
            text.extend_from_slice(&chunk[..chunk.len().min(most - text.len())]);
            Ok(if text.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let failure = match self.pump(answer, false, sink).await {
            Ok(()) => None,
            Err(Stop::Web(failure)) => Some(failure),
            // This sink writes to memory, which does not fail.
            Err(Stop::Own(_)) => Some(Failure::Truncated),
        };
        (text, failure)
    }

    /// `whole` says that a body announced as too large need not be begun.
    async fn pump(
        &self,
        answer: Answer,
        whole: bool,
        mut sink: impl FnMut(&[u8]) -> io::Result<ControlFlow<()>>,
    ) -> Result<(), Stop> {
        // `held` is the turn at the host: it lasts until the body is read.
        let Answer { hop, response, began, held: _held, .. } = answer;
        let mut progress = Progress::new(&hop, whole, self.clock.instant());
        self.within(&progress).map_err(Stop::Web)?;
        let meter = Meter { body: Arc::clone(&progress.came), all: Arc::clone(&self.bytes) };
        let mut source =
            wire::open(response, &hop.headers, self.limits.document_bytes, meter).map_err(Stop::Web)?;
        loop {
            let wait = self.wait(progress.kind, began).ok_or(Stop::Web(Failure::TimedOut))?;
            let chunk = match tokio::time::timeout(wait, source.fill_buf()).await {
                Err(_) => return Err(Stop::Web(Failure::TimedOut)),
                Ok(Err(error)) => {
                    let failure = wire::broke(&error);
                    // No body at all is a whole body, whatever encoding it claims.
                    let empty = failure == Failure::Encoding && progress.came() == 0;
                    return if empty { Ok(()) } else { Err(Stop::Web(failure)) };
                }
                Ok(Ok([])) => return Ok(()),
                Ok(Ok(chunk)) => chunk,
            };
            progress.take(chunk, &hop.headers);
            self.within(&progress).and_then(|()| self.fast_enough(&progress)).map_err(Stop::Web)?;
            if sink(chunk).map_err(Stop::Own)?.is_break() {
                return Ok(());
            }
            let length = chunk.len();
            source.consume(length);
        }
    }

    /// How long the next byte may take; `None` when time is up.
    fn wait(&self, kind: Option<Kind>, began: Instant) -> Option<Duration> {
        let total = match kind {
            Some(Kind::Page) | None => self.limits.page_time,
            Some(Kind::Document) => self.limits.document_time,
        };
        let spent = self.spent + self.clock.instant().duration_since(began);
        let left = total.checked_sub(spent).filter(|left| !left.is_zero())?;
        Some(left.min(self.limits.idle))
    }

    fn within(&self, progress: &Progress) -> Result<(), Failure> {
        let cap = match progress.kind {
            Some(Kind::Page) => self.limits.page_bytes,
            Some(Kind::Document) | None => self.limits.document_bytes,
        };
        let unpacked = progress.unpacked;
        let bomb = unpacked > INFLATION_COUNTS && unpacked / self.limits.inflation.max(1) > progress.came();
        if unpacked.max(progress.announced) > cap || bomb { Err(Failure::TooLarge) } else { Ok(()) }
    }

    fn fast_enough(&self, progress: &Progress) -> Result<(), Failure> {
        let elapsed = self.clock.instant().duration_since(progress.began);
        let rate = progress.came() / elapsed.as_secs().max(1);
        let slow = elapsed > self.limits.idle && rate < self.limits.bytes_per_second;
        if slow { Err(Failure::TimedOut) } else { Ok(()) }
    }
}

impl Progress {
    fn new(hop: &Hop, whole: bool, began: Instant) -> Self {
        let announced = hop.headers.get("content-length").filter(|_| whole);
        let announced = announced.and_then(|value| value.parse().ok());
        Self {
            began,
            kind: (hop.status >= 400).then_some(Kind::Page),
            head: Vec::new(),
            announced: announced.unwrap_or(0),
            came: Arc::default(),
            unpacked: 0,
        }
    }

    fn take(&mut self, chunk: &[u8], headers: &Headers) {
        self.unpacked += chunk.len() as u64;
        if self.kind.is_none() {
            self.head.extend_from_slice(&chunk[..chunk.len().min(SNIFFED)]);
            if self.head.len() >= ENOUGH {
                self.kind = Some(kind_of(&self.head, headers));
            }
        }
    }

    fn came(&self) -> u64 {
        self.came.load(Ordering::Relaxed)
    }
}

/// The bytes decide before the label does: PDFs are served as HTML, and the reverse.
fn kind_of(head: &[u8], headers: &Headers) -> Kind {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let opens = |tag: &[u8]| text.len() >= tag.len() && text[..tag.len()].eq_ignore_ascii_case(tag);
    if [&b"<!doctype html"[..], b"<html", b"<head", b"<body", b"<!--"].into_iter().any(opens) {
        return Kind::Page;
    }
    let declared = headers.media_type();
    let says_page = matches!(declared.as_deref(), Some("text/html" | "application/xhtml+xml"));
    if says_page && !text.starts_with(b"%PDF-") && !text.contains(&0) { Kind::Page } else { Kind::Document }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_before_the_label() {
        let labelled = |label: &str| Headers(vec![("content-type".to_owned(), label.to_owned())]);
        let table = [
            ("<!DOCTYPE html><html>", "application/pdf", Kind::Page),
            ("\u{feff}\n <HTML lang=en>", "text/plain", Kind::Page),
            ("%PDF-1.7\n%....", "text/html", Kind::Document),
            ("PK\u{3}\u{4}\0\0\0", "text/html", Kind::Document),
            ("Just words here.", "text/html; charset=utf-8", Kind::Page),
            ("{\"cells\": []}", "application/json", Kind::Document),
        ];
        for (head, label, kind) in table {
            assert_eq!(kind_of(head.as_bytes(), &labelled(label)), kind, "{head}");
        }
    }
}
