//! What a night found of each course, as values that its report is made of.
//! How it is said is `domain::report`'s affair.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest, Verified};
use crate::domain::course::{Course, Rights};
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::{Evidence, Finding, Note};
use crate::domain::link::Mention;
use crate::domain::policy::access::{self, Original, Question};
use crate::domain::replacement::Replacement;
use crate::domain::report::placement::{self, Reminder};
use crate::domain::report::{self, LinkFacts, PageDefect, PageTrouble, Void};
use crate::domain::verdict::{State, StateName};
use crate::night::decisions;
use crate::night::finish::{Judged, JudgedLink};
use crate::night::page_patch;
use crate::night::pages::{self, Reading, Readings};
use crate::night::record::RunningNight;
use crate::world::World;
use crate::world::catalogue::LinkRecord;

/// What was found of each course that could be read.
pub(super) async fn of_courses(
    night: &RunningNight,
    readings: &Readings,
    judged: &Judged,
    mended: &HashMap<Address, Replacement>,
    world: &World,
) -> anyhow::Result<Vec<report::CourseReport>> {
    let mut courses = Vec::new();
    for reading in &readings.read {
        let mut told = course_night(night, reading, judged, mended, world).await?;
        told.patch = page_patch::of(&told, reading.course.source.as_deref()).await;
        courses.push(told);
    }
    Ok(courses)
}

pub(super) async fn course_night(
    night: &RunningNight,
    reading: &Reading,
    judged: &Judged,
    mended: &HashMap<Address, Replacement>,
    world: &World,
) -> anyhow::Result<report::CourseReport> {
    let totals = world.fetch.traffic();
    let last: Option<report::CourseReport> = world.catalogue.last_report(&reading.course.id).await?;
    let page_trouble_nights = report::CourseReport::nights_of_trouble(
        reading.trouble.as_ref(),
        last.as_ref(),
        judged.void.is_some(),
    );
    let mut told = last.map(LastReport::by).unwrap_or_default();
    let today = pages::local_day(night.row.started, &reading.course.time_zone);
    let items = items(reading, judged, mended, &mut told.links, (today, world)).await?;
    Ok(report::CourseReport {
        course: reading.course.id.clone(),
        title: reading.course.title.clone(),
        pages: reading.course.pages.clone(),
        time_zone: reading.course.time_zone.clone(),
        today,
        started: night.row.started,
        finished: world.clock.now(),
        is_first: reading.is_first || !told.is_any || told.is_void_first,
        void: judged.void,
        items,
        defects: pages::defects(reading),
        defects_before: told.defects,
        page_trouble: reading.trouble.clone(),
        page_trouble_before: told.trouble,
        page_trouble_nights,
        page_trouble_nights_before: told.trouble_nights,
        patch: None,
        is_weekly: false,
        before_term: None,
        students_get_copies: reading.course.copies.is_some(),
        requests: totals.requests,
        bytes: totals.bytes,
    })
}

/// Every link of the course as it is told tonight.
async fn items(
    reading: &Reading,
    judged: &Judged,
    mended: &HashMap<Address, Replacement>,
    told: &mut HashMap<Address, LastReportedLink>,
    (today, world): (Date, &World),
) -> anyhow::Result<Vec<LinkFacts>> {
    let mut mentions = mentions(reading);
    let links = pages::links(std::slice::from_ref(reading));
    let addresses: Vec<Address> = links.iter().map(|link| link.address.clone()).collect();
    let known = world.catalogue.link_records(&addresses).await?;
    let verified = world.catalogue.verified().await?;
    let mut decided = decisions::of(&reading.course, today, world).await?;
    let nothing = LinkRecord::default();
    let mut items = Vec::new();
    for link in links {
        let Some(found) = judged.links.get(&link.address) else { continue };
        let known = known.get(&link.address).unwrap_or(&nothing);
        let history = with_tonight(&known.history, found, judged.void);
        let is_lost = is_lost(&found.verdict.state, &reading.course, &link.address);
        let before = told.remove(&link.address).unwrap_or_default();
        let item = LinkFacts {
            before: before.state,
            reminder_before: before.reminder,
            notes: notes(found, &before.notes, judged.void),
            notes_before: before.notes,
            ..item(link.address, found, &history, (&reading.course, today))
        };
        let item = with_verified(decided.apply(item), &verified);
        items.push(LinkFacts {
            mentions: mentions.remove(&item.link).unwrap_or_default(),
            replacement: mended.get(&item.link).filter(|_| is_lost).cloned(),
            ..item
        });
    }
    Ok(items)
}

/// Where each link stands; with the page, where there are several.
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

