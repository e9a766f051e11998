//! One numbered entry of a report: a link, several links of a host with the
//! same failure, or a defect of the page.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use crate::domain::address::{Address, LinkId};
use crate::domain::evidence::Reason;
use crate::domain::page::LinkDefect;
use crate::domain::report::figures::list;
use crate::domain::report::placement::{SectionHeading, due, is_own, lead};
use crate::domain::report::plain::defused;
use crate::domain::report::wording::{decision, group, label, link as words, revisit};
use crate::domain::report::{CourseFacts, CourseReport, LinkFacts, PageDefect, PageOmission, wording};
use crate::domain::verdict::State;

/// Links of a host with the same failure become one entry from this number on,
/// if they are also this share of all links of the host.
const ALIKE_LINKS: usize = 3;
const ALIKE_PERCENT: usize = 60;

/// The most names that an entry lists for a group; the rest is a number.
const NAMES_SHOWN: usize = 5;

/// A longer address is described, not printed. Ordinary addresses are shorter.
const LONGEST_ADDRESS: usize = 1000;

/// A numbered entry of a report. All its texts are safe in a line of plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportEntry {
    pub title: String,
    /// Its place on the page, and when it is due.
    pub place: Vec<String>,
    pub address: Option<ShownAddress>,
    pub facts: Vec<EntryFact>,
    /// What the page behind `action` offers.
    pub offer: &'static str,
    /// The address of the page where the reader can decide about the links, if
    /// such pages are served.
    pub action: Option<String>,
    /// The links of the entry; empty for a defect of the page.
    pub links: Vec<LinkId>,
    pub due: Option<Date>,
}

/// A labelled line: "What happened: not found (404)."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFact {
    pub label: &'static str,
    pub text: String,
    pub address: Option<ShownAddress>,
}

/// An address in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownAddress {
    Linked(String),
    /// Printed so that no program makes a link of it.
    Unlinked(String),
    /// A sentence in place of an address that is too long.
    Described(String),
}

impl ShownAddress {
    fn of(address: &Address) -> Self {
        let text = address.as_str();
        if text.len() > LONGEST_ADDRESS {
            Self::Described(words::long_address(text.len()))
        } else {
            Self::Linked(text.to_owned())
        }
    }

    /// Mail programs make a link of every address that they find in a text.
    fn unlinked(self) -> Self {
        match self {
            Self::Linked(text) | Self::Unlinked(text) => Self::Unlinked(defused(&text)),
            Self::Described(text) => Self::Described(text),
        }
    }
}

impl EntryFact {
    fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, text: text.into(), address: None }
    }

    fn leading_to(label: &'static str, address: &Address) -> Self {
        Self { label, text: String::new(), address: Some(ShownAddress::of(address)) }
    }
}

/// The entries of a section. Links of a host with the same failure are one entry.
pub fn entries(course: &CourseFacts, heading: SectionHeading, links: &[&LinkFacts]) -> Vec<ReportEntry> {
    let mut groups: Vec<Vec<&LinkFacts>> = Vec::new();
    let mut of_host: HashMap<(&str, Reason), usize> = HashMap::new();
    let whole_hosts = hosts_with_one_failure(course);
    for link_facts in links {
        let fate = link_facts.verdict.state.reason().map(|reason| (link_facts.link.host(), reason));
        // A link with a replacement or a lapsed decision has its own entry.
        let is_own_case = link_facts.replacement.is_some() || link_facts.lapsed.is_some();
        let fate = fate.filter(|_| !is_own_case);
        let fate =
            fate.filter(|fate| heading == SectionHeading::NotAnswering || whole_hosts.contains_key(fate));
        if let Some(group) = fate.and_then(|fate| of_host.get(&fate)).and_then(|at| groups.get_mut(*at)) {
            group.push(link_facts);
        } else {
            of_host.extend(fate.map(|fate| (fate, groups.len())));
            groups.push(vec![link_facts]);
        }
    }
    let one_by_one = |group: Vec<&LinkFacts>| -> Vec<ReportEntry> {
        match group.as_slice() {
            several if several.len() >= ALIKE_LINKS || heading == SectionHeading::NotAnswering => {
                several.first().map(|first| host_entry(course, heading, first, several)).into_iter().collect()
            }
            few => few.iter().map(|link_facts| link_entry(course, heading, link_facts)).collect(),
        }
    };
    groups.into_iter().flat_map(one_by_one).collect()
}

