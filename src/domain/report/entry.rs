//! One numbered entry of a report: a link, several that share a fate, or a point about the page.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use crate::domain::address::{Address, LinkId};
use crate::domain::evidence::Reason;
use crate::domain::page::Defect;
use crate::domain::report::figures::list;
use crate::domain::report::placement::{SectionHeading, due, is_own, lead};
use crate::domain::report::plain::defused;
use crate::domain::report::wording::{decision, group, item as words};
use crate::domain::report::{CourseFacts, CourseReport, LinkFacts, PageDefect, PageOmission, wording};
use crate::domain::verdict::State;

/// So many links of a host, and this share of all it has, fail as one.
const ALIKE_LINKS: usize = 3;
const ALIKE_PERCENT: usize = 60;

/// Names told of a group; the rest is a number.
const NAMES_SHOWN: usize = 5;

/// An address longer than this is described instead of printed. Real ones are shorter.
const LONGEST_ADDRESS: usize = 1000;

/// A numbered part of a report. All text in it is safe in a line of plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportEntry {
    pub title: String,
    /// Where it stands on the page and when it is needed.
    pub place: Vec<String>,
    pub address: Option<ShownAddress>,
    pub facts: Vec<EntryFact>,
    /// What its page offers, and where the reader finds that; empty where nothing serves such pages.
    pub offer: &'static str,
    pub action: Option<String>,
    /// The links it tells of; none for a point about the page.
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
    /// Printed, but no reader should be sent there.
    Unlinked(String),
    /// Too long to print; says so.
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

    /// Mail programs make a link of any address that they find in a text.
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

/// The entries of a section, hosts that fail as one together.
pub fn entries(night: &CourseFacts, heading: SectionHeading, items: &[&LinkFacts]) -> Vec<ReportEntry> {
    let mut groups: Vec<Vec<&LinkFacts>> = Vec::new();
    let mut of_host: HashMap<(&str, Reason), usize> = HashMap::new();
    let whole_hosts = hosts_failing_alike(night);
    for item in items {
        let fate = item.verdict.state.reason().map(|reason| (item.link.host(), reason));
        // What has an answer of its own is not lost in a group.
        let is_own_case = item.replacement.is_some() || item.lapsed.is_some();
        let fate = fate.filter(|_| !is_own_case);
        let fate =
            fate.filter(|fate| heading == SectionHeading::NotAnswering || whole_hosts.contains_key(fate));
        if let Some(group) = fate.and_then(|fate| of_host.get(&fate)).and_then(|at| groups.get_mut(*at)) {
            group.push(item);
        } else {
            of_host.extend(fate.map(|fate| (fate, groups.len())));
            groups.push(vec![item]);
        }
    }
    let one_by_one = |group: Vec<&LinkFacts>| -> Vec<ReportEntry> {
        match group.as_slice() {
            several if several.len() >= ALIKE_LINKS || heading == SectionHeading::NotAnswering => {
                several.first().map(|first| host_entry(night, heading, first, several)).into_iter().collect()
            }
            few => few.iter().map(|item| link_entry(night, heading, item)).collect(),
        }
    };
    groups.into_iter().flat_map(one_by_one).collect()
}

/// Hosts of which most links share a reason not to open.
fn hosts_failing_alike(night: &CourseFacts) -> HashMap<(&str, Reason), usize> {
    let mut all: HashMap<&str, usize> = HashMap::new();
    let mut alike: HashMap<(&str, Reason), usize> = HashMap::new();
    for item in &night.items {
        *all.entry(item.link.host()).or_default() += 1;
        match &item.verdict.state {
            State::Ok | State::Moved { .. } | State::Changed { .. } => {}
            State::Restricted { reason }
            | State::Unverifiable { reason }
            | State::Failing { reason, .. }
            | State::Dead { reason } => *alike.entry((item.link.host(), *reason)).or_default() += 1,
        }
    }
    alike.retain(|(host, _), n| {
        *n >= ALIKE_LINKS && *n * 100 >= all.get(host).copied().unwrap_or_default() * ALIKE_PERCENT
    });
    alike
}

