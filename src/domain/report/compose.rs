//! Composes a report: its sections in order, the maximum of entries, and the opening.

use std::collections::BTreeMap;

use crate::domain::address::LinkId;
use crate::domain::course::PageSource;
use crate::domain::evidence::Reason;
use crate::domain::report::entry;
use crate::domain::report::placement::{self, Placement, SectionHeading};
use crate::domain::report::plain::{tame, visible};
use crate::domain::report::section::{MAX_ENTRIES, MAX_WAITING, ReportSection, WaitingLink};
use crate::domain::report::tally::{NewsKind, ReportTally};
use crate::domain::report::wording::link as words;
use crate::domain::report::wording::opening;
use crate::domain::report::wording::sections::{self, KnownLinks};
use crate::domain::report::{CourseFacts, CourseReport, LinkFacts};

/// A composed report. Every text in it is one line and safe as plain text. `text`,
/// `html` and `summary` lay it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposedReport {
    pub subject: String,
    /// The title of the course.
    pub title: String,
    /// What is broken, what students get, what to do.
    pub opening: Vec<String>,
    pub sections: Vec<ReportSection>,
    /// When the links were checked and how many copies are kept; empty for a void
    /// night. An email adds when the next report is due.
    pub closing: Vec<String>,
    /// The page that lists all links of the course.
    pub all_links: Option<String>,
    /// The page where the recipient can stop the emails; only an email has one.
    pub stop: Option<String>,
    /// Whether it has something that no earlier report had.
    pub is_news: bool,
}

/// Composes the report of one night. The result depends on the facts alone.
pub fn compose(report: &CourseReport) -> ComposedReport {
    let title = title(&report.facts);
    // On a void first night, links whose own host answered are still judged.
    if report.facts.void.is_some() && !report.facts.is_first {
        let tally = ReportTally::default();
        return ComposedReport {
            subject: opening::subject(report, &tally),
            title,
            opening: opening::opening(report, &tally),
            sections: Vec::new(),
            closing: Vec::new(),
            all_links: None,
            stop: None,
            is_news: true,
        };
    }
    let mut links: Vec<&LinkFacts> = report.facts.links.iter().collect();
    links.sort_by(|a, b| placement::order(report, a).cmp(&placement::order(report, b)));
    let placed: Vec<(Placement, &LinkFacts)> =
        links.iter().map(|link_facts| (placement::place(report, link_facts), *link_facts)).collect();
    let sections: Vec<ReportSection> =
        SectionHeading::ALL.iter().filter_map(|heading| section(report, *heading, &placed)).collect();
    let tally = ReportTally::of(report, &placed, &sections);
    let mut composed = ComposedReport {
        subject: opening::subject(report, &tally),
        title,
        opening: opening::opening(report, &tally),
        sections,
        closing: vec![sections::closing(&report.facts, &tally)],
        all_links: None,
        stop: None,
        is_news: report.facts.is_first && !report.facts.is_never_read()
            || report.new_problem().is_some()
            || report.past_problem().is_some()
            || tally.count(NewsKind::PagePoint) > 0
            || links.iter().any(|link_facts| placement::makes_news(report, link_facts)),
    };
    composed.keep_entries(MAX_ENTRIES);
    composed
}

/// The title of the course. A course without a configured title has the address of its page.
fn title(course: &CourseFacts) -> String {
    let is_page =
        |page: &PageSource| PageSource::parse(course.title.trim()).is_ok_and(|title| title == *page);
    match course.pages.iter().find(|page| is_page(page)) {
        Some(page) => visible(&page.to_string()),
        None if course.title.trim().is_empty() => course.course.to_string(),
        None => tame(&course.title),
    }
}

impl ComposedReport {
    /// Keeps the first `n` entries of the report and counts the others.
    pub fn keep_entries(&mut self, n: usize) {
        let mut left = n;
        for section in &mut self.sections {
            let dropped = section.entries.split_off(left.min(section.entries.len()));
            section.unlisted += dropped.iter().map(|entry| entry.links.len().max(1)).sum::<usize>();
            left -= section.entries.len();
        }
    }

    pub fn entry_count(&self) -> usize {
        self.sections.iter().map(|section| section.entries.len()).sum()
    }
}

fn section(
    report: &CourseReport,
    heading: SectionHeading,
    placed: &[(Placement, &LinkFacts)],
) -> Option<ReportSection> {
    let of = |wanted: Placement| {
        placed.iter().filter(move |(place, _)| *place == wanted).map(|(_, link_facts)| *link_facts)
    };
    let listed: Vec<&LinkFacts> = of(Placement::Listed(heading)).collect();
    let standing: Vec<&LinkFacts> = of(Placement::Counted(heading)).collect();
    let mut entries = Vec::new();
    let mut note = None;
    if heading == SectionHeading::Fixed {
        let names: Vec<String> = listed
            .iter()
            .map(|link_facts| words::name(link_facts, placement::lead(&report.facts, link_facts)))
            .collect();
        note = (!names.is_empty()).then(|| sections::fixed(&names));
    } else {
        entries = entry::entries(&report.facts, heading, &listed);
    }
    let mut count = listed.len();
    if heading == SectionHeading::NeedsYou {
        let points = entry::defect_entries(report);
        let problem = entry::page_entry(&report.facts);
        count += points.len() + usize::from(problem.is_some());
        entries = problem.into_iter().chain(entries).chain(points).collect();
    }
    if !standing.is_empty() {
        let known = sections::standing(heading, &report.facts, &figures(&standing));
        note = Some(if count == 0 { known } else { sections::and_more(&known, standing.len()) });
    }
    let waiting = waiting(&report.facts, heading, &standing);
    let is_new = count > 0;
    let count = count + standing.len();
    (count > 0).then(|| ReportSection {
        heading,
        name: sections::heading(&report.facts, heading, is_new),
        count,
        entries,
        unlisted: 0,
        note,
        more_waiting: waiting.len().saturating_sub(MAX_WAITING),
        waiting: waiting.into_iter().take(MAX_WAITING).collect(),
    })
}

/// The links under a heading that an earlier report listed and that wait for a person.
fn waiting(course: &CourseFacts, heading: SectionHeading, standing: &[&LinkFacts]) -> Vec<WaitingLink> {
    let waiting = |link_facts: &&LinkFacts| WaitingLink {
        name: words::name(link_facts, placement::lead(course, link_facts)),
        link: LinkId::of(&link_facts.link),
        action: None,
    };
    if heading.waits_for_person() { standing.iter().map(waiting).collect() } else { Vec::new() }
}

fn figures(standing: &[&LinkFacts]) -> KnownLinks {
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for reason in standing.iter().filter_map(|link_facts| link_facts.verdict.state.reason()) {
        *reasons.entry(reason).or_default() += 1;
    }
    KnownLinks {
        links: standing.len(),
        kept: standing.iter().filter(|link_facts| link_facts.sound_copy().is_some()).count(),
        oldest: standing.iter().map(|link_facts| link_facts.verdict.since).min(),
        choices: standing
            .iter()
            .filter_map(|link_facts| Some(link_facts.decision.as_ref()?.choice.clone()))
            .collect(),
        most_often: reasons.into_iter().max_by_key(|(reason, n)| (*n, std::cmp::Reverse(*reason))),
    }
}
