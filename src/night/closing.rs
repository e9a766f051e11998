//! The end of a night: verdicts, events, one transaction, and what is told.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::capture::Capture;
use crate::domain::course::CourseId;
use crate::domain::evidence::ask::Subject;
use crate::domain::evidence::memory::Memory;
use crate::domain::evidence::{Evidence, Finding, Note, Reason};
use crate::domain::journal::Entry;
use crate::domain::link::Mention;
use crate::domain::page::Defect;
use crate::domain::report::{self, Event, Item, Void};
use crate::domain::verdict::breaker::{self, Sentinels, Tonight};
use crate::domain::verdict::judge::{judge as judge_link, outlived_change};
use crate::domain::verdict::{State, StateName, Verdict};
use crate::night::Finished;
use crate::night::pages::{self, Reading, Readings};
use crate::night::record::Night;
use crate::world::World;
use crate::world::catalogue::{Known, NightRecord};

/// What the night says of its links.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub void: Option<Void>,
    pub links: HashMap<Address, JudgedLink>,
}

#[derive(Clone, Debug)]
pub(super) struct JudgedLink {
    pub evidence: Evidence,
    pub verdict: Verdict,
    /// The state before tonight; `None` for a link that is new.
    pub before: Option<State>,
}

/// Judges every link, unless our own side failed: then what was believed stands.
pub(super) fn judge(
    links: &[Subject],
    known: &HashMap<Address, Known>,
    visited: &HashMap<Address, Evidence>,
    sentinels: Sentinels,
    now: Timestamp,
) -> Judged {
    let nothing = Known::default();
    let night: Vec<Tonight> = links
        .iter()
        .filter_map(|link| {
            let known = known.get(&link.address).unwrap_or(&nothing);
            let evidence = visited.get(&link.address)?;
            Some(Tonight {
                link: &link.address,
                evidence,
                before: known.memory.history.last(),
                failed_voids: breaker::failed_voids(&known.voids),
            })
        })
        .collect();
    let void = breaker::void(&night, sentinels);
    let portals = breaker::portals(&night);
    let links = night
        .iter()
        .map(|tonight| {
            let known = known.get(tonight.link).unwrap_or(&nothing);
            let verdict = if void.is_some() {
                verdict_of_a_void_night(tonight, known, &portals, now)
            } else {
                let history: Vec<Evidence> =
                    known.memory.history.iter().chain([tonight.evidence]).cloned().collect();
                judge_link(&history, now)
            };
            let before = known.verdict.as_ref().map(|verdict| verdict.state.clone());
            (tonight.link.clone(), JudgedLink { evidence: tonight.evidence.clone(), verdict, before })
        })
        .collect();
    Judged { void, links }
}

/// A night that says nothing changes no state. A link that was never seen
/// before may still be judged by what its host answered.
fn verdict_of_a_void_night(
    tonight: &Tonight,
    known: &Known,
    portals: &HashSet<String>,
    now: Timestamp,
) -> Verdict {
    if let Some(verdict) = &known.verdict
        && !known.memory.history.is_empty()
    {
        return verdict.clone();
    }
    if breaker::is_ours(tonight.evidence, portals) {
        return Verdict { state: State::Unverifiable { reason: Reason::NotChecked }, since: now, nights: 0 };
    }
    judge_link(std::slice::from_ref(tonight.evidence), now)
}

/// Changes that nobody accepted and that became the new normal all the same.
fn accepted_by_time(judged: &Judged, known: &HashMap<Address, Known>, at: Timestamp) -> Vec<Entry> {
    if judged.void.is_some() {
        return Vec::new();
    }
    let accepted = |(link, judged): (&Address, &JudgedLink)| {
        let memory = &known.get(link)?.memory;
        let history: Vec<Evidence> = memory.history.iter().chain([&judged.evidence]).cloned().collect();
        let text = outlived_change(&history, at)?;
        let last = memory.last.as_ref().filter(|last| last.text == text)?;
        let sha256 = last.capture.sha256;
        let is_new = memory.baseline.as_ref().is_none_or(|baseline| baseline.capture.sha256 != sha256);
        is_new.then(|| Entry::Accepted { at, link: link.clone(), sha256 })
    };
    judged.links.iter().filter_map(accepted).collect()
}

pub(super) async fn record(
    night: &Night,
    readings: &Readings,
    known: &HashMap<Address, Known>,
    judged: &Judged,
    world: &World,
) -> anyhow::Result<()> {
    let accepted = accepted_by_time(judged, known, world.clock.now());
    if !accepted.is_empty() {
        world.archive.append(world.clock.now(), &accepted)?;
        world.catalogue.enter(&accepted).await?;
    }
    let totals = world.fetch.totals();
    let record = NightRecord {
        night: night.row,
        finished: world.clock.now(),
        void: judged.void,
        verdicts: judged.links.iter().map(|(link, judged)| (link.clone(), judged.verdict.clone())).collect(),
        events: events(readings, judged, night.row.started),
        requests: totals.requests,
        bytes: totals.bytes,
    };
    let finished = Entry::Finished { night: night.row.started, at: record.finished, void: judged.void };
    world.archive.append(record.finished, &[finished])?;
    world.catalogue.finish_night(&record).await?;
    world.archive.write_sums()?;
    Ok(())
}

