//! The report of each course, made from the results of the night and the last
//! report. The words are in `domain::report::wording`.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest, Verified};
use crate::domain::course::{Course, Rights};
use crate::domain::evidence::link_history::{LinkHistory, StoredCapture};
use crate::domain::evidence::{Evidence, Finding, Note};
use crate::domain::link::Mention;
use crate::domain::policy::copy_access::{self, CopyRequest, Original};
use crate::domain::replacement::Replacement;
use crate::domain::report::placement;
use crate::domain::report::{
    CourseFacts, CourseReport, EarlierLink, EarlierReports, LinkFacts, ReportKind, Revisit, Void,
};
use crate::domain::verdict::{State, StateName};
use crate::night::decisions::{self, Decisions};
use crate::night::finish::{Judged, JudgedLink};
use crate::night::page_patch;
use crate::night::pages::{self, LINKS_AT_ONCE, Reading, Readings};
use crate::night::record::RunningNight;
use crate::night::rota::Turns;
use crate::world::World;

/// The results of a night for the links of all courses.
#[derive(Clone, Copy)]
pub(super) struct NightResults<'a> {
    pub judged: &'a Judged,
    pub turns: &'a Turns,
    /// The last verification of each copy.
    pub verified: &'a HashMap<Digest, Verified>,
    pub replacements: &'a HashMap<Address, Replacement>,
}

/// A report of each course.
pub(super) async fn of_courses(
    night: &RunningNight,
    readings: &Readings,
    results: NightResults<'_>,
    world: &World,
) -> anyhow::Result<Vec<CourseReport>> {
    let mut reports = Vec::new();
    for reading in &readings.read {
        let mut report = of_course(night, reading, results, world).await?;
        report.facts.patch = page_patch::of(&report.facts, reading.course.source.as_deref()).await;
        reports.push(report);
    }
    Ok(reports)
}

pub(super) async fn of_course(
    night: &RunningNight,
    reading: &Reading,
    results: NightResults<'_>,
    world: &World,
) -> anyhow::Result<CourseReport> {
    let traffic = world.fetch.traffic();
    let last: Option<CourseReport> = world.catalogue.last_report(&reading.course.id).await?;
    let void = results.judged.void;
    let course = &reading.course;
    let last_facts = last.as_ref().map(|last| &last.facts);
    // A void first night gives no baseline, so the next night is the first again.
    let is_first = reading.is_first || last_facts.is_none_or(|last| last.is_first && last.void.is_some());
    let page_problem_nights =
        CourseFacts::nights_of_problem(reading.problem.as_ref(), last_facts, void.is_some());
    let earlier = last.map(earlier_reports).unwrap_or_default();
    let today = pages::local_day(night.row.started, &course.time_zone);
    let decisions = decisions::of(course, today, world).await?;
    let facts = CourseFacts {
        course: course.id.clone(),
        title: course.title.clone(),
        pages: course.pages.clone(),
        time_zone: course.time_zone.clone(),
        today,
        started: night.row.started,
        finished: world.clock.now(),
        is_first,
        void,
        links: link_facts(reading, results, &earlier, decisions, world).await?,
        defects: pages::defects(reading),
        omissions: pages::omissions(reading),
        page_problem: reading.problem.clone(),
        page_problem_nights,
        page_never_read: reading.page_never_read,
        patch: None,
        students_get_copies: course.copies.is_some(),
        requests: traffic.requests,
        bytes: traffic.bytes,
    };
    Ok(CourseReport { facts, earlier, kind: ReportKind::default() })
}

