//! One night composed for its reader: sections, order, cap, and the sentences that open it.

use std::collections::BTreeMap;

use crate::domain::course::PageSource;
use crate::domain::evidence::Reason;
use crate::domain::report::entry;
use crate::domain::report::placement::{self, Placement, SectionHeading};
use crate::domain::report::plain::{tame, visible};
use crate::domain::report::section::{MAX_ENTRIES, ReportSection};
use crate::domain::report::tally::{NewsKind, ReportTally};
use crate::domain::report::wording::item as words;
use crate::domain::report::wording::opening;
use crate::domain::report::wording::whole::{self, KnownLinks};
use crate::domain::report::{CourseFacts, CourseReport, LinkFacts};

/// A report, composed. Every text in it is one line and safe as plain text;
/// `text`, `html` and `summary` only lay it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposedReport {
    pub subject: String,
    /// The course, by its title.
    pub title: String,
    /// What is broken, what students get, what to do.
    pub opening: Vec<String>,
    pub sections: Vec<ReportSection>,
    /// When it was checked, what is kept; of a void night nothing. A letter adds
    /// when the next one is due.
    pub closing: Vec<String>,
    /// Where all links of the course are told, those beyond the cap too.
    pub all_links: Option<String>,
    /// Where its reader can stop the letters; a report that is no letter has none.
    pub stop: Option<String>,
    /// Something in it was in no earlier report.
    pub is_news: bool,
}

/// Composes the report of one night. The same night always gives the same report.
pub fn compose(night: &CourseReport) -> ComposedReport {
    let title = title(&night.facts);
    // A link of a first night may still be judged by what its own host answered.
    if night.facts.void.is_some() && !night.facts.is_first {
        let tally = ReportTally::default();
        return ComposedReport {
            subject: opening::subject(night, &tally),
            title,
            opening: opening::opening(night, &tally),
            sections: Vec::new(),
            closing: Vec::new(),
            all_links: None,
            stop: None,
            is_news: true,
        };
    }
    let mut items: Vec<&LinkFacts> = night.facts.items.iter().collect();
    items.sort_by(|a, b| placement::order(night, a).cmp(&placement::order(night, b)));
    let placed: Vec<(Placement, &LinkFacts)> =
        items.iter().map(|item| (placement::place(night, item), *item)).collect();
    let sections: Vec<ReportSection> =
        SectionHeading::ALL.iter().filter_map(|heading| section(night, *heading, &placed)).collect();
    let tally = ReportTally::of(night, &placed, &sections);
    let mut digest = ComposedReport {
        subject: opening::subject(night, &tally),
        title,
        opening: opening::opening(night, &tally),
        sections,
        closing: vec![whole::closing(&night.facts, &tally)],
        all_links: None,
        stop: None,
        is_news: night.facts.is_first
            || night.new_trouble().is_some()
            || night.past_trouble().is_some()
            || tally.count(NewsKind::PagePoint) > 0
            || items.iter().any(|item| placement::tells_news(night, item)),
    };
    digest.keep_entries(MAX_ENTRIES);
    digest
}

/// The title; the address of the page where it is all that was given.
fn title(night: &CourseFacts) -> String {
    let is_page = |page: &PageSource| PageSource::parse(night.title.trim()).is_ok_and(|title| title == *page);
    match night.pages.iter().find(|page| is_page(page)) {
        Some(page) => visible(&page.to_string()),
        None if night.title.trim().is_empty() => night.course.to_string(),
        None => tame(&night.title),
    }
}

impl ComposedReport {
    /// Keeps the first `n` entries of all sections together; the others become numbers.
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
    night: &CourseReport,
    heading: SectionHeading,
    placed: &[(Placement, &LinkFacts)],
) -> Option<ReportSection> {
    let of =
        |wanted: Placement| placed.iter().filter(move |(place, _)| *place == wanted).map(|(_, item)| *item);
    let told: Vec<&LinkFacts> = of(Placement::Told(heading)).collect();
    let standing: Vec<&LinkFacts> = of(Placement::Counted(heading)).collect();
    let mut entries = Vec::new();
    let mut note = None;
    if heading == SectionHeading::Fixed {
        let names: Vec<String> =
            told.iter().map(|item| words::name(item, placement::lead(&night.facts, item))).collect();
        note = (!names.is_empty()).then(|| whole::fixed(&names));
    } else {
        entries = entry::entries(&night.facts, heading, &told);
    }
    let mut count = told.len();
    if heading == SectionHeading::NeedsYou {
        let points = entry::defect_entries(night);
        let trouble = entry::page_entry(&night.facts);
        count += points.len() + usize::from(trouble.is_some());
        entries = trouble.into_iter().chain(entries).chain(points).collect();
    }
    if !standing.is_empty() {
        let known = whole::standing(heading, &night.facts, &figures(&standing));
        note = Some(if count == 0 { known } else { whole::and_more(&known, standing.len()) });
    }
    let is_new = count > 0;
    let count = count + standing.len();
    (count > 0).then(|| ReportSection {
        heading,
        name: whole::heading(&night.facts, heading, is_new),
        count,
        entries,
        unlisted: 0,
        note,
    })
}

fn figures(standing: &[&LinkFacts]) -> KnownLinks {
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for reason in standing.iter().filter_map(|item| item.verdict.state.reason()) {
        *reasons.entry(reason).or_default() += 1;
    }
    KnownLinks {
        links: standing.len(),
        kept: standing.iter().filter(|item| item.copy.is_some()).count(),
        oldest: standing.iter().map(|item| item.verdict.since).min(),
        choices: standing.iter().filter_map(|item| Some(item.decision.as_ref()?.choice.clone())).collect(),
        most_often: reasons.into_iter().max_by_key(|(reason, n)| (*n, std::cmp::Reverse(*reason))),
    }
}