/// The links that share a fate, as a report tells them; `None` for no link.
pub fn of_links(night: &CourseFacts, items: &[&LinkFacts]) -> Option<ReportEntry> {
    match items {
        [] => None,
        [only] => Some(link_entry(night, SectionHeading::NeedsYou, only)),
        [first, ..] => Some(host_entry(night, SectionHeading::NeedsYou, first, items)),
    }
}

fn link_entry(night: &CourseFacts, heading: SectionHeading, item: &LinkFacts) -> ReportEntry {
    let lead = lead(night, item);
    let name = words::name(item, lead);
    let title = words::kind(item, lead).map_or_else(|| name.clone(), |kind| format!("{name} ({kind})"));
    let mut place: Vec<String> = lead.and_then(|lead| words::where_needed(night, lead)).into_iter().collect();
    if let Some(lead) = lead {
        place.push(format!("Source: {}", words::source(night, item, lead)));
    }
    let address = ShownAddress::of(&item.link);
    ReportEntry {
        title,
        place,
        address: Some(if words::is_shunned(item) { address.unlinked() } else { address }),
        facts: facts(night, heading, item),
        offer: words::offer(night, item),
        action: None,
        links: vec![LinkId::of(&item.link)],
        due: due(night, item),
    }
}

fn facts(night: &CourseFacts, heading: SectionHeading, item: &LinkFacts) -> Vec<EntryFact> {
    let kind = lead(night, item).map(|mention| mention.kind);
    let mut facts = Vec::new();
    match &item.verdict.state {
        State::Ok => {}
        State::Moved { to } => facts.push(EntryFact::leading_to("Now at", to)),
        State::Changed { change, .. } => {
            facts.push(EntryFact::new("What changed", words::what_changed(night, item, change)));
            if let Some((before, after)) = &item.versions {
                facts.push(EntryFact::new("Our copies", words::both_copies(night, before, after)));
            }
        }
        State::Unverifiable { .. } => {
            facts.push(EntryFact::new("What happened", words::what_happened(night, item)));
        }
        State::Restricted { reason } | State::Failing { reason, .. } | State::Dead { reason } => {
            facts.push(EntryFact::new("What happened", words::what_happened(night, item)));
            let leads_elsewhere = matches!(reason, Reason::FrontPage | Reason::OtherPage);
            if let Some(elsewhere) = item.ended_at.as_ref().filter(|_| leads_elsewhere) {
                facts.push(EntryFact::leading_to("Now leads to", elsewhere));
            }
            facts.push(EntryFact::new("Our copy", words::our_copy(night, item, kind)));
            if let Some(found) = &item.replacement {
                let label = if found.is_verified() { "Best replacement" } else { "Possible replacement" };
                let text = wording::replacement::told(night, found);
                facts.push(EntryFact { label, text, address: Some(ShownAddress::of(&found.address)) });
            }
        }
    }
    if let Some(lapsed) = &item.lapsed {
        facts.push(EntryFact::new("Decided before", decision::lapsed(night, item, lapsed)));
    }
    if matches!(item.verdict.state, State::Ok | State::Moved { .. } | State::Changed { .. }) {
        facts.extend(item.notes.iter().map(|note| EntryFact::new("Worth a look", wording::note(note))));
    }
    let spots =
        night.patch.as_ref().and_then(|patch| patch.spots.iter().find(|(link, _)| *link == item.link));
    facts.extend(spots.map(|(_, spots)| EntryFact::new("In the sources", words::in_the_source(spots))));
    let is_plain = matches!(item.verdict.state, State::Ok | State::Unverifiable { .. });
    let is_open = night.is_first && heading == SectionHeading::FoundNotWorking;
    if !is_plain && !is_open {
        facts.push(EntryFact::new("To do", words::to_do(night, item, is_own(night, item))));
    }
    facts
}

