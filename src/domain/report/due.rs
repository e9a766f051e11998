//! When a report is due by email, and when the next one is. Its contents are in `compose`.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use crate::domain::course::{EmailAddress, Term};
use crate::domain::report::compose::{ComposedReport, compose};
use crate::domain::report::placement;
use crate::domain::report::wording::{patch, sections};
use crate::domain::report::{CourseReport, LinkFacts, ReportKind};
use crate::domain::schedule::READY_DAYS;
use crate::domain::verdict::State;

/// A newly broken link that is due within so many days makes a report urgent.
const URGENT_DAYS: i32 = 3;

/// Why a report is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOccasion {
    /// The first night of a course.
    Baseline,
    /// Something changed.
    #[serde(rename = "digest")]
    Changes,
    /// Something changed that cannot wait for tomorrow's report.
    Urgent,
    /// A term begins soon.
    BeforeTerm,
    /// Nothing changed for a week. The report shows that the nights still run.
    Weekly,
}

/// When a recipient last got a report about a course, as local days of the course.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastSent {
    /// The last report that was not urgent.
    pub regular: Option<Date>,
    pub urgent: Option<Date>,
}

impl LastSent {
    fn last(self) -> Option<Date> {
        self.regular.max(self.urgent)
    }
}

/// A report that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportDue {
    pub occasion: ReportOccasion,
    /// The first day on which it may be sent.
    pub on: Date,
    /// It is also the weekly report, on any occasion.
    pub is_weekly: bool,
    /// It is also the first report shortly before the term, on any occasion.
    #[serde(default)]
    pub is_before_term: bool,
    /// The latest day of the next report.
    pub next: Option<Date>,
}

/// Whether the report is sent to a recipient with these last reports; `today`
/// is the day on which it would be sent.
pub fn report_due(
    report: &CourseReport,
    term: Option<Term>,
    had: LastSent,
    today: Date,
) -> Option<ReportDue> {
    // A void night has no results for the instructor. The log reports it to the operator.
    let is_news = report.facts.void.is_none() && compose(report).is_news;
    let is_weekly = is_in_term(term, today) && had.last().is_none_or(|last| last < monday_of(today));
    let is_before_term = is_before_term(term, had, today);
    let had_today = had.regular == Some(today);
    let (occasion, on) = if report.facts.is_first && !report.facts.is_never_read() {
        (ReportOccasion::Baseline, today)
    } else if is_news && had_today && is_urgent(report) && had.urgent != Some(today) {
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

/// A report that is due, with the data of its email.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingReport {
    #[serde(rename = "night")]
    pub report: CourseReport,
    pub due: ReportDue,
    pub term: Option<Term>,
    /// Who answers questions about the report.
    #[serde(default)]
    pub contact: Option<EmailAddress>,
}

impl PendingReport {
    pub fn new(report: CourseReport, due: ReportDue, term: Option<Term>) -> Self {
        let before_term = term.filter(|_| due.is_before_term).map(|term| term.first);
        let kind = ReportKind { is_weekly: due.is_weekly, before_term };
        Self { report: CourseReport { kind, ..report }, due, term, contact: None }
    }

    /// The contents of the email: the composed report, and when the next one comes.
    pub fn compose(&self) -> ComposedReport {
        let Self { report, due, contact, .. } = self;
        let mut composed = compose(report);
        composed.closing.extend(patch::attached(&report.facts));
        composed.closing.push(sections::next(due.next, report.facts.today));
        composed.closing.extend(contact.as_ref().map(sections::questions));
        composed
    }
}

/// The next day after `today` on which a report is due even without news.
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

/// A course without a term is always in term.
fn is_in_term(term: Option<Term>, today: Date) -> bool {
    term.is_none_or(|term| (term.first..=term.last).contains(&today))
}

/// Whether a milestone before the term has passed without a report since. The
/// next night makes up for a night that was missed.
fn is_before_term(term: Option<Term>, had: LastSent, today: Date) -> bool {
    let Some(term) = term.filter(|term| today < term.first) else { return false };
    let reached = |days: &&i32| term.first.saturating_sub((**days).days()) <= today;
    let milestone = READY_DAYS.iter().filter(reached).min();
    milestone
        .is_some_and(|days| had.last().is_none_or(|last| last < term.first.saturating_sub((*days).days())))
}

fn is_urgent(report: &CourseReport) -> bool {
    let is_urgent =
        |link_facts: &LinkFacts| placement::is_grave(link_facts) || is_needed_at_once(report, link_facts);
    report
        .facts
        .links
        .iter()
        .any(|link_facts| placement::makes_news(report, link_facts) && is_urgent(link_facts))
}

fn is_needed_at_once(report: &CourseReport, link_facts: &LinkFacts) -> bool {
    let is_shut = matches!(link_facts.verdict.state, State::Restricted { .. }) && !link_facts.is_covered;
    let own = placement::is_own(&report.facts, link_facts);
    let is_replaced = placement::is_replaced(&report.facts, link_facts);
    (is_shut || is_replaced || placement::is_broken(&link_facts.verdict.state, own))
        && placement::due(&report.facts, link_facts)
            .is_some_and(|due| (0..=URGENT_DAYS).contains(&placement::days_until(&report.facts, due)))
}

fn monday_of(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

fn tomorrow(day: Date) -> Date {
    day.tomorrow().unwrap_or(day)
}

#[cfg(test)]
mod tests;
