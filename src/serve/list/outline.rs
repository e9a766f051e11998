//! A course page as its own author ordered it: headings, weeks, readings.

use std::sync::Arc;

use jiff::civil::Date;

use crate::domain::link::{Mention, Target};
use crate::domain::policy::access::Closed;
use crate::domain::report::figures::day;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::desk::{Desk, Found, Shelf};
use crate::serve::offer::{self, Offer};
use crate::serve::visitor::Visitor;

/// Readings under one heading of the page.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Section {
    /// Empty for what stands before any heading.
    pub heading: String,
    pub groups: Vec<Group>,
}

/// Readings of one week or class.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Group {
    /// "Week 5, Tue 6 Oct"; empty where the page names neither.
    pub when: String,
    pub due: Option<Date>,
    /// The class that comes next.
    pub is_next: bool,
    /// The first group of that class, where a jump to it leads.
    pub is_goal: bool,
    pub readings: Vec<Reading>,
}

/// One link of the page, as a student meets it.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Reading {
    pub words: String,
    /// What else its row says, where its words are few.
    pub beside: Option<String>,
    /// Where its words lead; nowhere where nothing opens.
    pub leads_to: Option<String>,
    pub leads_to_copy: bool,
    pub state: Option<&'static str>,
    pub is_gone: bool,
    /// The copy beside a living original: its page and its measure.
    pub copy: Option<(String, String)>,
    /// What is told where nothing opens, and where.
    pub explained_at: Option<(&'static str, String)>,
}

impl Reading {
    /// Whether anything stands below its words.
    pub(in crate::serve) fn has_more(&self) -> bool {
        self.state.is_some() || self.copy.is_some() || self.explained_at.is_some()
    }
}

/// The page in its own order, only what fits `query`; every word of it must occur.
pub(in crate::serve) fn outline(
    desk: &Desk,
    visitor: &Visitor,
    shelf: &Arc<Shelf>,
    query: &str,
) -> Vec<Section> {
    let sought: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let roots = common_headings(&shelf.mentions);
    let today = desk.clock.now().to_zoned_datetime(shelf.time_zone().clone()).date();
    let next = shelf.mentions.iter().filter_map(|mention| mention.due).filter(|due| *due >= today).min();
    let mut sections: Vec<Section> = Vec::new();
    for mention in shelf.mentions.iter().filter(|mention| fits(mention, &sought)) {
        let found = mention.address().and_then(|link| shelf.found(visitor, link));
        let Some(reading) = found.map(|found| reading(desk, &found, mention)) else { continue };
        let own = mention.headings.get(roots..).unwrap_or_default();
        let heading = own.iter().map(|heading| visible(heading)).collect::<Vec<_>>().join(" \u{203a} ");
        if sections.last().is_none_or(|section| section.heading != heading) {
            sections.push(Section { heading, groups: Vec::new() });
        }
        let Some(section) = sections.last_mut() else { continue };
        let when = when(mention, today);
        if section.groups.last().is_none_or(|group| group.when != when) {
            let is_next = mention.due.is_some() && mention.due == next;
            let group = Group { when, due: mention.due, is_next, is_goal: false, readings: Vec::new() };
            section.groups.push(group);
        }
        if let Some(group) = section.groups.last_mut() {
            group.readings.push(reading);
        }
    }
    let mut groups = sections.iter_mut().flat_map(|section| &mut section.groups);
    if let Some(goal) = groups.find(|group| group.is_next) {
        goal.is_goal = true;
    }
    sections
}

/// How many headings stand above everything: the page's title, told already.
fn common_headings(mentions: &[Mention]) -> usize {
    let Some(first) = mentions.first() else { return 0 };
    let shared =
        |other: &Mention| first.headings.iter().zip(&other.headings).take_while(|(a, b)| a == b).count();
    mentions.iter().map(shared).min().unwrap_or_default()
}

fn fits(mention: &Mention, sought: &[String]) -> bool {
    let address = mention.address().map(ToString::to_string).unwrap_or_default();
    let week = mention.week.as_deref().unwrap_or_default();
    let text = format!("{} {} {} {week} {address}", mention.words, mention.row, mention.headings.join(" "));
    let text = text.to_lowercase();
    sought.iter().all(|word| text.contains(word))
}

fn when(mention: &Mention, today: Date) -> String {
    let week = mention.week.as_deref().map(visible).filter(|week| !week.is_empty());
    let due = mention.due.map(|due| day(due, today));
    week.into_iter().chain(due).collect::<Vec<_>>().join(", ")
}

fn reading(desk: &Desk, found: &Found, mention: &Mention) -> Reading {
    let item = found.item();
    let (words, beside) = student::reading(item, mention);
    let base = &desk.settings.base_url;
    let copy_page = || found.copy().map(|copy| base.copy(&copy.id()));
    let (leads_to, leads_to_copy, explained_at) = match offer::offer(desk, found) {
        Offer::Original(address) if address == item.link.as_str() => {
            (Some(with_fragment(mention)), false, None)
        }
        Offer::Original(address) => (Some(address), false, None),
        Offer::Doubtful { .. } => (Some(with_fragment(mention)), false, None),
        Offer::Copy(_) => (copy_page(), true, None),
        // Nobody stands behind a site of files to explain.
        Offer::Closed(Closed::TakenDown) if base.is_filed() => (None, false, None),
        Offer::Closed(_) | Offer::Nothing if base.is_filed() => {
            (None, false, Some((student::ELSEWHERE, offer::elsewhere(found))))
        }
        Offer::Closed(_) => {
            (None, false, Some((student::WHY_CLOSED, base.at(&format!("/go/{}", found.id())))))
        }
        Offer::Nothing => (None, false, Some((student::ELSEWHERE, base.at(&format!("/go/{}", found.id()))))),
    };
    let measure = || {
        let copy = found.copy()?;
        Some(student::measure(student::media(&copy.media_type, &copy.document), copy, item.copy_pages))
    };
    let opens_too = desk.may_open(found).is_ok();
    Reading {
        words,
        beside,
        is_gone: leads_to_copy || leads_to.is_none(),
        leads_to,
        leads_to_copy,
        state: student::state(&item.verdict.state),
        copy: copy_page().zip(measure()).filter(|_| opens_too),
        explained_at,
    }
}

/// The address as the author wrote it, with the place within the page.
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
