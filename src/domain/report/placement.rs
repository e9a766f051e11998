//! Which links a report lists, under which heading, and in which order.

use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::decision::Choice;
use crate::domain::evidence::{Reason, Weight};
use crate::domain::link::Mention;
use crate::domain::policy::rota::VisitPriority;
use crate::domain::report::course_report::CourseReport;
use crate::domain::report::earlier::Reminder;
use crate::domain::report::facts::{CourseFacts, LinkFacts};
use crate::domain::verdict::{State, visit_priority};

/// An unconfirmed failure is listed if the link is due within so many days.
const SOON_DAYS: i32 = 7;

/// A host that does not answer is listed from this night on. Most are back before.
const SILENT_HOST_NIGHTS: u32 = 3;

/// The sections of a report, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionHeading {
    NeedsYou,
    NotConfirmedButDue,
    /// Failed but not confirmed; used on the first night and before a term.
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
    /// Not listed, by a decision of the people who run the course.
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

impl SectionHeading {
    /// Whether the links that are counted under this heading wait for a person.
    pub(super) fn waits_for_person(self) -> bool {
        match self {
            Self::NeedsYou
            | Self::NewlyDead
            | Self::Changed
            | Self::Moved
            | Self::Restricted
            | Self::StillDead => true,
            Self::NotConfirmedButDue
            | Self::FoundNotWorking
            | Self::NotAnswering
            | Self::SmallPoints
            | Self::CouldNotCheck
            | Self::Fixed
            | Self::NotYetConfirmed
            | Self::Decided => false,
        }
    }
}

/// How a report shows a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    Omitted,
    /// An entry of its own.
    Listed(SectionHeading),
    /// Part of a number: an earlier report listed it, or it is not worth an entry.
    Counted(SectionHeading),
}

/// The place of a link in tonight's report.
pub fn place(report: &CourseReport, link_facts: &LinkFacts) -> Placement {
    let own = is_own(&report.facts, link_facts);
    if link_facts.decision.is_some() {
        // A working link that our copy replaces by decision needs no count.
        let is_fine = link_facts.verdict.state == State::Ok;
        return if is_fine { Placement::Omitted } else { Placement::Counted(SectionHeading::Decided) };
    }
    if link_facts.awaits_first_visit() {
        return Placement::Omitted;
    }
    if report.facts.is_first {
        return first_place(report, link_facts, own);
    }
    if is_unchecked(link_facts) {
        return Placement::Counted(SectionHeading::CouldNotCheck);
    }
    let news = is_news(report, link_facts, own);
    if news && (is_grave(link_facts) || is_newly_lost(report, link_facts)) {
        return Placement::Listed(SectionHeading::NeedsYou);
    }
    let listed = |heading| if news { Placement::Listed(heading) } else { Placement::Counted(heading) };
    match &link_facts.verdict.state {
        State::Ok if news || report.earlier.reminder(link_facts).is_some() => {
            Placement::Listed(SectionHeading::Fixed)
        }
        State::Ok => small_points(report, link_facts),
        State::Moved { .. } => listed(SectionHeading::Moved),
        State::Changed { .. } if is_replaced(&report.facts, link_facts) => {
            place_of_replaced(report, link_facts, news)
        }
        State::Changed { .. } => listed(SectionHeading::Changed),
        State::Restricted { .. }
            if news && (!link_facts.is_covered || is_due_soon(&report.facts, link_facts)) =>
        {
            Placement::Listed(SectionHeading::NeedsYou)
        }
        State::Restricted { .. } => listed(SectionHeading::Restricted),
        State::Unverifiable { .. } => listed(SectionHeading::CouldNotCheck),
        state if is_broken(state, own) => place_of_broken(report, link_facts, own),
        State::Failing { .. } | State::Dead { .. } => match reminder(&report.facts, link_facts) {
            Some(Reminder::DueSoon) => Placement::Listed(SectionHeading::NotConfirmedButDue),
            Some(Reminder::SilentHost) => Placement::Listed(SectionHeading::NotAnswering),
            // No later report before the term could confirm it.
            None if report.kind.before_term.is_some() => Placement::Listed(SectionHeading::FoundNotWorking),
            None => Placement::Counted(SectionHeading::NotYetConfirmed),
        },
    }
}

/// Another work at the address is reported again until a person decides: each night if it
/// is due soon, otherwise in the weekly report.
fn place_of_replaced(report: &CourseReport, link_facts: &LinkFacts, news: bool) -> Placement {
    let is_repeated = report.kind.is_weekly || report.kind.before_term.is_some();
    if news || is_repeated || is_due_soon(&report.facts, link_facts) {
        Placement::Listed(SectionHeading::NeedsYou)
    } else {
        Placement::Counted(SectionHeading::Changed)
    }
}

