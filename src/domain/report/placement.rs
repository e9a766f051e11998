//! Which links are told, under which heading, and in which order.

use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::decision::Choice;
use crate::domain::evidence::{Reason, Weight};
use crate::domain::link::Mention;
use crate::domain::report::course_report::CourseReport;
use crate::domain::report::earlier::Reminder;
use crate::domain::report::facts::{CourseFacts, LinkFacts};
use crate::domain::verdict::State;

/// What is needed so soon that even an unconfirmed failure is told.
const SOON_DAYS: i32 = 7;

/// A host that does not answer is told from this night on; most are back before.
const SILENT_HOST_NIGHTS: u32 = 3;

/// The sections of a report, in the order in which they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionHeading {
    NeedsYou,
    NotConfirmedButDue,
    /// Failed, and nobody knows yet for how long: told on the first night, and before a term.
    FoundNotWorking,
    NewlyDead,
    Changed,
    Moved,
    Restricted,
    NotAnswering,
    SmallPoints,
    CouldNotCheck,
    Fixed,
    StillDead,
    NotYetConfirmed,
    /// Whoever looks after the course said that nobody need be told.
    Decided,
}

impl SectionHeading {
    pub const ALL: [Self; 14] = [
        Self::NeedsYou,
        Self::NotConfirmedButDue,
        Self::FoundNotWorking,
        Self::NewlyDead,
        Self::Changed,
        Self::Moved,
        Self::Restricted,
        Self::NotAnswering,
        Self::SmallPoints,
        Self::CouldNotCheck,
        Self::Fixed,
        Self::StillDead,
        Self::NotYetConfirmed,
        Self::Decided,
    ];
}

/// How a link is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    Silent,
    /// An entry of its own.
    Told(SectionHeading),
    /// A number among others: it was told before, or is not worth an entry.
    Counted(SectionHeading),
}

/// Where a link stands in tonight's report.
pub fn place(night: &CourseReport, item: &LinkFacts) -> Placement {
    let own = is_own(&night.facts, item);
    if item.decision.is_some() {
        // Our copy in the place of a link that works is nothing to count.
        let is_fine = item.verdict.state == State::Ok;
        return if is_fine { Placement::Silent } else { Placement::Counted(SectionHeading::Decided) };
    }
    if night.facts.is_first {
        return first_place(night, item, own);
    }
    if is_unchecked(item) {
        return Placement::Counted(SectionHeading::CouldNotCheck);
    }
    let news = is_news(night, item, own);
    if news && is_grave(item) {
        return Placement::Told(SectionHeading::NeedsYou);
    }
    let told = |heading| if news { Placement::Told(heading) } else { Placement::Counted(heading) };
    match &item.verdict.state {
        State::Ok if news || night.earlier.reminder(item).is_some() => Placement::Told(SectionHeading::Fixed),
        State::Ok => small_points(night, item),
        State::Moved { .. } => told(SectionHeading::Moved),
        State::Changed { .. } => told(SectionHeading::Changed),
        State::Restricted { .. } if news && (!item.is_covered || is_due_soon(&night.facts, item)) => {
            Placement::Told(SectionHeading::NeedsYou)
        }
        State::Restricted { .. } => told(SectionHeading::Restricted),
        State::Unverifiable { .. } => told(SectionHeading::CouldNotCheck),
        state if is_broken(state, own) => place_of_broken(night, item, own),
        State::Failing { .. } | State::Dead { .. } => match reminder(&night.facts, item) {
            Some(Reminder::DueSoon) => Placement::Told(SectionHeading::NotConfirmedButDue),
            Some(Reminder::SilentHost) => Placement::Told(SectionHeading::NotAnswering),
            // There is no other letter before the term that could tell it confirmed.
            None if night.kind.before_term.is_some() => Placement::Told(SectionHeading::FoundNotWorking),
            None => Placement::Counted(SectionHeading::NotYetConfirmed),
        },
    }
}

