//! The readings of a course, under the headings and dates of its own page.

use std::sync::Arc;

use jiff::civil::Date;

use crate::domain::link::{Mention, Target};
use crate::domain::policy::copy_access::Closed;
use crate::domain::report::figures::day;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::library::Library;
use crate::serve::library::availability::{self, Availability};
use crate::serve::library::copy_link::CopyLink;
use crate::serve::library::course::{CourseView, LinkView};

/// The readings under one heading.
#[derive(Clone, Debug)]
pub(in crate::serve) struct CourseSection {
    /// Empty for readings above the first heading.
    pub heading: String,
    pub groups: Vec<ReadingGroup>,
}

/// The readings of one week or class.
#[derive(Clone, Debug)]
pub(in crate::serve) struct ReadingGroup {
    /// "Week 5, Tue 6 Oct"; empty if the page gives neither.
    pub when: String,
    pub due: Option<Date>,
    /// Due for the next class.
    pub is_next: bool,
    /// The first group that is due for the next class.
    pub is_jump_target: bool,
    pub readings: Vec<ReadingRow>,
}

/// A mention of a link on the course page.
#[derive(Clone, Debug)]
pub(in crate::serve) struct ReadingRow {
    pub words: String,
    /// The rest of its row, if the link has few words.
    pub context: Option<String>,
    /// The address behind the words; `None` if nothing opens.
    pub href: Option<String>,
    pub opens_copy: bool,
    pub state: Option<&'static str>,
    pub is_gone: bool,
    /// The copy, if it opens.
    pub copy: Option<CopyLink>,
    /// A page with more information, if nothing opens.
    pub explanation: Option<ExplanationLink>,
}

#[derive(Clone, Debug)]
pub(in crate::serve) struct ExplanationLink {
    pub words: &'static str,
    pub href: String,
}

impl ReadingRow {
    /// Whether there is a second line.
    pub(in crate::serve) fn has_details(&self) -> bool {
        self.state.is_some() || self.copy.is_some() || self.explanation.is_some()
    }
}

/// The readings in the order of the page, filtered by the words of a query.
pub(in crate::serve) fn outline(
    library: &Library,
    visitor: &Visitor,
    course: &Arc<CourseView>,
    query: &str,
) -> Vec<CourseSection> {
    let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let common = common_headings(&course.mentions);
    let today = library.today_at(course);
    let next = course.mentions.iter().filter_map(|mention| mention.due).filter(|due| *due >= today).min();
    let mut sections: Vec<CourseSection> = Vec::new();
    for mention in course.mentions.iter().filter(|mention| matches(mention, &words)) {
        let link = mention.address().and_then(|address| course.link(visitor, address));
        let Some(reading) = link.map(|link| reading(library, &link, mention)) else { continue };
        let headings = mention.headings.iter().skip(common);
        let heading = headings.map(|heading| visible(heading)).collect::<Vec<_>>().join(" \u{203a} ");
        if sections.last().is_none_or(|section| section.heading != heading) {
            sections.push(CourseSection { heading, groups: Vec::new() });
        }
        let Some(section) = sections.last_mut() else { continue };
        let when = when(mention, today);
        if section.groups.last().is_none_or(|group| group.when != when) {
            let is_next = mention.due.is_some() && mention.due == next;
            let group =
                ReadingGroup { when, due: mention.due, is_next, is_jump_target: false, readings: Vec::new() };
            section.groups.push(group);
        }
        if let Some(group) = section.groups.last_mut() {
            group.readings.push(reading);
        }
    }
    let mut groups = sections.iter_mut().flat_map(|section| &mut section.groups);
    if let Some(target) = groups.find(|group| group.is_next) {
        target.is_jump_target = true;
    }
    sections
}

/// The number of headings that all mentions share. They repeat the title of the page.
fn common_headings(mentions: &[Mention]) -> usize {
    let Some(first) = mentions.first() else { return 0 };
    let shared = |other: &Mention| {
        first.headings.iter().zip(other.headings.iter()).take_while(|(a, b)| a == b).count()
    };
    mentions.iter().map(shared).min().unwrap_or(0)
}

/// Whether a mention contains every word.
fn matches(mention: &Mention, words: &[String]) -> bool {
    let address = mention.address().map_or("", |address| address.as_str());
    let week = mention.week.as_deref().unwrap_or("");
    let text = format!("{} {} {} {week} {address}", mention.words, mention.row, mention.headings.join(" "));
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn when(mention: &Mention, today: Date) -> String {
    let week = mention.week.as_deref().map(visible).filter(|week| !week.is_empty());
    let due = mention.due.map(|due| day(due, today));
    week.into_iter().chain(due).collect::<Vec<_>>().join(", ")
}

fn reading(library: &Library, link: &LinkView, mention: &Mention) -> ReadingRow {
    let link_facts = link.facts();
    let (words, context) = student::reading(link_facts, mention);
    let base = &library.settings.base_url;
    let copy = CopyLink::of(base, link);
    let availability = availability::availability(library, link);
    let href = match &availability {
        Availability::Original(address) if address == link_facts.link.as_str() => {
            Some(with_fragment(mention))
        }
        Availability::Original(address) => Some(address.clone()),
        Availability::Either(_) => Some(with_fragment(mention)),
        Availability::Copy(_) => copy.as_ref().map(|copy| copy.href.clone()),
        Availability::Closed(_) | Availability::Nothing => None,
    };
    let opens_copy = matches!(availability, Availability::Copy(_));
    ReadingRow {
        words,
        context,
        is_gone: opens_copy || href.is_none(),
        href,
        opens_copy,
        state: student::state_of(link_facts),
        copy: copy.filter(|_| library.may_open(link).is_ok()),
        explanation: explanation(library, link, &availability),
    }
}

/// An exported site has no service with more information.
fn explanation(library: &Library, link: &LinkView, availability: &Availability) -> Option<ExplanationLink> {
    let base = &library.settings.base_url;
    let go = || base.at(&format!("/go/{}", link.id()));
    match availability {
        Availability::Original(_) | Availability::Either(_) | Availability::Copy(_) => None,
        Availability::Closed(Closed::TakenDown) if base.is_static() => None,
        Availability::Closed(_) | Availability::Nothing if base.is_static() => {
            let href = availability::internet_archive_address(link)?;
            Some(ExplanationLink { words: student::ELSEWHERE, href })
        }
        Availability::Closed(_) => Some(ExplanationLink { words: student::WHY_CLOSED, href: go() }),
        Availability::Nothing => Some(ExplanationLink { words: student::ELSEWHERE, href: go() }),
    }
}

/// The address as the course page has it, with its fragment.
fn with_fragment(mention: &Mention) -> String {
    match &mention.target {
        Target::Web { address, fragment } => {
            let mut url = address.url().clone();
            url.set_fragment(fragment.as_deref());
            url.into()
        }
        Target::InPage(_) | Target::Nothing | Target::OtherScheme(_) | Target::Malformed(_) => String::new(),
    }
}
