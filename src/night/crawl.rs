//! The crawl: every link is visited, hosts in parallel and the links of one host
//! one after another.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::Evidence;
use crate::domain::evidence::capture_decision;
use crate::domain::evidence::evaluate::evaluate;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::next_probe::next_probe;
use crate::domain::evidence::probe::{CheckedLink, ProbeResult, ProbeResults};
use crate::domain::evidence::visit_context::VisitContext;
use crate::night::capture_select::{self, NewCapture, VisitResult};
use crate::night::execute::{self, Shared, UnopenedPage};
use crate::night::progress::{Progress, Watcher};
use crate::night::record::{self, RunningNight};
use crate::night::render;
use crate::night::requisites::{self, CapturedPage, RequisitesBefore};
use crate::night::storage::StorageTonight;
use crate::world::World;

/// The most visits that wait to be stored. After an interruption they are repeated.
pub(super) const WAITING_TO_BE_WRITTEN: usize = 128;
/// The links of a host whose records are in memory at the same time.
const LINKS_OF_A_HOST_AT_ONCE: usize = 20;
/// A text of more bytes is compared alone.
const LONG_TEXT: usize = 1 << 20;

/// What the crawl of a night found.
pub(super) struct CrawlResults {
    pub evidence: HashMap<Address, Evidence>,
    pub unstored: Unstored,
}

/// New copies that were not stored.
#[derive(Clone, Debug)]
pub(super) struct Unstored {
    /// The disk has no room for them.
    pub without_room: usize,
    /// A quota is used up.
    pub over_quota: usize,
    /// Pages that the browser could not open.
    pub unopened: Vec<UnopenedPage>,
}

/// Visits every link that tonight has not visited yet, and stores each visit as it ends.
pub(super) async fn all(
    links: &[CheckedLink],
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<CrawlResults> {
    let mut evidence = world.catalogue.visited(night.row.id).await?;
    let left: Vec<&CheckedLink> = links.iter().filter(|link| !evidence.contains_key(&link.address)).collect();
    let waiting: Vec<&Address> = left.iter().map(|link| &link.address).collect();
    watch(Progress::Links { count: links.len(), known: evidence.len(), waiting: &waiting });
    let (sender, receiver) = mpsc::channel(WAITING_TO_BE_WRITTEN);
    let visits = visits(&left, VisitPurpose::Capture, world, sender);
    let (unstored, recorded) = tokio::try_join!(visits, record::each(receiver, night, world, watch))?;
    evidence.extend(recorded);
    Ok(CrawlResults { evidence, unstored })
}

/// The purpose of the visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VisitPurpose {
    /// Captures are stored, those of pages with their requisites.
    Capture,
    /// Only the state of the links is determined.
    Recheck,
}

/// Visits these links and sends each result. The channel closes after the last one.
/// Returns the numbers of new copies that were not stored.
pub(super) async fn visits(
    left: &[&CheckedLink],
    purpose: VisitPurpose,
    world: &World,
    sender: mpsc::Sender<VisitResult>,
) -> anyhow::Result<Unstored> {
    let storage = match purpose {
        VisitPurpose::Capture => StorageTonight::read(world).await?,
        VisitPurpose::Recheck => None,
    };
    let shared = Shared::with_storage(storage);
    visit_each(left, purpose, &shared, world, sender).await?;
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    Ok(Unstored {
        without_room: count(&shared.without_room),
        over_quota: count(&shared.over_quota),
        unopened: shared.unopened.into_inner().unwrap_or_else(PoisonError::into_inner),
    })
}