fn place_of_broken(night: &CourseReport, item: &LinkFacts, own: bool) -> Placement {
    let is_retold =
        night.kind.before_term.is_some() || (night.kind.is_weekly && is_told_again(&night.facts, item));
    match (is_due_soon(&night.facts, item), is_news(night, item, own)) {
        (true, _) => Placement::Told(SectionHeading::NeedsYou),
        (false, false) if is_retold => Placement::Told(SectionHeading::StillDead),
        (false, false) => Placement::Counted(SectionHeading::StillDead),
        (false, true) if own || !item.is_covered => Placement::Told(SectionHeading::NeedsYou),
        (false, true) => Placement::Told(SectionHeading::NewlyDead),
    }
}

/// What of a link is told again each night, while it lasts.
pub fn reminder(night: &CourseFacts, item: &LinkFacts) -> Option<Reminder> {
    let is_weak = match &item.verdict.state {
        State::Failing { weight, .. } => *weight == Weight::Weak,
        State::Dead { .. } => false,
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. } => return None,
    };
    if item.decision.is_some() {
        None
    } else if is_due_soon(night, item) {
        Some(Reminder::DueSoon)
    } else {
        (is_weak && item.verdict.nights >= SILENT_HOST_NIGHTS).then_some(Reminder::SilentHost)
    }
}

/// Whether tonight's report must be sent because of this link.
pub(super) fn tells_news(night: &CourseReport, item: &LinkFacts) -> bool {
    match place(night, item) {
        Placement::Silent | Placement::Counted(_) => false,
        Placement::Told(SectionHeading::SmallPoints) => true,
        Placement::Told(_) => {
            is_news(night, item, is_own(&night.facts, item))
                || reminder(&night.facts, item) > night.earlier.reminder(item)
        }
    }
}

/// Confirmed, and no reader should be sent there any more, or nobody should
/// build on what it says.
pub(super) fn is_grave(item: &LinkFacts) -> bool {
    let is_disowned = |reason| matches!(reason, Reason::Withdrawn | Reason::Retracted);
    is_hostile(item)
        || (is_confirmed(&item.verdict.state) && item.verdict.state.reason().is_some_and(is_disowned))
}

/// Confirmed, and no reader should be sent there any more.
pub(super) fn is_hostile(item: &LinkFacts) -> bool {
    is_confirmed(&item.verdict.state) && item.verdict.state.reason().is_some_and(Reason::is_hostile)
}

fn is_confirmed(state: &State) -> bool {
    matches!(state, State::Dead { .. } | State::Changed { .. })
}

fn first_place(night: &CourseReport, item: &LinkFacts, own: bool) -> Placement {
    match &item.verdict.state {
        _ if is_unchecked(item) => Placement::Counted(SectionHeading::CouldNotCheck),
        State::Ok => small_points(night, item),
        State::Moved { .. } => Placement::Told(SectionHeading::Moved),
        State::Changed { .. } => Placement::Told(SectionHeading::Changed),
        State::Restricted { .. } => Placement::Told(SectionHeading::Restricted),
        State::Unverifiable { .. } => Placement::Told(SectionHeading::CouldNotCheck),
        state if own && is_broken(state, own) => Placement::Told(SectionHeading::NeedsYou),
        State::Failing { .. } | State::Dead { .. } if is_due_soon(&night.facts, item) => {
            Placement::Told(SectionHeading::NotConfirmedButDue)
        }
        State::Failing { .. } | State::Dead { .. } => Placement::Told(SectionHeading::FoundNotWorking),
    }
}

/// Our own side kept us from looking, which is worth a number only.
pub(super) fn is_unchecked(item: &LinkFacts) -> bool {
    item.verdict.state == State::Unverifiable { reason: Reason::NotChecked }
}

fn small_points(night: &CourseReport, item: &LinkFacts) -> Placement {
    if item.notes.is_empty() {
        Placement::Silent
    } else if item.notes.iter().all(|note| night.earlier.notes(item).contains(note)) {
        Placement::Counted(SectionHeading::SmallPoints)
    } else {
        Placement::Told(SectionHeading::SmallPoints)
    }
}