/// The hosts where most links fail for the same reason.
fn hosts_with_one_failure(course: &CourseFacts) -> HashMap<(&str, Reason), usize> {
    let mut all: HashMap<&str, usize> = HashMap::new();
    let mut alike: HashMap<(&str, Reason), usize> = HashMap::new();
    for link_facts in &course.links {
        *all.entry(link_facts.link.host()).or_default() += 1;
        match &link_facts.verdict.state {
            State::Ok | State::Moved { .. } | State::Changed { .. } => {}
            State::Restricted { reason }
            | State::Unverifiable { reason }
            | State::Failing { reason, .. }
            | State::Dead { reason } => *alike.entry((link_facts.link.host(), *reason)).or_default() += 1,
        }
    }
    alike.retain(|(host, _), n| {
        *n >= ALIKE_LINKS && all.get(host).is_some_and(|all| *n * 100 >= *all * ALIKE_PERCENT)
    });
    alike
}

/// One entry for links that share an action page; `None` for no link.
pub fn of_links(course: &CourseFacts, links: &[&LinkFacts]) -> Option<ReportEntry> {
    match links {
        [] => None,
        [only] => Some(link_entry(course, SectionHeading::NeedsYou, only)),
        [first, ..] => Some(host_entry(course, SectionHeading::NeedsYou, first, links)),
    }
}

fn link_entry(course: &CourseFacts, heading: SectionHeading, link_facts: &LinkFacts) -> ReportEntry {
    let lead = lead(course, link_facts);
    let name = words::name(link_facts, lead);
    let title = words::kind(link_facts, lead).map_or_else(|| name.clone(), |kind| format!("{name} ({kind})"));
    let mut place: Vec<String> =
        lead.and_then(|lead| words::where_needed(course, lead)).into_iter().collect();
    if let Some(lead) = lead {
        place.push(label::source(&words::source(course, link_facts, lead)));
    }
    let address = ShownAddress::of(&link_facts.link);
    ReportEntry {
        title,
        place,
        address: Some(if words::is_shunned(link_facts) { address.unlinked() } else { address }),
        facts: facts(course, heading, link_facts),
        offer: words::offer(course, link_facts),
        action: None,
        links: vec![LinkId::of(&link_facts.link)],
        due: due(course, link_facts),
    }
}

