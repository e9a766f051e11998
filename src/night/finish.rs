//! The end of a night: it judges the links, and stores verdicts, events, reports
//! and emails in one transaction.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::{Evidence, Reason};
use crate::domain::journal::Entry;
use crate::domain::report::{self, Event, Void};
use crate::domain::verdict::breaker::{self, LinkResult, Sentinels};
use crate::domain::verdict::judge::{judge as judge_link, outlived_change};
use crate::domain::verdict::{State, Verdict};
use crate::night::Finished;
use crate::night::decisions;
use crate::night::lost_copies::LostCopies;
use crate::night::pages::{self, LINKS_AT_ONCE, Reading, Readings};
use crate::night::queue_emails;
use crate::night::record::RunningNight;
use crate::world::World;
use crate::world::catalogue::{self, LinkRecord, NightRecord, OutboxChanges};

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
    pub evidence: LatestEvidence,
    pub verdict: Verdict,
    /// The state before tonight; `None` for a new link.
    pub before: Option<State>,
}

/// The newest evidence of a link.
#[derive(Clone, Debug)]
pub(super) enum LatestEvidence {
    Tonight(Evidence),
    /// That of its last valid night. Tonight did not visit the link, which says nothing
    /// about it. `None` if no night visited it.
    Earlier(Option<Evidence>),
}

impl LatestEvidence {
    pub(super) fn get(&self) -> Option<&Evidence> {
        match self {
            Self::Tonight(evidence) => Some(evidence),
            Self::Earlier(evidence) => evidence.as_ref(),
        }
    }

    pub(super) fn of_tonight(&self) -> Option<&Evidence> {
        match self {
            Self::Tonight(evidence) => Some(evidence),
            Self::Earlier(_) => None,
        }
    }
}

impl JudgedLink {
    /// A link that tonight did not visit: it keeps its verdict.
    pub(super) fn not_visited(mut known: LinkRecord, now: Timestamp) -> Self {
        let before = known.verdict.as_ref().map(|verdict| verdict.state.clone());
        let verdict = known.verdict.unwrap_or_else(|| judge_link(&known.history.evidence, now));
        Self { evidence: LatestEvidence::Earlier(known.history.evidence.pop()), verdict, before }
    }

    fn is_visited(&self) -> bool {
        self.evidence.of_tonight().is_some()
    }
}

impl Judged {
    /// The present verdicts, without a night that changes them.
    pub(super) fn unchanged(links: HashMap<Address, JudgedLink>) -> Self {
        Self { void: None, links, accepted: Vec::new() }
    }
}

/// What a night found at one link, beside what is known of it.
struct LinkTonight {
    link: Address,
    evidence: Evidence,
    /// The evidence of its last valid night.
    last: Option<Evidence>,
    failed_void_nights: u32,
    /// The present verdict.
    before: Option<Verdict>,
    /// The verdict, unless the night is void.
    verdict: Verdict,
    /// The capture that is accepted because enough time has passed, unless the night is void.
    accepted: Option<Digest>,
}

impl LinkTonight {
    fn of(link: Address, evidence: Evidence, known: LinkRecord, now: Timestamp) -> Self {
        let failed_void_nights = known.failed_void_nights();
        let LinkHistory { evidence: mut history, baseline, last: newest, .. } = known.history;
        let last = history.last().cloned();
        history.push(evidence.clone());
        let outlived = outlived_change(&history, now);
        let accepted = newest.filter(|newest| Some(newest.text) == outlived).map(|it| it.capture.sha256);
        let accepted =
            accepted.filter(|sha256| baseline.is_none_or(|baseline| baseline.capture.sha256 != *sha256));
        let verdict = judge_link(&history, now);
        Self { link, evidence, last, failed_void_nights, before: known.verdict, verdict, accepted }
    }

    /// The input of the breaker.
    fn result(&self) -> LinkResult<'_> {
        LinkResult {
            link: &self.link,
            evidence: &self.evidence,
            before: self.last.as_ref(),
            failed_void_nights: self.failed_void_nights,
        }
    }

    /// A void night changes no state. A new link is judged if its own host answered.
    fn verdict_of_a_void_night(&self, portals: &HashSet<String>, now: Timestamp) -> Verdict {
        if let Some(verdict) = &self.before
            && self.last.is_some()
        {
            return verdict.clone();
        }
        if breaker::is_local_failure(&self.evidence, portals) {
            let state = State::Unverifiable { reason: Reason::NotChecked };
            return Verdict { state, since: now, nights: 0 };
        }
        judge_link(std::slice::from_ref(&self.evidence), now)
    }
}