/// The facts of every link of the course.
async fn link_facts(
    reading: &Reading,
    results: NightResults<'_>,
    earlier: &EarlierReports,
    mut decisions: Decisions,
    world: &World,
) -> anyhow::Result<Vec<LinkFacts>> {
    let mut mentions = mentions(reading);
    let links: Vec<Address> =
        pages::links(std::slice::from_ref(reading)).into_iter().map(|link| link.address).collect();
    let mut facts = Vec::with_capacity(links.len());
    for links in links.chunks(LINKS_AT_ONCE) {
        let mut known = world.catalogue.link_records(links).await?;
        for link in links {
            let Some(found) = results.judged.links.get(link) else { continue };
            let history = known.remove(link).unwrap_or_default().history;
            let history = with_tonight(history, found, results.judged.void);
            let history = with_sound_copy(history, results.verified);
            let is_lost = is_lost(&found.verdict.state, &reading.course, link);
            let notes_before = earlier.links.get(link).map_or(&[][..], |link| &link.notes);
            let link_facts = LinkFacts {
                notes: notes(found, notes_before, results.judged.void),
                ..facts_of(link.clone(), found, &history, &reading.course, decisions.today)
            };
            let link_facts = with_verified(decisions.apply(link_facts), results.verified);
            facts.push(LinkFacts {
                mentions: mentions.remove(link).unwrap_or_default(),
                replacement: results.replacements.get(link).filter(|_| is_lost).cloned(),
                revisit: results.turns.interval(link).map(|interval| Revisit {
                    last_visit: history.evidence.last().map(|evidence| evidence.at),
                    interval,
                }),
                ..link_facts
            });
        }
    }
    Ok(facts)
}

/// The mentions of each link, with their page if the course has several.
fn mentions(reading: &Reading) -> HashMap<Address, Vec<Mention>> {
    let mut mentions: HashMap<Address, Vec<Mention>> = HashMap::new();
    let has_several = reading.pages.len() > 1;
    for (source, page) in &reading.pages {
        for mention in &page.mentions {
            if let Some(address) = mention.address() {
                let page = has_several.then(|| source.to_string());
                mentions.entry(address.clone()).or_default().push(Mention { page, ..mention.clone() });
            }
        }
    }
    mentions
}

/// The facts of a link, without its mentions.
fn facts_of(
    link: Address,
    found: &JudgedLink,
    history: &LinkHistory,
    course: &Course,
    today: Date,
) -> LinkFacts {
    let rights = rights(&link, course);
    // A copy that was taken down is not offered.
    let copy = history.current().filter(|_| rights != Rights::TakenDown);
    let opens = |original| copy.is_some() && opens(rights, course, today, original);
    // A page about the work does not replace it.
    let is_work = copy.is_some_and(|kept| kept.capture.shortfall.is_none());
    let replaces = |original| is_work && opens(original);
    let first_day = course.term.map(|term| term.first).filter(|first| today < *first);
    let original = match found.verdict.state.name() {
        StateName::Restricted => Original::Works,
        StateName::Ok
        | StateName::Moved
        | StateName::Changed
        | StateName::Unverifiable
        | StateName::Failing
        | StateName::Dead => Original::Dead,
    };
    let is_changed = found.verdict.state.name() == StateName::Changed;
    let evidence = found.evidence.get();
    LinkFacts {
        link,
        mentions: Vec::new(),
        verdict: found.verdict.clone(),
        status: evidence.and_then(|evidence| evidence.status),
        ended_at: evidence.and_then(|evidence| evidence.ended_at.clone()),
        last_ok: last_ok(history),
        copy: copy.map(|kept| kept.capture.clone()),
        copy_pages: copy.and_then(|kept| kept.pages),
        verified: None,
        is_covered: replaces(original),
        copy_opens_on: first_day.filter(|_| replaces(original) && !opens_on(rights, course, today, original)),
        opens_if_chosen: opens(Original::SetAside),
        replacement: None,
        versions: if is_changed { versions(history) } else { None },
        notes: Vec::new(),
        decision: None,
        lapsed: None,
        revisit: None,
    }
}

/// Whether the link needs a replacement. Only a course's own files count as broken
/// before they are dead.
fn is_lost(state: &State, course: &Course, link: &Address) -> bool {
    placement::is_broken(state, course.owns(link))
}

fn rights(link: &Address, course: &Course) -> Rights {
    let rules = course.copies.as_ref().map_or(&[][..], |rules| &rules.rights);
    copy_access::rights_of(link, rules, course.owns(link))
}

/// Whether students may open our copy while the original is in this state. Before the
/// term, the rules of its first day apply. Without served pages the result is true.
fn opens(rights: Rights, course: &Course, today: Date, original: Original) -> bool {
    opens_on(rights, course, course.term.map_or(today, |term| today.max(term.first)), original)
}