fn facts(course: &CourseFacts, heading: SectionHeading, link_facts: &LinkFacts) -> Vec<EntryFact> {
    let kind = lead(course, link_facts).map(|mention| mention.kind);
    let mut facts = Vec::new();
    match &link_facts.verdict.state {
        State::Ok => {}
        State::Moved { to } => facts.push(EntryFact::leading_to(label::NOW_AT, to)),
        State::Changed { change, .. } => {
            facts.push(EntryFact::new(label::WHAT_CHANGED, words::what_changed(course, link_facts, change)));
            if let Some((before, after)) = &link_facts.versions {
                facts.push(EntryFact::new(label::OUR_COPIES, words::both_copies(course, before, after)));
            }
        }
        State::Unverifiable { .. } => {
            facts.push(EntryFact::new(label::WHAT_HAPPENED, words::what_happened(course, link_facts)));
        }
        State::Restricted { reason } | State::Failing { reason, .. } | State::Dead { reason } => {
            facts.push(EntryFact::new(label::WHAT_HAPPENED, words::what_happened(course, link_facts)));
            let leads_elsewhere = matches!(reason, Reason::FrontPage | Reason::OtherPage);
            if let Some(elsewhere) = link_facts.ended_at.as_ref().filter(|_| leads_elsewhere) {
                facts.push(EntryFact::leading_to(label::NOW_LEADS_TO, elsewhere));
            }
            facts.push(EntryFact::new(label::OUR_COPY, words::our_copy(course, link_facts, kind)));
            if let Some(found) = &link_facts.replacement {
                let label =
                    if found.is_verified() { label::BEST_REPLACEMENT } else { label::POSSIBLE_REPLACEMENT };
                let text = wording::replacement::described(course, found);
                facts.push(EntryFact { label, text, address: Some(ShownAddress::of(&found.address)) });
            }
        }
    }
    if let Some(lapsed) = &link_facts.lapsed {
        facts.push(EntryFact::new(label::DECIDED_BEFORE, decision::lapsed(course, link_facts, lapsed)));
    }
    if matches!(link_facts.verdict.state, State::Ok | State::Moved { .. } | State::Changed { .. }) {
        facts.extend(
            link_facts.notes.iter().map(|note| EntryFact::new(label::WORTH_A_LOOK, wording::note(note))),
        );
    }
    let spots =
        course.patch.as_ref().and_then(|patch| patch.spots.iter().find(|(link, _)| *link == link_facts.link));
    facts.extend(spots.map(|(_, spots)| EntryFact::new(label::IN_THE_SOURCES, words::in_the_source(spots))));
    facts.extend(revisit::last_visit(course, link_facts).map(|text| EntryFact::new(label::LAST_VISIT, text)));
    let is_plain = matches!(link_facts.verdict.state, State::Ok | State::Unverifiable { .. });
    let is_open = course.is_first && heading == SectionHeading::FoundNotWorking;
    if !is_plain && !is_open {
        facts
            .push(EntryFact::new(label::TO_DO, words::to_do(course, link_facts, is_own(course, link_facts))));
    }
    facts
}

fn host_entry(
    course: &CourseFacts,
    heading: SectionHeading,
    first: &LinkFacts,
    links: &[&LinkFacts],
) -> ReportEntry {
    let next = links.iter().find_map(|link_facts| due(course, link_facts));
    let mut names: Vec<String> =
        links.iter().map(|link_facts| words::name(link_facts, lead(course, link_facts))).collect();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let kept = links.iter().filter(|link_facts| link_facts.sound_copy().is_some()).count();
    let coming = next.filter(|due| *due >= course.today);
    let mut place: Vec<String> = coming.map(|due| group::first_needed(course, due)).into_iter().collect();
    place.push(label::source(&group::lines(course, links)));
    let mut facts = vec![
        EntryFact::new(label::WHAT_HAPPENED, group::what_happened_to_all(course, links)),
        EntryFact::new(label::LINKS, format!("{}.", list(&names, NAMES_SHOWN))),
        EntryFact::new(label::OUR_COPIES, group::copies_of_group(kept, links.len())),
    ];
    facts.extend(group::to_do(course, heading, links).map(|text| EntryFact::new(label::TO_DO, text)));
    ReportEntry {
        title: group::links_on_host(first, links.len()),
        place,
        address: None,
        facts,
        offer: words::offer(course, first),
        action: None,
        links: links.iter().map(|link_facts| LinkId::of(&link_facts.link)).collect(),
        due: next,
    }
}

/// The entry about a problem with the course page itself.
pub fn page_entry(course: &CourseFacts) -> Option<ReportEntry> {
    let problem = course.reported_problem()?;
    let (meaning, to_do) = if course.page_never_read {
        (EntryFact::new(label::WHAT_IT_MEANS, wording::NEVER_READ), wording::never_read_to_do(problem))
    } else {
        (EntryFact::new(label::WHAT_WE_DID, wording::LAST_GOOD_READING), wording::page_to_do(problem))
    };
    let what = EntryFact::new(label::WHAT_HAPPENED, wording::page_problem(problem));
    let facts = vec![what, meaning, EntryFact::new(label::TO_DO, to_do)];
    Some(point(wording::THE_COURSE_PAGE.to_owned(), facts))
}