/// Whether tonight says something that no earlier report can have said; a new link counts as one that was fine.
pub(super) fn is_news(night: &CourseReport, item: &LinkFacts, own: bool) -> bool {
    let before = night.earlier.state(item).unwrap_or(&State::Ok);
    match (&item.decision, &item.lapsed) {
        (Some(_), _) => return false,
        // Whoever said that it was not broken knew before us.
        (None, Some(lapsed)) if item.verdict.state == State::Ok => {
            return lapsed.choice != Choice::NotBroken;
        }
        (None, Some(_)) => return true,
        (None, None) => {}
    }
    match (before, &item.verdict.state) {
        (before, State::Ok) => matches!(before, State::Restricted { .. }) || is_broken(before, own),
        (State::Moved { to: before }, State::Moved { to }) => !is_same_place(before, to),
        (State::Changed { change: before, .. }, State::Changed { change, .. }) => before.text != change.text,
        (before, after) if is_broken(before, own) && is_broken(after, own) => false,
        (before, after) => before.name() != after.name(),
    }
}

/// What stays dead is told again in the weekly letter after so many weeks; later it is a number.
fn is_told_again(night: &CourseFacts, item: &LinkFacts) -> bool {
    const WEEKS: [i32; 3] = [1, 4, 12];
    let since = item.verdict.since.to_zoned_datetime(night.time_zone.clone()).date();
    let weeks = (night.today - since).get_days() / 7;
    WEEKS.contains(&weeks)
}

/// Session marks in a query change from night to night; the place does not.
fn is_same_place(a: &Address, b: &Address) -> bool {
    a.host() == b.host() && a.path() == b.path()
}

/// Dead; or a file of the course itself that is not there, which needs no second night.
pub fn is_broken(state: &State, own: bool) -> bool {
    match state {
        State::Dead { .. } => true,
        State::Failing { reason, .. } => own && reason.is_missing(),
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. } => false,
    }
}

/// Whether the link is the course's own file: at or below the folder of one of its pages.
pub fn is_own(night: &CourseFacts, item: &LinkFacts) -> bool {
    night.pages.iter().any(|page| page.is_above(&item.link))
}

/// The mention that is needed next; else the one needed last; else the first.
pub fn lead<'a>(night: &CourseFacts, item: &'a LinkFacts) -> Option<&'a Mention> {
    let dated = |mention: &&Mention| mention.due.is_some();
    let coming = |mention: &&Mention| mention.due.is_some_and(|due| due >= night.today);
    let next = item.mentions.iter().filter(coming).min_by_key(|mention| (mention.due, mention.line));
    let last = || item.mentions.iter().filter(dated).max_by_key(|mention| mention.due);
    next.or_else(last).or_else(|| item.mentions.first())
}

/// When the class needs it: the next time, else the last.
pub fn due(night: &CourseFacts, item: &LinkFacts) -> Option<Date> {
    lead(night, item).and_then(|mention| mention.due)
}

pub fn is_due_soon(night: &CourseFacts, item: &LinkFacts) -> bool {
    due(night, item).is_some_and(|due| (0..=SOON_DAYS).contains(&days_until(night, due)))
}

pub fn days_until(night: &CourseFacts, due: Date) -> i32 {
    (due - night.today).get_days()
}

/// Coming weeks before undated, undated before past; nearest first; new before
/// old; then as on the page. Total, so that every report has the same order.
pub fn order<'a>(night: &CourseReport, item: &'a LinkFacts) -> (u8, u32, bool, u32, &'a Address) {
    let (bucket, distance) = match due(&night.facts, item).map(|due| days_until(&night.facts, due)) {
        Some(days) if days >= 0 => (0, days.unsigned_abs()),
        None => (1, 0),
        Some(days) => (2, days.unsigned_abs()),
    };
    let line = item.mentions.first().map_or(u32::MAX, |mention| mention.line);
    (bucket, distance, !is_news(night, item, is_own(&night.facts, item)), line, &item.link)
}
