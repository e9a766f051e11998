//! A night: one scheduled run over the courses.
//!
//! [`run`] calls the stages in order, and each stage is a module: read the pages,
//! crawl the links, judge them, search for replacements, write the reports, queue
//! the emails. The decisions themselves are in `domain`.

pub mod one_page;
mod pages;
pub mod bulk_lists;
mod rota;
mod crawl;
pub mod workers;
mod requisites;
mod render;
mod execute;
mod capture_select;
mod sentinels;
mod storage;
pub mod journal_replay;
pub mod rebuilt_reports;
mod visit_batch;
mod record;
mod decisions;
mod replacement_search;
pub mod page_patch;
mod course_report;
mod queue_emails;
mod finish;
pub mod lost_copies;
mod recheck;
pub mod removals;
pub mod rejudge;
mod progress;
pub mod scrub;
pub mod full_text;

pub use execute::UnopenedPage;
pub use pages::NoPage;
pub use progress::{Progress, Watcher};
pub use recheck::{Rechecked, all as recheck, one as recheck_link};
pub use rota::NightScope;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::course::Course;
use crate::domain::report;
use crate::domain::schedule::start::ImplausibleStart;
use crate::domain::verdict::StateName;
use crate::domain::visit::LocalFault;
use crate::night::course_report::NightResults;
use crate::night::crawl::Unstored;
use crate::night::lost_copies::LostCopies;
use crate::world::catalogue;
use crate::world::recording::LockedCaptures;
use crate::world::{Crawler, World};

/// A finished night.
#[derive(Clone, Debug)]
pub struct Finished {
    pub id: i64,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub requests: u64,
    pub bytes: u64,
    pub void: Option<report::Void>,
    /// Requests that a fault of this machine prevented, by fault.
    pub local_faults: BTreeMap<LocalFault, u32>,
    /// One report for every course whose page was read tonight or before.
    pub courses: Vec<report::CourseReport>,
    /// Courses whose pages were never read.
    pub unread: Vec<NoPage>,
    /// Copies whose bytes are altered or missing.
    pub lost_copies: LostCopies,
    /// New copies that were not kept, because the disk of the archive has no room for them.
    pub without_room: usize,
    /// New copies that were not kept, because a quota is used up.
    pub over_quota: usize,
    /// Pages that the browser could not open, so that they have no new copy.
    pub unopened: Vec<UnopenedPage>,
    /// An error for a rehearsal at a time that would be implausible otherwise.
    pub start: Result<(), ImplausibleStart>,
}

impl Finished {
    /// Whether a link is dead without a decision about it.
    pub fn has_dead(&self) -> bool {
        self.courses.iter().any(|course| course.facts.has_dead())
    }

    /// Whether faults of this machine prevented so many requests that the operator must act.
    pub fn has_many_local_faults(&self) -> bool {
        const SHARE: u64 = 20;
        let faults: u64 = self.local_faults.values().map(|count| u64::from(*count)).sum();
        let links = self.courses.iter().map(|course| course.facts.links.len() as u64).sum::<u64>();
        faults * SHARE > links
    }

    pub fn count(&self, state: StateName) -> usize {
        self.courses
            .iter()
            .flat_map(|course| &course.facts.links)
            .filter(|link_facts| link_facts.verdict.state.name() == state)
            .count()
    }
}

/// Runs one night over the courses. `scope` says which of their links it visits; the others
/// keep their results.
///
/// Each visit is stored as it ends, so that the next call resumes an interrupted
/// night. Verdicts, events, reports and emails are stored in one transaction at
/// the end.
///
/// # Errors
///
/// A failure on our side: the disk, the catalogue, a certificate file. Failures of
/// the web are results, not errors.
pub async fn run(
    courses: &[Course],
    scope: NightScope<'_>,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<Finished> {
    loop {
        match Box::pin(run_on_one_server(courses, scope, world, watch)).await {
            Err(error) if is_restart(&error) => tracing::warn!(
                "the server of the catalogue was restarted or replaced; the night goes on with what the journal has"
            ),
            ended => return ended,
        }
    }
}

fn is_restart(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(catalogue::Error::ServerRestarted))
}

/// The same. If the server of the catalogue is restarted or replaced meanwhile, the error is
/// [`catalogue::Error::ServerRestarted`].
async fn run_on_one_server(
    courses: &[Course],
    scope: NightScope<'_>,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<Finished> {
    let mut captures = world.capture_lock().await?;
    let ended = Box::pin(run_locked(&mut captures, courses, scope, world, watch)).await;
    // The process may end with the night.
    captures.unlock().await;
    ended
}

/// The same, while no other process changes the captures.
async fn run_locked(
    captures: &mut LockedCaptures,
    courses: &[Course],
    scope: NightScope<'_>,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<Finished> {
    let night = record::begin(world).await?;
    let readings = pages::read_all(courses, world, &night).await?;
    let mut links = pages::links(&readings.read);
    let addresses: Vec<Address> = links.iter().map(|link| link.address.clone()).collect();
    // These are large, and a night is a part of other futures.
    Box::pin(bulk_lists::read(&mut links, scope, &night, world, watch)).await?;
    let turns = rota::turns(&readings.read, scope, &night, world).await?;
    links.retain(|link| !turns.is_waiting(&link.address));
    turns.sort(&mut links);
    let crawled = match world.crawler {
        Crawler::ThisProcess => Box::pin(crawl::all(&links, &night, world, watch)).await?,
        Crawler::Workers => {
            captures.admit_workers().await?;
            Box::pin(workers::crawl(&links, &night, world, watch)).await?
        }
    };
    let sentinels = sentinels::ask(world).await?;
    let judged = finish::judge(&addresses, crawled.evidence, sentinels, world).await?;
    let replacements = replacement_search::all(&readings, &judged, world).await?;
    let lost_copies = lost_copies::look(world).await?;
    let verified = world.catalogue.verified().await?;
    let results =
        NightResults { judged: &judged, turns: &turns, verified: &verified, replacements: &replacements };
    let reports = course_report::of_courses(&night, &readings, results, world).await?;
    finish::record(&night, &readings, &judged, &reports, world).await?;
    full_text::read_missing(full_text::A_NIGHT, &world.archive, &world.catalogue, &world.reader).await?;
    if let Err(error) = world.catalogue.compact_visits().await {
        tracing::error!(%error, "the visits of old nights are not compacted; the next night tries again");
    }
    let Unstored { without_room, over_quota, unopened } = crawled.unstored;
    Ok(Finished {
        lost_copies,
        without_room,
        over_quota,
        unopened,
        ..finish::finished(&night, readings, &judged, reports, world)
    })
}