/// As [`opens`], by the rules of this day.
fn opens_on(rights: Rights, course: &Course, day: Date, original: Original) -> bool {
    let Some(rules) = &course.copies else { return true };
    copy_access::may_open(&CopyRequest {
        is_reader: true,
        course: rules.openness,
        rights,
        original,
        term: course.term,
        today: day,
    })
    .is_ok()
}

/// Adds the last verification. A lost copy cannot replace a link.
fn with_verified(mut link_facts: LinkFacts, verified: &HashMap<Digest, Verified>) -> LinkFacts {
    link_facts.verified = link_facts.copy.as_ref().and_then(|copy| verified.get(&copy.sha256)).copied();
    let is_lost = link_facts.is_copy_lost();
    LinkFacts {
        is_covered: link_facts.is_covered && !is_lost,
        opens_if_chosen: link_facts.opens_if_chosen && !is_lost,
        ..link_facts
    }
}

/// The notes on a link. If tonight did not see the document, the earlier notes
/// stay, so that they do not become news again.
fn notes(found: &JudgedLink, before: &[Note], void: Option<Void>) -> Vec<Note> {
    let tonight = found.evidence.of_tonight().filter(|_| void.is_none());
    match tonight {
        Some(Evidence { finding: Finding::Healthy { .. }, notes, .. }) => notes.clone(),
        Some(_) | None => before.to_vec(),
    }
}

/// The history of the link with tonight's evidence, which is stored only with the
/// report.
fn with_tonight(mut history: LinkHistory, found: &JudgedLink, void: Option<Void>) -> LinkHistory {
    history.evidence.extend(found.evidence.of_tonight().filter(|_| void.is_none()).cloned());
    history
}

/// The accepted version is offered if the bytes of a newer one are lost.
fn with_sound_copy(mut history: LinkHistory, verified: &HashMap<Digest, Verified>) -> LinkHistory {
    let is_lost = |digest: Digest| verified.get(&digest).is_some_and(|verified| !verified.is_sound);
    let sha256 = |kept: &Option<StoredCapture>| kept.as_ref().map(|kept| kept.capture.sha256);
    if sha256(&history.last).is_some_and(is_lost) && sha256(&history.baseline).is_some_and(|it| !is_lost(it))
    {
        history.last.clone_from(&history.baseline);
    }
    history
}

fn versions(history: &LinkHistory) -> Option<(Capture, Capture)> {
    let (accepted, newest) = (history.baseline.as_ref()?, history.last.as_ref()?);
    if history.last_is_baseline() {
        return None;
    }
    Some((accepted.capture.clone(), newest.capture.clone()))
}

/// The contents of the last report. Tonight's news is the difference from it; a
/// daytime recheck or the night of another course in between does not count.
fn earlier_reports(last: CourseReport) -> EarlierReports {
    let CourseReport { mut facts, earlier, .. } = last;
    let links = std::mem::take(&mut facts.links);
    let of_link = |link_facts: LinkFacts| {
        // A void night has no reminders, so the one before it still counts.
        let reminder = if facts.void.is_some() {
            earlier.links.get(&link_facts.link).and_then(|link| link.reminder)
        } else {
            placement::reminder(&facts, &link_facts)
        };
        let is_lost_for_good = link_facts.is_lost_for_good();
        // The first result of a link that waited for its first visit is that of a new link.
        let has_result = !link_facts.awaits_first_visit();
        let link = EarlierLink {
            state: has_result.then_some(link_facts.verdict.state),
            reminder,
            notes: link_facts.notes,
            is_lost_for_good,
        };
        (link_facts.link, link)
    };
    EarlierReports {
        links: links.into_iter().map(of_link).collect(),
        page_problem_nights: facts.page_problem_nights,
        page_never_read: facts.page_never_read,
        page_problem: facts.page_problem,
        defects: facts.defects,
        omissions: facts.omissions,
    }
}

fn last_ok(history: &LinkHistory) -> Option<Timestamp> {
    let healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    history.evidence.iter().rev().find(healthy).map(|evidence| evidence.at)
}