/// Judges every link. In a void night, when our own network failed, the present
/// verdicts stay, and so do those of links that were not visited.
pub(super) async fn judge(
    links: &[Address],
    mut visited: HashMap<Address, Evidence>,
    sentinels: Sentinels,
    world: &World,
) -> anyhow::Result<Judged> {
    let now = world.clock.now();
    let mut night: Vec<LinkTonight> = Vec::with_capacity(visited.len());
    let mut not_visited = Vec::new();
    // A history has up to a hundred nights, so only some are in memory at the same time.
    for links in links.chunks(LINKS_AT_ONCE) {
        let mut known = world.catalogue.link_records(links).await?;
        for link in links {
            let known = known.remove(link).unwrap_or_default();
            match visited.remove(link) {
                Some(evidence) => night.push(LinkTonight::of(link.clone(), evidence, known, now)),
                None => not_visited.push((link.clone(), JudgedLink::not_visited(known, now))),
            }
        }
    }
    // A list says nothing about the network during the visits.
    let visits = night.iter().filter(|tonight| !tonight.evidence.is_listed);
    let results: Vec<LinkResult> = visits.map(LinkTonight::result).collect();
    let (void, portals) = (breaker::void(&results, sentinels), breaker::captive_portals(&results));
    let mut judged = Judged { void, links: not_visited.into_iter().collect(), accepted: Vec::new() };
    for mut tonight in night {
        if void.is_some() {
            tonight.verdict = tonight.verdict_of_a_void_night(&portals, now);
        } else if let Some(sha256) = tonight.accepted {
            judged.accepted.push(Entry::Accepted {
                at: now,
                link: tonight.link.clone(),
                sha256,
                acceptance: None,
            });
        }
        let LinkTonight { link, evidence, before, verdict, .. } = tonight;
        let before = before.map(|verdict| verdict.state);
        let evidence = LatestEvidence::Tonight(evidence);
        judged.links.insert(link, JudgedLink { evidence, verdict, before });
    }
    Ok(judged)
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
        world.record(world.clock.now(), judged.accepted.clone()).await?;
    }
    // A night that is over has its sums, also if the process ends just now. This reads the names of
    // all blobs, so it must not block the async threads.
    let archive = world.archive.clone();
    tokio::task::spawn_blocking(move || archive.write_sums()).await??;
    let totals = world.fetch.traffic();
    let outbox_lock = world.catalogue.outbox_lock().await;
    let mut outbox = OutboxChanges::default();
    for (reading, report) in readings.read.iter().zip(reports) {
        queue_emails::plan(&reading.course, report, &mut outbox, world).await?;
    }
    let record = NightRecord {
        night: night.row,
        server: night.server,
        finished: world.clock.now(),
        void: judged.void,
        verdicts: judged
            .links
            .iter()
            .filter(|(_, judged)| judged.is_visited())
            .map(|(link, judged)| (link, &judged.verdict))
            .collect(),
        events: events(&readings.read, night.row.started, |link| {
            let news = judged.links.get(link).filter(|judged| judged.is_visited() && is_news(judged))?;
            Some((news.before.clone(), news.verdict.state.clone()))
        }),
        reports,
        outbox,
        lapsed: decisions::lapses(reports),
        requests: totals.requests,
        bytes: totals.bytes,
    };
    let finished = Entry::Finished { night: night.row.started, at: record.finished, void: judged.void };
    let mut entries = decisions::entries(&record.lapsed, night.row.started);
    entries.push(finished);
    let writer = world.journal_writer(record.finished);
    let mut batch = writer.begin().await?;
    // The journal says that a night is over only if its results are stored next.
    if world.catalogue.server_start().await? != night.server {
        return Err(catalogue::Error::ServerRestarted.into());
    }
    if world.catalogue.has_ended(night.row.started).await? {
        anyhow::bail!("another scheduler has ended this night; nothing is lost");
    }
    writer.append(&mut batch, entries, ()).await?;
    world.catalogue.commit_night(batch, &record).await?;
    drop(outbox_lock);
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
