//! The end of a night: it judges the links, and stores verdicts, events, reports
//! and emails in one transaction.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::course::CourseId;
use crate::domain::evidence::probe::CheckedLink;
use crate::domain::evidence::{Evidence, Reason};
use crate::domain::journal::Entry;
use crate::domain::report::{self, Event, Void};
use crate::domain::verdict::breaker::{self, LinkResult, Sentinels};
use crate::domain::verdict::judge::{judge as judge_link, outlived_change};
use crate::domain::verdict::{State, Verdict};
use crate::night::Finished;
use crate::night::decisions;
use crate::night::lost_copies::LostCopies;
use crate::night::pages::{self, Reading, Readings};
use crate::night::queue_emails;
use crate::night::record::RunningNight;
use crate::world::World;
use crate::world::catalogue::{LinkRecord, NightRecord, OutboxChanges};

/// The results of a night for its links.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub void: Option<Void>,
    pub links: HashMap<Address, JudgedLink>,
    /// Changes that were accepted because enough time has passed.
    accepted: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct JudgedLink {
    pub evidence: Evidence,
    pub verdict: Verdict,
    /// The state before tonight; `None` for a new link.
    pub before: Option<State>,
}

impl Judged {
    /// The present verdicts, without a night that changes them.
    pub(super) fn unchanged(links: HashMap<Address, JudgedLink>) -> Self {
        Self { void: None, links, accepted: Vec::new() }
    }
}

/// Judges every link. In a void night, when our own network failed, the present
/// verdicts stay.
pub(super) fn judge(
    links: &[CheckedLink],
    known: &HashMap<Address, LinkRecord>,
    visited: &HashMap<Address, Evidence>,
    sentinels: Sentinels,
    now: Timestamp,
) -> Judged {
    let nothing = LinkRecord::default();
    let night: Vec<LinkResult> = links
        .iter()
        .filter_map(|link| {
            let known = known.get(&link.address).unwrap_or(&nothing);
            let evidence = visited.get(&link.address)?;
            Some(known.tonight(&link.address, evidence))
        })
        .collect();
    let void = breaker::void(&night, sentinels);
    let portals = breaker::captive_portals(&night);
    let links = night
        .iter()
        .map(|tonight| {
            let known = known.get(tonight.link).unwrap_or(&nothing);
            let verdict = if void.is_some() {
                verdict_of_a_void_night(tonight, known, &portals, now)
            } else {
                let history: Vec<Evidence> =
                    known.history.evidence.iter().chain([tonight.evidence]).cloned().collect();
                judge_link(&history, now)
            };
            let before = known.verdict.as_ref().map(|verdict| verdict.state.clone());
            (tonight.link.clone(), JudgedLink { evidence: tonight.evidence.clone(), verdict, before })
        })
        .collect();
    let accepted = if void.is_some() { Vec::new() } else { accepted_by_time(&links, known, now) };
    Judged { void, links, accepted }
}

/// A void night changes no state. A new link is judged if its own host answered.
fn verdict_of_a_void_night(
    tonight: &LinkResult,
    known: &LinkRecord,
    portals: &HashSet<String>,
    now: Timestamp,
) -> Verdict {
    if let Some(verdict) = &known.verdict
        && !known.history.evidence.is_empty()
    {
        return verdict.clone();
    }
    if breaker::is_local_failure(tonight.evidence, portals) {
        return Verdict { state: State::Unverifiable { reason: Reason::NotChecked }, since: now, nights: 0 };
    }
    judge_link(std::slice::from_ref(tonight.evidence), now)
}