fn place_of_broken(report: &CourseReport, link_facts: &LinkFacts, own: bool) -> Placement {
    let is_repeated = report.kind.before_term.is_some()
        || (report.kind.is_weekly && is_repetition_due(&report.facts, link_facts));
    match (is_due_soon(&report.facts, link_facts), is_news(report, link_facts, own)) {
        (true, _) => Placement::Listed(SectionHeading::NeedsYou),
        (false, false) if is_repeated => Placement::Listed(SectionHeading::StillDead),
        (false, false) => Placement::Counted(SectionHeading::StillDead),
        (false, true) if own || !link_facts.is_covered => Placement::Listed(SectionHeading::NeedsYou),
        (false, true) => Placement::Listed(SectionHeading::NewlyDead),
    }
}

/// What each night repeats about a link, while it applies.
pub fn reminder(course: &CourseFacts, link_facts: &LinkFacts) -> Option<Reminder> {
    let is_weak = match &link_facts.verdict.state {
        State::Failing { weight, .. } => *weight == Weight::Weak,
        State::Dead { .. } => false,
        State::Changed { .. } if is_replaced(course, link_facts) => false,
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. } => return None,
    };
    if link_facts.decision.is_some() {
        None
    } else if is_due_soon(course, link_facts) {
        Some(Reminder::DueSoon)
    } else {
        (is_weak && link_facts.verdict.nights >= SILENT_HOST_NIGHTS).then_some(Reminder::SilentHost)
    }
}

/// Whether this link makes tonight's report news.
pub(super) fn makes_news(report: &CourseReport, link_facts: &LinkFacts) -> bool {
    match place(report, link_facts) {
        Placement::Omitted | Placement::Counted(_) => false,
        Placement::Listed(SectionHeading::SmallPoints) => true,
        Placement::Listed(_) => {
            is_news(report, link_facts, is_own(&report.facts, link_facts))
                || reminder(&report.facts, link_facts) > report.earlier.reminder(link_facts)
        }
    }
}

/// The link is dead, and the loss of its copy was not reported yet.
fn is_newly_lost(report: &CourseReport, item: &LinkFacts) -> bool {
    item.is_lost_for_good() && !report.earlier.is_lost_for_good(item)
}

/// Confirmed as hostile, or as withdrawn or retracted.
pub(super) fn is_grave(link_facts: &LinkFacts) -> bool {
    let is_disowned = |reason| matches!(reason, Reason::Withdrawn | Reason::Retracted);
    is_hostile(link_facts)
        || (is_confirmed(&link_facts.verdict.state)
            && link_facts.verdict.state.reason().is_some_and(is_disowned))
}

/// Confirmed as hostile: the address leads readers to an unsafe site.
pub(super) fn is_hostile(link_facts: &LinkFacts) -> bool {
    is_confirmed(&link_facts.verdict.state)
        && link_facts.verdict.state.reason().is_some_and(Reason::is_hostile)
}

/// The domain of the link has lapsed, as far as is known. Opening it in a browser shows nothing
/// more, or an unsafe site.
pub(super) fn is_lapsed(link_facts: &LinkFacts) -> bool {
    let has_lapsed = |reason| matches!(reason, Reason::NoSuchHost | Reason::Parked | Reason::Hijacked);
    link_facts.verdict.state.reason().is_some_and(has_lapsed)
}

/// Whether a link fails if tonight alone counts: the answer was definite, such as 404 or no such
/// host. Refusals, walls and weak signs do not count, and neither does a decided link.
pub fn fails_tonight(course: &CourseFacts, link_facts: &LinkFacts) -> bool {
    let is_definite = match &link_facts.verdict.state {
        State::Failing { weight: Weight::Decisive | Weight::Strong, .. } | State::Dead { .. } => true,
        // The server says so itself, even if it says the same of its front page.
        State::Failing { reason, .. } if reason.is_missing() => true,
        state => is_broken(state, is_own(course, link_facts)),
    };
    is_definite && link_facts.decision.is_none()
}

/// Another work is at the address. Authors replace the files of their own course on purpose.
pub fn is_replaced(course: &CourseFacts, link_facts: &LinkFacts) -> bool {
    matches!(link_facts.verdict.state, State::Changed { reason: Reason::Replaced, .. })
        && !is_own(course, link_facts)
}

fn is_confirmed(state: &State) -> bool {
    matches!(state, State::Dead { .. } | State::Changed { .. })
}

fn first_place(report: &CourseReport, link_facts: &LinkFacts, own: bool) -> Placement {
    match &link_facts.verdict.state {
        _ if is_unchecked(link_facts) => Placement::Counted(SectionHeading::CouldNotCheck),
        State::Ok => small_points(report, link_facts),
        State::Moved { .. } => Placement::Listed(SectionHeading::Moved),
        State::Changed { .. } => Placement::Listed(SectionHeading::Changed),
        State::Restricted { .. } => Placement::Listed(SectionHeading::Restricted),
        State::Unverifiable { .. } => Placement::Listed(SectionHeading::CouldNotCheck),
        state if own && is_broken(state, own) => Placement::Listed(SectionHeading::NeedsYou),
        State::Failing { .. } | State::Dead { .. } if is_due_soon(&report.facts, link_facts) => {
            Placement::Listed(SectionHeading::NotConfirmedButDue)
        }
        State::Failing { .. } | State::Dead { .. } => Placement::Listed(SectionHeading::FoundNotWorking),
    }
}

