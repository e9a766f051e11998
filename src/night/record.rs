//! The storage of a running night: for each visit and page the blob, then the
//! journal line, then the row of the catalogue.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Receiver;

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest};
use crate::domain::course::{Course, PageSource};
use crate::domain::evidence::Evidence;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::journal::Entry;
use crate::domain::page::Page;
use crate::domain::schedule::start::{ImplausibleStart, check_start};
use crate::domain::visit::Exchange;
use crate::night::capture_select::{NewCapture, VisitResult};
use crate::night::full_text;
use crate::night::journal_replay;
use crate::night::progress::{Progress, Watcher};
use crate::night::removals;
use crate::world::World;
use crate::world::catalogue::{DocumentText, NightRef};

/// The most visits that are stored at once, so that a thousand small pages do not
/// need a thousand syncs of the disk.
const BATCH: usize = 32;

/// The running night.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningNight {
    pub row: NightRef,
    /// An error for a rehearsal at a time that would be implausible otherwise.
    pub start: Result<(), ImplausibleStart>,
}

/// A course page as it was read tonight.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageRead<'a> {
    pub course: &'a Course,
    pub source: &'a PageSource,
    pub page: &'a Page,
    pub bytes: &'a [u8],
}

/// Begins a night, or resumes an interrupted one.
///
/// # Errors
///
/// A failure on our side, or a clock that seems wrong.
pub(super) async fn begin(world: &World) -> anyhow::Result<RunningNight> {
    let interrupted = journal_replay::catch_up(world).await?;
    removals::finish(&world.archive, &world.catalogue, world.clock).await?;
    if let Some(row) = interrupted {
        return Ok(RunningNight { row, start: Ok(()) });
    }
    let (now, start) = start_of_night(world).await?;
    let entry = Entry::Night { started: now };
    world.archive.append(now, std::slice::from_ref(&entry))?;
    world.catalogue.apply(&[entry]).await?;
    Ok(RunningNight { row: world.catalogue.night(now).await?, start })
}

/// The time at which a night may begin, and whether the clock seems right.
///
/// A rehearsal may begin at any time.
///
/// # Errors
///
/// The clock seems wrong.
pub(super) async fn start_of_night(
    world: &World,
) -> anyhow::Result<(Timestamp, Result<(), ImplausibleStart>)> {
    let mut now = world.clock.now();
    let last = world.catalogue.last_night().await?;
    let start = last.map_or(Ok(()), |last| check_start(last.started, now));
    if !world.clock.is_pretended() {
        start?;
    }
    // The start names the night, and two rehearsals may begin at one time.
    while world.catalogue.has_night(now).await? {
        now += SignedDuration::from_micros(1);
    }
    Ok((now, start))
}

impl RunningNight {
    /// Stores a course page and its reading, if they differ from the last ones.
    pub(super) async fn keep_page(
        &self,
        read: PageRead<'_>,
        before: Option<&(Digest, Page)>,
        world: &World,
    ) -> anyhow::Result<()> {
        let sha256 = Digest::of(read.bytes);
        if before.is_some_and(|(digest, page)| *digest == sha256 && page == read.page) {
            return Ok(());
        }
        world.archive.store_bytes(read.bytes)?;
        let at = world.clock.now();
        let entry = Entry::Page {
            at,
            course: read.course.id.clone(),
            title: read.course.title.clone(),
            source: read.source.clone(),
            sha256,
            page: read.page.clone(),
        };
        world.archive.append(at, std::slice::from_ref(&entry))?;
        world.catalogue.apply(&[entry]).await?;
        Ok(())
    }
}

/// Stores visits as they end, in batches.
pub(super) async fn each(
    mut results: Receiver<VisitResult>,
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<HashMap<Address, Evidence>> {
    let mut evidence = HashMap::new();
    let mut batch = Vec::with_capacity(BATCH);
    while results.recv_many(&mut batch, BATCH).await > 0 {
        let (mut entries, mut visits, mut read) = (Vec::new(), Vec::new(), Vec::new());
        for visited in &mut batch {
            let new_capture = match visited.new_capture.take() {
                // Bytes that were taken down are not stored again from another address.
                Some(it) if world.catalogue.is_taken_down(it.body.body.sha256).await? => None,
                new_capture => new_capture,
            };
            let is_kept = new_capture.is_some();
            if let Some(new_capture) = new_capture {
                let mut passages = new_capture.document.passages();
                passages.extend(
                    full_text::of_requisites(&new_capture.requisites, &world.archive, &world.reader).await?,
                );
                let kept = keep(&visited.link, new_capture, world)?;
                read.push(DocumentText { sha256: kept.capture.sha256, passages });
                entries.push(Entry::Capture(kept));
            }
            if let (Some(text), Some(sha256)) = (visited.new_fingerprint, visited.baseline) {
                entries.push(Entry::Reread { link: visited.link.clone(), sha256, text });
            }
            visits.push(Entry::Visit {
                night: night.row.started,
                link: visited.link.clone(),
                evidence: visited.evidence.clone(),
            });
            watch(Progress::Visited { link: &visited.link, bytes: visited.bytes, kept: is_kept });
        }
        // Rows of one table are written together.
        entries.extend(visits);
        world.archive.append(world.clock.now(), &entries)?;
        world.catalogue.apply_with_texts(&entries, &read).await?;
        evidence.extend(batch.drain(..).map(|visited| (visited.link, visited.evidence)));
    }
    Ok(evidence)
}

fn keep(link: &Address, new_capture: NewCapture, world: &World) -> anyhow::Result<StoredCapture> {
    let NewCapture { body, exchange, why, document, validators, is_baseline, requisites, shortfall } =
        new_capture;
    let head = world.archive.store_bytes(head(&exchange).as_bytes())?;
    let (sha256, sha1, bytes) = (body.body.sha256, body.body.sha1.clone(), body.body.bytes);
    world.archive.store(&[body])?;
    let media_type =
        exchange.last_hop().and_then(|hop| hop.headers.get("content-type")).unwrap_or("").to_owned();
    Ok(StoredCapture {
        text: document.fingerprint(),
        words: document.words(),
        title: document.title,
        pages: document.pages,
        validators,
        is_baseline,
        requisites,
        capture: Capture {
            link: link.clone(),
            document: exchange.final_address().clone(),
            sha256,
            sha1,
            bytes,
            media_type,
            captured_at: exchange.started,
            why,
            head: Some(head),
            chain: exchange.hops.iter().map(|hop| hop.address.clone()).collect(),
            shortfall,
        },
    })
}

/// The response head as text: the status, then the headers in their order.
fn head(exchange: &Exchange) -> String {
    let Some(hop) = exchange.last_hop() else { return String::new() };
    let headers = hop.headers.0.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP {}\r\n{}\r\n", hop.status, headers.collect::<String>())
}
