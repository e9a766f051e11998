//! The recheck by day: failing links are visited again, hours after the night.
//!
//! Some hosts are down at night for their backups. A recheck can only clear a
//! link. It stores no failure, so that it never makes a link dead, and it stores
//! no captures.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::course::Course;
use crate::domain::evidence::probe::CheckedLink;
use crate::domain::evidence::{Evidence, Finding};
use crate::domain::journal::Entry;
use crate::domain::verdict::breaker::{self, LinkResult};
use crate::domain::verdict::judge::judge;
use crate::domain::verdict::{State, StateName, Verdict};
use crate::night::crawl;
use crate::night::pages::{self, LINKS_AT_ONCE, Reading};
use crate::night::record::start_of_night;
use crate::night::{decisions, finish, sentinels};
use crate::world::World;
use crate::world::catalogue::{LapsedDecision, LinkRecord, NightRecord, OutboxChanges, StoredDecision};

/// The result of a recheck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rechecked {
    /// The number of links that were visited.
    pub links: usize,
    /// The number of them that work.
    pub cleared: usize,
}

/// A failing link that works.
struct Cleared {
    link: Address,
    before: State,
    evidence: Evidence,
    verdict: Verdict,
}

/// Visits the failing links of the last stored readings of the courses.
///
/// An interrupted recheck stores nothing.
///
/// # Errors
///
/// A failure on our side, as for a night.
pub async fn all(courses: &[Course], world: &World) -> anyhow::Result<Rechecked> {
    let is_failing = |_: &Address, known: &LinkRecord| {
        known.verdict.as_ref().is_some_and(|verdict| verdict.state.name() == StateName::Failing)
    };
    recheck(courses, is_failing, world).await
}

/// Visits one link in any state but `ok`, on request.
pub async fn one(course: &Course, link: &Address, world: &World) -> anyhow::Result<Rechecked> {
    let is_it = |other: &Address, known: &LinkRecord| {
        other == link && known.verdict.as_ref().is_some_and(|verdict| verdict.state != State::Ok)
    };
    recheck(std::slice::from_ref(course), is_it, world).await
}

async fn recheck(
    courses: &[Course],
    is_wanted: impl Fn(&Address, &LinkRecord) -> bool,
    world: &World,
) -> anyhow::Result<Rechecked> {
    let _capture_lock = world.capture_lock().await?;
    let readings = pages::remembered(courses, world).await?;
    let links = pages::links(&readings);
    let addresses: Vec<Address> = links.iter().map(|link| link.address.clone()).collect();
    let mut known = HashMap::new();
    for addresses in addresses.chunks(LINKS_AT_ONCE) {
        let records = world.catalogue.link_records(addresses).await?;
        known.extend(records.into_iter().filter(|(link, record)| is_wanted(link, record)));
    }
    let failing: Vec<&CheckedLink> = links.iter().filter(|link| known.contains_key(&link.address)).collect();
    if failing.is_empty() {
        return Ok(Rechecked::default());
    }
    let (started, _) = start_of_night(world).await?;
    let (sender, mut receiver) = mpsc::channel(failing.len());
    crawl::visits(&failing, crawl::VisitPurpose::Recheck, world, sender).await?;
    let mut visited = Vec::new();
    while let Some(visit) = receiver.recv().await {
        visited.push((visit.link, visit.evidence));
    }
    let tonight: Vec<LinkResult> = visited
        .iter()
        .filter_map(|(link, evidence)| Some(known.get(link)?.tonight(link, evidence)))
        .collect();
    if breaker::void(&tonight, sentinels::ask(world).await?).is_some() {
        return Ok(Rechecked { links: failing.len(), cleared: 0 });
    }
    let now = world.clock.now();
    let cleared: Vec<Cleared> = visited
        .into_iter()
        .filter_map(|(link, evidence)| clear(link.clone(), evidence, known.get(&link)?, now))
        .collect();
    if !cleared.is_empty() {
        record(&cleared, &readings, started, world).await?;
    }
    Ok(Rechecked { links: failing.len(), cleared: cleared.len() })
}

fn clear(link: Address, evidence: Evidence, known: &LinkRecord, now: Timestamp) -> Option<Cleared> {
    let before = known.verdict.as_ref()?.state.clone();
    let history: Vec<Evidence> = known.history.evidence.iter().chain([&evidence]).cloned().collect();
    let verdict = judge(&history, now);
    let is_cleared = matches!(evidence.finding, Finding::Healthy { .. }) && verdict.state == State::Ok;
    is_cleared.then_some(Cleared { link, before, evidence, verdict })
}

/// The decisions that lapse because their links work.
async fn lapsed(
    cleared: &[Cleared],
    readings: &[Reading],
    world: &World,
) -> anyhow::Result<Vec<LapsedDecision>> {
    let mut lapsed = Vec::new();
    for Reading { course, .. } in readings {
        let today = pages::local_day(world.clock.now(), &course.time_zone);
        let decided = world.catalogue.decisions(&course.id).await?;
        for one in cleared {
            let Some(StoredDecision { decision, has_lapsed: false }) = decided.get(&one.link) else {
                continue;
            };
            if !decision.is_in_force(&one.verdict.state, today, course.term) {
                let (course, link) = (course.id.clone(), one.link.clone());
                lapsed.push(LapsedDecision { course, link, decided: decision.at });
            }
        }
    }
    Ok(lapsed)
}

/// Stores the recheck in one transaction, as a night that visited only these links.
async fn record(
    cleared: &[Cleared],
    readings: &[Reading],
    started: Timestamp,
    world: &World,
) -> anyhow::Result<()> {
    let finished = world.clock.now();
    let mut entries = vec![Entry::Night { started }];
    entries.extend(cleared.iter().map(|one| Entry::Visit {
        night: started,
        link: one.link.clone(),
        evidence: one.evidence.clone(),
        by: None,
    }));
    let lapsed = lapsed(cleared, readings, world).await?;
    entries.extend(decisions::entries(&lapsed, started));
    entries.push(Entry::Finished { night: started, at: finished, void: None });
    world.record(finished, entries).await?;
    let events = finish::events(readings, started, |link| {
        let one = cleared.iter().find(|one| one.link == *link)?;
        Some((Some(one.before.clone()), one.verdict.state.clone()))
    });
    let totals = world.fetch.traffic();
    let record = NightRecord {
        night: world.catalogue.night(started).await?,
        server: None,
        finished,
        void: None,
        verdicts: cleared.iter().map(|one| (&one.link, &one.verdict)).collect(),
        events,
        reports: &[],
        outbox: OutboxChanges::default(),
        lapsed,
        requests: totals.requests,
        bytes: totals.bytes,
    };
    Ok(world.catalogue.finish_night(&record).await?)
}
