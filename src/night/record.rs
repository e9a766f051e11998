//! The storage of a running night: for each visit and page the blob, then the
//! journal line, then the row of the catalogue.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{Course, PageSource};
use crate::domain::evidence::Evidence;
use crate::domain::journal::Entry;
use crate::domain::page::Page;
use crate::domain::schedule::start::{ImplausibleStart, check_start};
use crate::night::capture_select::VisitResult;
use crate::night::journal_replay;
use crate::night::progress::{Progress, Watcher};
use crate::night::removals;
use crate::night::visit_batch::{BatchFiles, VisitBatch};
use crate::world::archive::{self, Archive};
use crate::world::catalogue::{Catalogue, DocumentText, NightRef, ServerStart};
use crate::world::recording::JournalWriter;
use crate::world::{StoringGuard, World};

/// The most visits that are stored at once: a disk needs little longer for many syncs at the
/// same time than for one.
const BATCH: usize = 128;

/// The running night.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningNight {
    pub row: NightRef,
    /// The server of the catalogue since before the journal was replayed.
    pub server: Option<ServerStart>,
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
    // A night that was cancelled may still be storing its last batch.
    world.nothing_is_stored().await;
    let server = world.catalogue.server_start().await?;
    let interrupted = journal_replay::catch_up(world).await?;
    removals::finish(&world.archive, &world.catalogue, world.clock).await?;
    if let Some(row) = interrupted {
        return Ok(RunningNight { row, server, start: Ok(()) });
    }
    let (now, start) = start_of_night(world).await?;
    world.record(now, vec![Entry::Night { started: now }]).await?;
    Ok(RunningNight { row: world.catalogue.night(now).await?, server, start })
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
        world.record(at, vec![entry]).await
    }
}

/// Stores visits as they end, in batches. The crawl goes on while a batch is stored. If visits end
/// faster than batches are written, the bodies of the next batch are stored meanwhile.
pub(super) async fn each(
    mut results: Receiver<VisitResult>,
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<HashMap<Address, Evidence>> {
    let mut evidence = HashMap::new();
    let mut writing = Writing::default();
    loop {
        let visited = gathered(&mut results, &mut writing).await?;
        if visited.is_empty() {
            writing.end().await?;
            return Ok(evidence);
        }
        let stored = store_bodies(visited, &mut evidence, night, world, watch);
        let (stored, ()) = tokio::try_join!(stored, writing.end())?;
        writing = stored.write(world);
    }
}

/// The visits of a batch; none after the last one. A small batch costs as many statements as a large
/// one, so visits gather while the batch before is written.
async fn gathered(
    results: &mut Receiver<VisitResult>,
    writing: &mut Writing,
) -> anyhow::Result<Vec<VisitResult>> {
    let mut visited = Vec::with_capacity(BATCH);
    while writing.goes_on() && visited.len() < BATCH {
        let room = BATCH - visited.len();
        tokio::select! {
            written = writing.end() => written?,
            count = results.recv_many(&mut visited, room) => if count == 0 { return Ok(visited) },
        }
    }
    if visited.is_empty() {
        results.recv_many(&mut visited, BATCH).await;
    }
    Ok(visited)
}

/// Stores the bodies of visits.
async fn store_bodies(
    visited: Vec<VisitResult>,
    evidence: &mut HashMap<Address, Evidence>,
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<StoredBatch> {
    let visits = visited.into_iter().map(|visit| (visit, None)).collect();
    let batch = VisitBatch::of(visits, night.row, world, |visit| {
        let kept = visit.new_capture.is_some();
        watch(Progress::Visited { link: &visit.link, bytes: visit.bytes, kept });
        evidence.insert(visit.link.clone(), visit.evidence.clone());
    });
    StoredBatch::of(batch.await?, world).await
}

/// The lines and rows of a batch that are being written, if there is one.
#[derive(Default)]
struct Writing(Option<JoinHandle<anyhow::Result<()>>>);

impl Writing {
    fn goes_on(&self) -> bool {
        self.0.is_some()
    }

    /// Waits for its end.
    async fn end(&mut self) -> anyhow::Result<()> {
        let Some(writing) = &mut self.0 else { return Ok(()) };
        let written = writing.await;
        self.0 = None;
        written?
    }
}

/// Visits whose bodies are stored. They count once their lines are in the journal: after a
/// crash, the next run writes the rows from there.
struct StoredBatch {
    entries: Vec<Entry>,
    texts: Vec<DocumentText>,
    storing: StoringGuard,
}

impl StoredBatch {
    /// Stores the bodies of a batch. If the night is cancelled meanwhile, the batch is written all
    /// the same.
    async fn of(batch: VisitBatch, world: &World) -> anyhow::Result<Self> {
        let (archive, writer) = (world.archive.clone(), BatchWriter::of(world));
        let storing = world.storing().await;
        let (sender, stored) = oneshot::channel();
        tokio::spawn(async move {
            let storing = tokio::task::spawn_blocking(move || {
                let BatchFiles { bodies, entries, texts } = batch.into_files();
                archive.store(&bodies)?;
                Ok::<_, archive::Error>(Self { entries, texts, storing })
            });
            let stored = storing.await.map_err(anyhow::Error::from).and_then(|stored| Ok(stored?));
            // Nobody waits for the batch if its night was cancelled.
            if let Err(Ok(batch)) = sender.send(stored)
                && let Err(error) = writer.write(batch).await
            {
                let error = format!("{error:#}");
                tracing::warn!(
                    error,
                    "the last visits before the stop are not stored; the night makes them again"
                );
            }
        });
        stored.await?
    }

    /// Appends the lines to the journal, then writes the rows, also if the night is cancelled
    /// meanwhile.
    fn write(self, world: &World) -> Writing {
        Writing(Some(tokio::spawn(BatchWriter::of(world).write(self))))
    }
}

/// Writes the lines and rows of a batch.
struct BatchWriter {
    archive: Archive,
    catalogue: Catalogue,
    at: Timestamp,
}

impl BatchWriter {
    fn of(world: &World) -> Self {
        Self { archive: world.archive.clone(), catalogue: world.catalogue.clone(), at: world.clock.now() }
    }

    async fn write(self, batch: StoredBatch) -> anyhow::Result<()> {
        let StoredBatch { entries, texts, storing } = batch;
        let writer = JournalWriter { archive: &self.archive, catalogue: &self.catalogue, at: self.at };
        let mut batch = writer.begin().await?;
        let (entries, _storing) = writer.append(&mut batch, entries, storing).await?;
        batch.enter(&entries, &texts).await?;
        Ok(batch.commit().await?)
    }
}
