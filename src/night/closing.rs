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
use crate::night::telling;
use crate::world::World;
use crate::world::catalogue::{Known, NightRecord, Post};

/// What the night says of its links.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub void: Option<Void>,
    pub links: HashMap<Address, JudgedLink>,
    /// Changes that nobody accepted and that became the new normal all the same.
    accepted: Vec<Entry>,
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
    let accepted = if void.is_some() { Vec::new() } else { accepted_by_time(&links, known, now) };
    Judged { void, links, accepted }
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

fn accepted_by_time(
    links: &HashMap<Address, JudgedLink>,
    known: &HashMap<Address, Known>,
    at: Timestamp,
) -> Vec<Entry> {
    let accepted = |(link, judged): (&Address, &JudgedLink)| {
        let memory = &known.get(link)?.memory;
        let history: Vec<Evidence> = memory.history.iter().chain([&judged.evidence]).cloned().collect();
        let text = outlived_change(&history, at)?;
        let last = memory.last.as_ref().filter(|last| last.text == text)?;
        let sha256 = last.capture.sha256;
        let is_new = memory.baseline.as_ref().is_none_or(|baseline| baseline.capture.sha256 != sha256);
        is_new.then(|| Entry::Accepted { at, link: link.clone(), sha256 })
    };
    links.iter().filter_map(accepted).collect()
}

/// Writes down what the night means, and the letters that tell it, as a whole.
pub(super) async fn record(
    night: &Night,
    readings: &Readings,
    judged: &Judged,
    told: &[report::Night],
    world: &World,
) -> anyhow::Result<()> {
    if !judged.accepted.is_empty() {
        world.archive.append(world.clock.now(), &judged.accepted)?;
        world.catalogue.enter(&judged.accepted).await?;
    }
    let totals = world.fetch.totals();
    let _no_letter_is_handed_on = world.catalogue.outbox_lock().await;
    let mut post = Post::default();
    for (reading, told) in readings.read.iter().zip(told) {
        telling::letters(&reading.course, told, &mut post, world).await?;
    }
    let record = NightRecord {
        night: night.row,
        finished: world.clock.now(),
        void: judged.void,
        verdicts: judged.links.iter().map(|(link, judged)| (link.clone(), judged.verdict.clone())).collect(),
        events: events(readings, judged, night.row.started),
        reports: told.to_vec(),
        post,
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

/// What was found of each course that could be read.
pub(super) async fn tell(
    night: &Night,
    readings: &Readings,
    judged: &Judged,
    world: &World,
) -> anyhow::Result<Vec<report::Night>> {
    let mut courses = Vec::new();
    for reading in &readings.read {
        courses.push(course_night(night, reading, judged, world).await?);
    }
    Ok(courses)
}

pub(super) fn finished(
    night: &Night,
    readings: Readings,
    judged: &Judged,
    courses: Vec<report::Night>,
    world: &World,
) -> Finished {
    let totals = world.fetch.totals();
    Finished {
        id: night.row.id,
        started: night.row.started,
        finished: world.clock.now(),
        requests: totals.requests,
        bytes: totals.bytes,
        void: judged.void,
        courses,
        unread: readings.unread,
    }
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
    let is_told_first = last.is_none();
    let trouble_before = last.as_ref().and_then(|last| last.page_trouble.clone());
    let (defects_before, mut notes_before) = last.map(known_points).unwrap_or_default();
    let mut items = Vec::new();
    for link in links {
        let Some(found) = judged.links.get(&link.address) else { continue };
        let memory = known.get(&link.address).map(|known| with_tonight(&known.memory, found, judged.void));
        let memory = memory.as_ref();
        let copy = memory.and_then(Memory::current);
        let is_changed = found.verdict.state.name() == StateName::Changed;
        items.push(Item {
            mentions: mentions.remove(&link.address).unwrap_or_default(),
            verdict: found.verdict.clone(),
            before: found.before.clone(),
            status: found.evidence.status,
            ended_at: found.evidence.ended_at.clone(),
            last_ok: last_ok(memory, judged.void.is_none().then_some(&found.evidence)),
            copy: copy.map(|kept| kept.capture.clone()),
            copy_pages: copy.and_then(|kept| kept.pages),
            versions: memory.filter(|_| is_changed).and_then(versions),
            notes: found.evidence.notes.clone(),
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
        is_first: reading.is_first || is_told_first && items.iter().all(|item| item.before.is_none()),
        void: judged.void,
        items,
        defects: pages::defects(reading),
        defects_before,
        page_trouble: reading.trouble.clone(),
        page_trouble_before: trouble_before,
        is_weekly: false,
        students_get_copies: false,
        copies_kept: u32::try_from(copies_kept).unwrap_or(u32::MAX),
        requests: totals.requests,
        bytes: totals.bytes,
    })
}

/// What is remembered, tonight's evidence included, which is written down only
/// with what is told of it.
fn with_tonight(memory: &Memory, found: &JudgedLink, void: Option<Void>) -> Memory {
    let mut memory = memory.clone();
    if void.is_none() {
        memory.history.push(found.evidence.clone());
    }
    memory
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

/// The night that ends is not among the remembered ones yet.
fn last_ok(memory: Option<&Memory>, tonight: Option<&Evidence>) -> Option<Timestamp> {
    let healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    let before = memory.into_iter().flat_map(|memory| &memory.history);
    before.chain(tonight).rev().find(healthy).map(|evidence| evidence.at)
}