/// The same with results that visits of other links share.
pub(super) async fn visit_each(
    left: &[&CheckedLink],
    purpose: VisitPurpose,
    shared: &Shared,
    world: &World,
    sender: mpsc::Sender<VisitResult>,
) -> anyhow::Result<()> {
    stream::iter(by_host(left))
        .map(|links| {
            let sender = sender.clone();
            async move {
                for links in links.chunks(LINKS_OF_A_HOST_AT_ONCE) {
                    let addresses: Vec<Address> = links.iter().map(|link| link.address.clone()).collect();
                    let mut known = world.catalogue.link_records(&addresses).await?;
                    for link in links {
                        let history = known.remove(&link.address).unwrap_or_default().history;
                        let visited = visit_and_capture(link, &history, purpose, shared, world).await?;
                        // The receiver ends early only with an error, which it returns itself.
                        let _ = sender.send(visited).await;
                    }
                }
                anyhow::Ok(())
            }
        })
        .buffer_unordered(world.hosts_at_once)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

/// Visits one link. Its new capture has its requisites, and the page as a browser shows it.
async fn visit_and_capture(
    link: &CheckedLink,
    history: &LinkHistory,
    purpose: VisitPurpose,
    shared: &Shared,
    world: &World,
) -> anyhow::Result<VisitResult> {
    let mut visited = visit(link, history, shared, world).await?;
    if purpose == VisitPurpose::Recheck {
        return Ok(visited);
    }
    render::add(&mut visited, link, history, shared, world).await?;
    let is_beside = visited.new_capture.as_ref().is_some_and(NewCapture::is_beside);
    if is_beside || (visited.new_capture.is_some() && !world.archive.has_room()?) {
        // The link is still judged. Its capture is stored on a night with enough disk space.
        visited.new_capture = None;
        shared.without_room.fetch_add(1, Ordering::Relaxed);
    }
    let fits =
        |new: &NewCapture| shared.storage.as_ref().is_none_or(|storage| storage.takes(&link.address, new));
    if visited.new_capture.as_ref().is_some_and(|new| !fits(new)) {
        visited.new_capture = None;
        shared.over_quota.fetch_add(1, Ordering::Relaxed);
    }
    add_requisites(&mut visited, history, shared, world).await?;
    Ok(visited)
}

/// Fetches the requisites of a captured page.
async fn add_requisites(
    visited: &mut VisitResult,
    history: &LinkHistory,
    shared: &Shared,
    world: &World,
) -> anyhow::Result<()> {
    let Some(new_capture) = &mut visited.new_capture else { return Ok(()) };
    let loaded = new_capture.rendering.as_mut().map(|rendering| std::mem::take(&mut rendering.loaded));
    let page = CapturedPage {
        body: &new_capture.body,
        document: &new_capture.document,
        address: new_capture.exchange.final_address(),
        content_type: new_capture.media_type(),
    };
    let left = shared.storage.as_ref().map_or(u64::MAX, |storage| storage.left(&visited.link));
    let known = RequisitesBefore { loaded: loaded.unwrap_or_default(), history, cache: &shared.requisites };
    new_capture.requisites = requisites::fetch(page, known, left, world).await?;
    if let Some(storage) = &shared.storage {
        storage.add_requisites(&visited.link, &new_capture.requisites);
    }
    Ok(())
}

/// The links grouped by host. The largest groups come first, because they decide
/// when the night ends; equal ones are in the order of their first links.
fn by_host<'a>(links: &[&'a CheckedLink]) -> Vec<Vec<&'a CheckedLink>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<&CheckedLink>> = Vec::new();
    for link in links {
        let place = *places.entry(link.address.host()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(link);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// Visits one link: sends probes until none is left, then evaluates the responses.
async fn visit(
    link: &CheckedLink,
    history: &LinkHistory,
    shared: &Shared,
    world: &World,
) -> anyhow::Result<VisitResult> {
    let mut visit = LinkVisit {
        link: link.clone(),
        history: capture_select::without_lost_captures(history, world)?.into_owned(),
        baseline: None,
        last: None,
        results: Vec::new(),
        at: world.clock.now(),
    };
    let mut bodies = HashMap::new();
    loop {
        let probe;
        (visit, probe) = on_a_thread(visit, shared, |visit| next_probe(&visit.context())).await?;
        let Some(probe) = probe else { break };
        let (result, body) = execute::run(probe, link, &visit.history, shared, world).await?;
        if let Some(body) = body {
            bodies.insert(visit.results.len(), body);
        }
        visit.results.push(result);
        if visit.baseline.is_none() && capture_decision::needs_baseline(&visit.history, &visit.results) {
            visit.baseline = capture_select::read_again(visit.history.baseline.as_ref(), world).await?;
            if capture_decision::needs_last(&visit.history, visit.baseline.as_ref()) {
                visit.last = capture_select::read_again(visit.history.last.as_ref(), world).await?;
            }
        }
    }
    let evaluated = move |visit: &LinkVisit| {
        let context = visit.context();
        capture_select::select(&context, evaluate(&context), bodies)
    };
    Ok(on_a_thread(visit, shared, evaluated).await?.1)
}

/// The data of a visit while it runs.
struct LinkVisit {
    link: CheckedLink,
    history: LinkHistory,
    baseline: Option<Document>,
    last: Option<Document>,
    results: Vec<ProbeResult>,
    at: Timestamp,
}

impl LinkVisit {
    fn has_long_text(&self) -> bool {
        let read = self.results.iter().filter_map(|result| result.document.as_ref());
        read.chain(&self.baseline).chain(&self.last).any(|document| document.text.len() > LONG_TEXT)
    }

    /// Without a document there is hardly anything to compute.
    fn has_document(&self) -> bool {
        self.baseline.is_some() || self.results.iter().any(|result| result.document.is_some())
    }

    fn context(&self) -> VisitContext<'_> {
        VisitContext {
            link: &self.link,
            history: &self.history,
            baseline: self.baseline.as_ref(),
            last: self.last.as_ref(),
            results: ProbeResults(&self.results),
            at: self.at,
        }
    }
}

/// Computes on a blocking thread if there is a document. All hosts share one task, so a
/// very long page would delay the others.
async fn on_a_thread<T: Send + 'static>(
    visit: LinkVisit,
    shared: &Shared,
    compute: impl FnOnce(&LinkVisit) -> T + Send + 'static,
) -> anyhow::Result<(LinkVisit, T)> {
    if !visit.has_document() {
        let value = compute(&visit);
        return Ok((visit, value));
    }
    let _turn = if visit.has_long_text() { Some(shared.long_texts.lock().await) } else { None };
    let computing = tokio::task::spawn_blocking(move || {
        let value = compute(&visit);
        (visit, value)
    });
    Ok(computing.await?)
}