fn accepted_by_time(
    links: &HashMap<Address, JudgedLink>,
    known: &HashMap<Address, LinkRecord>,
    at: Timestamp,
) -> Vec<Entry> {
    let accepted = |(link, judged): (&Address, &JudgedLink)| {
        let history = &known.get(link)?.history;
        let evidence: Vec<Evidence> = history.evidence.iter().chain([&judged.evidence]).cloned().collect();
        let text = outlived_change(&evidence, at)?;
        let last = history.last.as_ref().filter(|last| last.text == text)?;
        let sha256 = last.capture.sha256;
        let is_new = history.baseline.as_ref().is_none_or(|baseline| baseline.capture.sha256 != sha256);
        is_new.then(|| Entry::Accepted { at, link: link.clone(), sha256 })
    };
    links.iter().filter_map(accepted).collect()
}

/// Stores the results of the night and queues its emails, in one transaction.
pub(super) async fn record(
    night: &RunningNight,
    readings: &Readings,
    judged: &Judged,
    reports: &[report::CourseReport],
    world: &World,
) -> anyhow::Result<()> {
    if !judged.accepted.is_empty() {
        world.archive.append(world.clock.now(), &judged.accepted)?;
        world.catalogue.apply(&judged.accepted).await?;
    }
    let totals = world.fetch.traffic();
    let outbox_lock = world.catalogue.outbox_lock().await;
    let mut outbox = OutboxChanges::default();
    for (reading, report) in readings.read.iter().zip(reports) {
        queue_emails::plan(&reading.course, report, &mut outbox, world).await?;
    }
    let record = NightRecord {
        night: night.row,
        finished: world.clock.now(),
        void: judged.void,
        verdicts: judged.links.iter().map(|(link, judged)| (link.clone(), judged.verdict.clone())).collect(),
        events: events(&readings.read, night.row.started, |link| {
            let news = judged.links.get(link).filter(|judged| is_news(judged))?;
            Some((news.before.clone(), news.verdict.state.clone()))
        }),
        reports: reports.to_vec(),
        outbox,
        lapsed: decisions::lapses(reports),
        requests: totals.requests,
        bytes: totals.bytes,
    };
    let finished = Entry::Finished { night: night.row.started, at: record.finished, void: judged.void };
    let mut entries = decisions::entries(&record.lapsed, night.row.started);
    entries.push(finished);
    world.archive.append(record.finished, &entries)?;
    world.catalogue.finish_night(&record).await?;
    drop(outbox_lock);
    // This reads the names of all blobs, so it must not block the async threads.
    let archive = world.archive.clone();
    tokio::task::spawn_blocking(move || archive.write_sums()).await??;
    Ok(())
}

/// One event for every course with the link, if `of` gives the states before and after.
pub(super) fn events(
    readings: &[Reading],
    at: Timestamp,
    of: impl Fn(&Address) -> Option<(Option<State>, State)>,
) -> Vec<(CourseId, Event)> {
    let mut events = Vec::new();
    for reading in readings {
        for link in pages::links(std::slice::from_ref(reading)) {
            if let Some((before, after)) = of(&link.address) {
                events.push((reading.course.id.clone(), Event { link: link.address, at, before, after }));
            }
        }
    }
    events
}

/// A change of state, or a new link that is not `ok`.
fn is_news(judged: &JudgedLink) -> bool {
    match &judged.before {
        None => judged.verdict.state != State::Ok,
        Some(before) => before.name() != judged.verdict.state.name(),
    }
}

pub(super) fn finished(
    night: &RunningNight,
    readings: Readings,
    judged: &Judged,
    mut courses: Vec<report::CourseReport>,
    world: &World,
) -> Finished {
    courses.retain(|course| !course.facts.is_never_read());
    let totals = world.fetch.traffic();
    Finished {
        id: night.row.id,
        started: night.row.started,
        finished: world.clock.now(),
        requests: totals.requests,
        bytes: totals.bytes,
        void: judged.void,
        local_faults: world.fetch.local_faults(),
        courses,
        unread: readings.unread,
        start: night.start,
        lost_copies: LostCopies::default(),
        without_room: 0,
        over_quota: 0,
        unopened: Vec::new(),
    }
}