fn host_entry(
    night: &CourseFacts,
    heading: SectionHeading,
    first: &LinkFacts,
    items: &[&LinkFacts],
) -> ReportEntry {
    let next = items.iter().find_map(|item| due(night, item));
    let mut names: Vec<String> = items.iter().map(|item| words::name(item, lead(night, item))).collect();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let kept = items.iter().filter(|item| item.copy.is_some()).count();
    let coming = next.filter(|due| *due >= night.today);
    let mut place: Vec<String> = coming.map(|due| group::first_needed(night, due)).into_iter().collect();
    place.push(format!("Source: {}", group::lines(night, items)));
    let mut facts = vec![
        EntryFact::new("What happened", group::what_happened_to_all(night, items)),
        EntryFact::new("Links", format!("{}.", list(&names, NAMES_SHOWN))),
        EntryFact::new("Our copies", group::copies_of_group(kept, items.len())),
    ];
    facts.extend(group::to_do(night, heading, items).map(|text| EntryFact::new("To do", text)));
    ReportEntry {
        title: group::links_on_host(first, items.len()),
        place,
        address: None,
        facts,
        offer: words::offer(night, first),
        action: None,
        links: items.iter().map(|item| LinkId::of(&item.link)).collect(),
        due: next,
    }
}

/// The course page itself, where it gave trouble.
pub fn page_entry(night: &CourseFacts) -> Option<ReportEntry> {
    let trouble = night.told_trouble()?;
    let facts = vec![
        EntryFact::new("What happened", wording::page_trouble(trouble)),
        EntryFact::new("What we did", wording::LAST_GOOD_READING),
        EntryFact::new("To do", wording::page_to_do(trouble)),
    ];
    Some(point(wording::THE_COURSE_PAGE.to_owned(), facts))
}

/// Defects of the page that no earlier report told; many of a kind become one entry.
pub fn defect_entries(night: &CourseReport) -> Vec<ReportEntry> {
    let fresh: Vec<&PageDefect> =
        night.facts.defects.iter().filter(|defect| !is_known(night, defect)).collect();
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
            let lines = EntryFact::new("Where", format!("{}.", list(&lines, 2 * NAMES_SHOWN)));
            entries.push(point(wording::defects_alike(&first.defect, alike.len()), vec![lines]));
        } else {
            entries.extend(alike.iter().map(|defect| {
                let (title, text) = wording::defect(defect);
                point(title, vec![EntryFact::new("What is wrong", text)])
            }));
        }
    }
    entries.extend(omission_entries(night));
    entries
}

/// What the page has that is not read, and no earlier report said.
fn omission_entries(night: &CourseReport) -> impl Iterator<Item = ReportEntry> {
    // Lines shift with every edit, so an omission is known by its kind.
    let is_known = |found: &&PageOmission| {
        night.earlier.omissions.iter().any(|before| {
            before.page == found.page
                && std::mem::discriminant(&before.omission) == std::mem::discriminant(&found.omission)
        })
    };
    night.facts.omissions.iter().filter(move |found| !is_known(found)).map(|found| {
        let (title, text, to_do) = wording::omission::omission(found);
        point(title, vec![EntryFact::new("What is missing", text), EntryFact::new("To do", to_do.to_owned())])
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

/// Lines shift with every edit, so a defect is known by its words.
fn is_known(night: &CourseReport, found: &PageDefect) -> bool {
    let is_alike = |before: &Defect| match (before, &found.defect) {
        (Defect::EmptyLink { words: a, .. }, Defect::EmptyLink { words: b, .. })
        | (Defect::Malformed { written: a, .. }, Defect::Malformed { written: b, .. })
        | (Defect::MissingFile { written: a, .. }, Defect::MissingFile { written: b, .. })
        | (Defect::BrokenAnchor { anchor: a, .. }, Defect::BrokenAnchor { anchor: b, .. }) => a == b,
        (
            Defect::EmptyLink { .. }
            | Defect::Malformed { .. }
            | Defect::MissingFile { .. }
            | Defect::BrokenAnchor { .. },
            _,
        ) => false,
    };
    let is_there = |page: &Option<String>| page.is_none() || *page == found.page;
    night.earlier.defects.iter().any(|before| is_there(&before.page) && is_alike(&before.defect))
}
