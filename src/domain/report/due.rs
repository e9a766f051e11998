//! When a letter is due, and when the next one is. What stands in it is `digest`'s affair.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use crate::domain::course::Term;
use crate::domain::report::compose::{ComposedReport, compose};
use crate::domain::report::placement;
use crate::domain::report::wording::{patch, whole};
use crate::domain::report::{CourseReport, LinkFacts, ReportKind};
use crate::domain::schedule::READY_DAYS;
use crate::domain::verdict::State;

/// What is needed within so many days, and is newly broken, waits for no digest.
const URGENT_DAYS: i32 = 3;

/// Why a letter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOccasion {
    /// The first night of a course.
    Baseline,
    /// Something changed.
    #[serde(rename = "digest")]
    Changes,
    /// Something changed that cannot wait for tomorrow's digest.
    Urgent,
    /// A term begins soon.
    BeforeTerm,
    /// Nothing changed for a week: proof that the nights still run.
    Weekly,
}

/// What a reader has had of a course, as days where the course is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastSent {
    /// The last letter that was not urgent.
    pub regular: Option<Date>,
    pub urgent: Option<Date>,
}

impl LastSent {
    fn last(self) -> Option<Date> {
        self.regular.max(self.urgent)
    }
}

/// A letter that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportDue {
    pub occasion: ReportOccasion,
    /// The first day on which it may be sent.
    pub on: Date,
    /// It is this week's letter too, whatever its occasion.
    pub is_weekly: bool,
    /// It is the first one since the term came near, whatever its occasion.
    #[serde(default)]
    pub is_before_term: bool,
    /// The day on which the reader hears again, come what may.
    pub next: Option<Date>,
}

/// Whether the night is worth a letter to someone who had these; `today` is
/// the day on which it would be sent.
pub fn report_due(night: &CourseReport, term: Option<Term>, had: LastSent, today: Date) -> Option<ReportDue> {
    // A void night says nothing of the links; that is the operator's news.
    let is_news = night.facts.void.is_none() && compose(night).is_news;
    let is_weekly = is_in_term(term, today) && had.last().is_none_or(|last| last < monday_of(today));
    let is_before_term = is_before_term(term, had, today);
    let had_today = had.regular == Some(today);
    let (occasion, on) = if night.facts.is_first {
        (ReportOccasion::Baseline, today)
    } else if is_news && had_today && is_urgent(night) && had.urgent != Some(today) {
        (ReportOccasion::Urgent, today)
    } else if is_news && had_today {
        (ReportOccasion::Changes, tomorrow(today))
    } else if is_news {
        (ReportOccasion::Changes, today)
    } else if is_before_term {
        (ReportOccasion::BeforeTerm, today)
    } else if is_weekly {
        (ReportOccasion::Weekly, today)
    } else {
        return None;
    };
    Some(ReportDue { occasion, on, is_weekly, is_before_term, next: next_day(term, on) })
}

/// A letter that is due, and all that it is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingReport {
    pub night: CourseReport,
    pub due: ReportDue,
    pub term: Option<Term>,
}

impl PendingReport {
    pub fn new(night: CourseReport, due: ReportDue, term: Option<Term>) -> Self {
        let before_term = term.filter(|_| due.is_before_term).map(|term| term.first);
        let kind = ReportKind { is_weekly: due.is_weekly, before_term };
        Self { night: CourseReport { kind, ..night }, due, term }
    }

    /// The body of the letter: the night's digest, and when the next one comes.
    pub fn digest(&self) -> ComposedReport {
        let Self { night, due, .. } = self;
        let mut digest = compose(night);
        digest.closing.extend(patch::attached(&night.facts));
        digest.closing.push(whole::next(due.next, night.facts.today));
        digest
    }
}

/// The next day after `today` on which a letter is due though nothing changes.
pub fn next_day(term: Option<Term>, today: Date) -> Option<Date> {
    let monday = monday_of(today).saturating_add(1.week());
    let Some(term) = term else { return Some(monday) };
    let milestones = READY_DAYS.iter().map(|days| term.first.saturating_sub(days.days()));
    let first_monday = match term.first.weekday() {
        Weekday::Monday => term.first,
        _ => monday_of(term.first).saturating_add(1.week()),
    };
    milestones.chain([monday.max(first_monday)]).filter(|day| *day > today && *day <= term.last).min()
}

/// A course without a term is always in it.
fn is_in_term(term: Option<Term>, today: Date) -> bool {
    term.is_none_or(|term| (term.first..=term.last).contains(&today))
}

/// A milestone was reached, and nothing was sent since. A night that was
/// missed is made up for by the next.
fn is_before_term(term: Option<Term>, had: LastSent, today: Date) -> bool {
    let Some(term) = term.filter(|term| today < term.first) else { return false };
    let reached = |days: &&i32| term.first.saturating_sub((**days).days()) <= today;
    let milestone = READY_DAYS.iter().filter(reached).min();
    milestone
        .is_some_and(|days| had.last().is_none_or(|last| last < term.first.saturating_sub((*days).days())))
}

fn is_urgent(night: &CourseReport) -> bool {
    let is_urgent = |item: &LinkFacts| placement::is_grave(item) || is_needed_at_once(night, item);
    night.facts.items.iter().any(|item| placement::tells_news(night, item) && is_urgent(item))
}

fn is_needed_at_once(night: &CourseReport, item: &LinkFacts) -> bool {
    let is_shut = matches!(item.verdict.state, State::Restricted { .. }) && !item.is_covered;
    (is_shut || placement::is_broken(&item.verdict.state, placement::is_own(&night.facts, item)))
        && placement::due(&night.facts, item)
            .is_some_and(|due| (0..=URGENT_DAYS).contains(&placement::days_until(&night.facts, due)))
}

fn monday_of(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

fn tomorrow(day: Date) -> Date {
    day.tomorrow().unwrap_or(day)
}

#[cfg(test)]
mod tests;