/// The link by itself, without its places on the page and what was told of it before.
fn item(
    link: Address,
    found: &JudgedLink,
    history: &LinkHistory,
    (course, today): (&Course, Date),
) -> LinkFacts {
    let rights = rights(&link, course);
    // Nobody is offered what its owner wants back.
    let copy = history.current().filter(|_| rights != Rights::TakenDown);
    let opens = |original| copy.is_some() && opens(rights, course, today, original);
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
    LinkFacts {
        link,
        mentions: Vec::new(),
        verdict: found.verdict.clone(),
        before: None,
        status: found.evidence.status,
        ended_at: found.evidence.ended_at.clone(),
        last_ok: last_ok(history),
        copy: copy.map(|kept| kept.capture.clone()),
        copy_pages: copy.and_then(|kept| kept.pages),
        verified: None,
        is_covered: opens(original),
        opens_if_chosen: opens(Original::SetAside),
        replacement: None,
        versions: if is_changed { versions(history) } else { None },
        reminder_before: None,
        notes: Vec::new(),
        notes_before: Vec::new(),
        decision: None,
        lapsed: None,
    }
}

/// A file of one course may be a stranger's to another.
fn is_lost(state: &State, course: &Course, link: &Address) -> bool {
    placement::is_broken(state, course.owns(link))
}

fn rights(link: &Address, course: &Course) -> Rights {
    let stated = course.copies.as_ref().and_then(|rules| access::rights_of(link, &rules.rights));
    stated.unwrap_or_default()
}

/// Whether students would get our copy while its original does this. Before the
/// term, as they would on its first day; where no pages are served, nobody is
/// kept out.
fn opens(rights: Rights, course: &Course, today: Date, original: Original) -> bool {
    let Some(rules) = &course.copies else { return true };
    access::may_open(&Question {
        is_reader: true,
        course: rules.openness,
        rights,
        original,
        term: course.term,
        today: course.term.map_or(today, |term| today.max(term.first)),
    })
    .is_ok()
}

/// A damaged copy stands in for nothing.
fn with_verified(mut item: LinkFacts, verified: &HashMap<Digest, Verified>) -> LinkFacts {
    item.verified = item.copy.as_ref().and_then(|copy| verified.get(&copy.sha256)).copied();
    let is_damaged = item.verified.is_some_and(|verified| !verified.is_sound);
    LinkFacts { is_covered: item.is_covered && !is_damaged, ..item }
}

/// The small points of a link. A night that did not see its work cannot know
/// them, and must not make news of them again.
fn notes(found: &JudgedLink, before: &[Note], void: Option<Void>) -> Vec<Note> {
    let is_seen = void.is_none() && matches!(found.evidence.finding, Finding::Healthy { .. });
    if is_seen { found.evidence.notes.clone() } else { before.to_vec() }
}

/// What is remembered, tonight's evidence included, which is written down only
/// with what is told of it.
fn with_tonight(history: &LinkHistory, found: &JudgedLink, void: Option<Void>) -> LinkHistory {
    let mut history = history.clone();
    if void.is_none() {
        history.evidence.push(found.evidence.clone());
    }
    history
}

fn versions(history: &LinkHistory) -> Option<(Capture, Capture)> {
    let (accepted, newest) = (history.baseline.as_ref()?, history.last.as_ref()?);
    Some((accepted.capture.clone(), newest.capture.clone()))
}

/// What the last report of the course told: tonight's news is what differs from
/// that, whatever a look by day or another course's night found in between.
#[derive(Default)]
struct LastReport {
    is_any: bool,
    /// It was the first one and void, so that its course has no baseline yet.
    is_void_first: bool,
    trouble: Option<PageTrouble>,
    trouble_nights: u32,
    defects: Vec<PageDefect>,
    links: HashMap<Address, LastReportedLink>,
}

#[derive(Default)]
struct LastReportedLink {
    state: Option<State>,
    reminder: Option<Reminder>,
    notes: Vec<Note>,
}

impl LastReport {
    fn by(mut last: report::CourseReport) -> Self {
        let items = std::mem::take(&mut last.items);
        let of_link = |item: LinkFacts| {
            // A void night reminded of nothing.
            let reminder =
                if last.void.is_some() { item.reminder_before } else { placement::reminder(&last, &item) };
            (item.link, LastReportedLink { state: Some(item.verdict.state), reminder, notes: item.notes })
        };
        Self {
            is_any: true,
            is_void_first: last.is_first && last.void.is_some(),
            trouble_nights: last.page_trouble_nights,
            links: items.into_iter().map(of_link).collect(),
            trouble: last.page_trouble,
            defects: last.defects,
        }
    }
}

fn last_ok(history: &LinkHistory) -> Option<Timestamp> {
    let healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    history.evidence.iter().rev().find(healthy).map(|evidence| evidence.at)
}