fn events(readings: &Readings, judged: &Judged, at: Timestamp) -> Vec<(CourseId, Event)> {
    let mut events = Vec::new();
    for reading in &readings.read {
        for link in pages::links(std::slice::from_ref(reading)) {
            let Some(judged) = judged.links.get(&link.address) else { continue };
            if is_news(judged) {
                let event = Event {
                    link: link.address,
                    at,
                    before: judged.before.clone(),
                    after: judged.verdict.state.clone(),
                };
                events.push((reading.course.id.clone(), event));
            }
        }
    }
    events
}

/// A change of state, or a new link that is not simply fine.
fn is_news(judged: &JudgedLink) -> bool {
    match &judged.before {
        None => judged.verdict.state != State::Ok,
        Some(before) => before.name() != judged.verdict.state.name(),
    }
}

pub(super) async fn tell(
    night: &Night,
    readings: Readings,
    judged: Judged,
    world: &World,
) -> anyhow::Result<Finished> {
    let totals = world.fetch.totals();
    let finished = world.clock.now();
    let mut courses = Vec::new();
    for reading in &readings.read {
        let told = course_night(night, reading, &judged, world).await?;
        world.catalogue.keep_report(&told.course, night.row.id, &told).await?;
        courses.push(told);
    }
    Ok(Finished {
        id: night.row.id,
        started: night.row.started,
        finished,
        requests: totals.requests,
        bytes: totals.bytes,
        void: judged.void,
        courses,
        unread: readings.unread,
    })
}

async fn course_night(
    night: &Night,
    reading: &Reading,
    judged: &Judged,
    world: &World,
) -> anyhow::Result<report::Night> {
    let totals = world.fetch.totals();
    let mut mentions: HashMap<Address, Vec<Mention>> = HashMap::new();
    for mention in reading.pages.iter().flat_map(|(_, page)| &page.mentions) {
        if let Some(address) = mention.address() {
            mentions.entry(address.clone()).or_default().push(mention.clone());
        }
    }
    let links = pages::links(std::slice::from_ref(reading));
    let addresses: Vec<Address> = links.iter().map(|link| link.address.clone()).collect();
    let known = world.catalogue.known(&addresses).await?;
    let last: Option<report::Night> = world.catalogue.last_report(&reading.course.id).await?;
    let (defects_before, mut notes_before) = last.map(known_points).unwrap_or_default();
    let mut items = Vec::new();
    for link in links {
        let Some(judged) = judged.links.get(&link.address) else { continue };
        let memory = known.get(&link.address).map(|known| &known.memory);
        let copy = memory.and_then(Memory::current);
        let is_changed = judged.verdict.state.name() == StateName::Changed;
        items.push(Item {
            mentions: mentions.remove(&link.address).unwrap_or_default(),
            verdict: judged.verdict.clone(),
            before: judged.before.clone(),
            status: judged.evidence.status,
            ended_at: judged.evidence.ended_at.clone(),
            last_ok: memory.and_then(last_ok),
            copy: copy.map(|kept| kept.capture.clone()),
            copy_pages: copy.and_then(|kept| kept.pages),
            versions: memory.filter(|_| is_changed).and_then(versions),
            notes: judged.evidence.notes.clone(),
            notes_before: notes_before.remove(&link.address).unwrap_or_default(),
            link: link.address,
        });
    }
    let copies_kept = items.iter().filter(|item| item.copy.is_some()).count();
    Ok(report::Night {
        course: reading.course.id.clone(),
        title: reading.course.title.clone(),
        pages: reading.course.pages.clone(),
        time_zone: reading.course.time_zone.clone(),
        today: pages::local_day(night.row.started, &reading.course.time_zone),
        started: night.row.started,
        finished: world.clock.now(),
        is_first: reading.is_first,
        void: judged.void,
        items,
        defects: pages::defects(reading),
        defects_before,
        page_trouble: reading.trouble.clone(),
        students_get_copies: false,
        copies_kept: u32::try_from(copies_kept).unwrap_or(u32::MAX),
        requests: totals.requests,
        bytes: totals.bytes,
    })
}

fn versions(memory: &Memory) -> Option<(Capture, Capture)> {
    let (accepted, newest) = (memory.baseline.as_ref()?, memory.last.as_ref()?);
    Some((accepted.capture.clone(), newest.capture.clone()))
}

/// Points of the last report, so that they are not told again.
fn known_points(last: report::Night) -> (Vec<Defect>, HashMap<Address, Vec<Note>>) {
    let notes = last.items.into_iter().map(|item| (item.link, item.notes)).collect();
    (last.defects, notes)
}

fn last_ok(memory: &Memory) -> Option<Timestamp> {
    let healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    memory.history.iter().rev().find(healthy).map(|evidence| evidence.at)
}