/// The link was not checked because of a failure on our side.
pub(super) fn is_unchecked(link_facts: &LinkFacts) -> bool {
    link_facts.verdict.state == State::Unverifiable { reason: Reason::NotChecked }
}

fn small_points(report: &CourseReport, link_facts: &LinkFacts) -> Placement {
    if link_facts.notes.is_empty() {
        Placement::Omitted
    } else if link_facts.notes.iter().all(|note| report.earlier.notes(link_facts).contains(note)) {
        Placement::Counted(SectionHeading::SmallPoints)
    } else {
        Placement::Listed(SectionHeading::SmallPoints)
    }
}

/// Whether tonight differs from every earlier report. A new link counts as one
/// that worked before.
pub(super) fn is_news(report: &CourseReport, link_facts: &LinkFacts, own: bool) -> bool {
    let before = report.earlier.state(link_facts).unwrap_or(&State::Ok);
    match (&link_facts.decision, &link_facts.lapsed) {
        (Some(_), _) => return false,
        // It works, as the person who marked it as fine already said.
        (None, Some(lapsed)) if link_facts.verdict.state == State::Ok => {
            return lapsed.choice != Choice::NotBroken;
        }
        (None, Some(_)) => return true,
        (None, None) => {}
    }
    if is_newly_lost(report, link_facts) {
        return true;
    }
    match (before, &link_facts.verdict.state) {
        (before, State::Ok) => matches!(before, State::Restricted { .. }) || is_broken(before, own),
        (State::Moved { to: before }, State::Moved { to }) => !is_same_place(before, to),
        (State::Changed { change: before, .. }, State::Changed { change, .. }) => before.text != change.text,
        (before, after) if is_broken(before, own) && is_broken(after, own) => false,
        (before, after) => before.name() != after.name(),
    }
}

/// Whether the weekly report lists a dead link again: after 1, 4 and 12 weeks.
fn is_repetition_due(course: &CourseFacts, link_facts: &LinkFacts) -> bool {
    const WEEKS: [i32; 3] = [1, 4, 12];
    let since = link_facts.verdict.since.to_zoned_datetime(course.time_zone.clone()).date();
    let weeks = (course.today - since).get_days() / 7;
    WEEKS.contains(&weeks)
}

/// Whether two addresses differ only in their query, where session ids change each night.
fn is_same_place(a: &Address, b: &Address) -> bool {
    a.host() == b.host() && a.path() == b.path()
}

/// Dead, or a missing file of the course itself, which needs no second night.
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

/// Whether the link is a file of the course: in or below the folder of one of its pages.
pub fn is_own(course: &CourseFacts, link_facts: &LinkFacts) -> bool {
    course.pages.iter().any(|page| page.is_above(&link_facts.link))
}

/// The mention that is due next; else the one that was due last; else the first.
pub fn lead<'a>(course: &CourseFacts, link_facts: &'a LinkFacts) -> Option<&'a Mention> {
    let dated = |mention: &&Mention| mention.due.is_some();
    let coming = |mention: &&Mention| mention.due.is_some_and(|due| due >= course.today);
    let next = link_facts.mentions.iter().filter(coming).min_by_key(|mention| (mention.due, mention.line));
    let last = || link_facts.mentions.iter().filter(dated).max_by_key(|mention| mention.due);
    next.or_else(last).or_else(|| link_facts.mentions.first())
}

/// The next day on which the class needs it, else the last.
pub fn due(course: &CourseFacts, link_facts: &LinkFacts) -> Option<Date> {
    lead(course, link_facts).and_then(|mention| mention.due)
}

pub fn is_due_soon(course: &CourseFacts, link_facts: &LinkFacts) -> bool {
    due(course, link_facts).is_some_and(|due| (0..=SOON_DAYS).contains(&days_until(course, due)))
}

/// How urgent the next visit of the link is.
pub fn visit_priority(course: &CourseFacts, link_facts: &LinkFacts) -> VisitPriority {
    visit_priority::by_verdict(
        &link_facts.verdict,
        is_due_soon(course, link_facts),
        !link_facts.awaits_first_visit(),
        course.started,
    )
}

pub fn days_until(course: &CourseFacts, due: Date) -> i32 {
    (due - course.today).get_days()
}

/// The sort key of a link: future dates, then none, then past dates; nearest
/// first; news before old; then the order of the page. The order is total, so
/// the same facts always give the same report.
pub fn order<'a>(report: &CourseReport, link_facts: &'a LinkFacts) -> (u8, u32, bool, u32, &'a Address) {
    let (bucket, distance) = match due(&report.facts, link_facts).map(|due| days_until(&report.facts, due)) {
        Some(days) if days >= 0 => (0, days.unsigned_abs()),
        None => (1, 0),
        Some(days) => (2, days.unsigned_abs()),
    };
    let line = link_facts.mentions.first().map_or(u32::MAX, |mention| mention.line);
    (
        bucket,
        distance,
        !is_news(report, link_facts, is_own(&report.facts, link_facts)),
        line,
        &link_facts.link,
    )
}