/// Defects of the page that no earlier report listed. Many of one kind become one entry.
pub fn defect_entries(report: &CourseReport) -> Vec<ReportEntry> {
    let fresh: Vec<&PageDefect> =
        report.facts.defects.iter().filter(|defect| !is_known(report, defect)).collect();
    let mut entries = Vec::new();
    let mut rest = fresh.as_slice();
    let mut seen = Vec::new();
    while let Some((first, later)) = rest.split_first() {
        rest = later;
        let kind = std::mem::discriminant(&first.defect);
        if seen.contains(&kind) {
            continue;
        }
        seen.push(kind);
        let alike: Vec<&PageDefect> =
            fresh.iter().copied().filter(|defect| std::mem::discriminant(&defect.defect) == kind).collect();
        if alike.len() > ALIKE_LINKS {
            let lines: Vec<String> = alike.iter().map(|defect| wording::place_of_defect(defect)).collect();
            let lines = EntryFact::new(label::WHERE, format!("{}.", list(&lines, 2 * NAMES_SHOWN)));
            entries.push(point(wording::defects_of_one_kind(&first.defect, alike.len()), vec![lines]));
        } else {
            entries.extend(alike.iter().map(|defect| {
                let (title, text) = wording::defect(defect);
                point(title, vec![EntryFact::new(label::WHAT_IS_WRONG, text)])
            }));
        }
    }
    entries.extend(omission_entries(report));
    entries
}

/// Parts of the page that are not read, unless an earlier report listed them.
fn omission_entries(report: &CourseReport) -> impl Iterator<Item = ReportEntry> {
    // Lines shift with every edit, so an omission is identified by its kind.
    let is_known = |found: &&PageOmission| {
        report.earlier.omissions.iter().any(|before| {
            before.page == found.page
                && std::mem::discriminant(&before.omission) == std::mem::discriminant(&found.omission)
        })
    };
    report.facts.omissions.iter().filter(move |found| !is_known(found)).map(|found| {
        let (title, text, to_do) = wording::omission::omission(found);
        point(
            title,
            vec![
                EntryFact::new(label::WHAT_IS_MISSING, text),
                EntryFact::new(label::TO_DO, to_do.to_owned()),
            ],
        )
    })
}

fn point(title: String, facts: Vec<EntryFact>) -> ReportEntry {
    ReportEntry {
        title,
        place: Vec::new(),
        address: None,
        facts,
        offer: "",
        action: None,
        links: Vec::new(),
        due: None,
    }
}

/// Lines shift with every edit, so a defect is identified by its words.
fn is_known(report: &CourseReport, found: &PageDefect) -> bool {
    let is_alike = |before: &LinkDefect| match (before, &found.defect) {
        (LinkDefect::EmptyLink { words: a, .. }, LinkDefect::EmptyLink { words: b, .. })
        | (LinkDefect::Malformed { written: a, .. }, LinkDefect::Malformed { written: b, .. })
        | (LinkDefect::MissingFile { written: a, .. }, LinkDefect::MissingFile { written: b, .. })
        | (LinkDefect::BrokenAnchor { anchor: a, .. }, LinkDefect::BrokenAnchor { anchor: b, .. }) => a == b,
        (
            LinkDefect::EmptyLink { .. }
            | LinkDefect::Malformed { .. }
            | LinkDefect::MissingFile { .. }
            | LinkDefect::BrokenAnchor { .. },
            _,
        ) => false,
    };
    let is_there = |page: &Option<String>| page.is_none() || *page == found.page;
    report.earlier.defects.iter().any(|before| is_there(&before.page) && is_alike(&before.defect))
}
