//! The words for several links of a host with the same failure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::domain::evidence::Reason;
use crate::domain::report::figures::{count, day, list, number};
use crate::domain::report::placement::{SectionHeading, is_hostile, is_lapsed, is_own};
use crate::domain::report::wording::link::{host, local_day, source_file, what_happened};
use crate::domain::report::{CourseFacts, LinkFacts, wording};
use crate::domain::verdict::State;
use crate::domain::verdict::dead::nights_needed;

/// What happened to all links, with the first day if they failed on different days.
pub fn what_happened_to_all(course: &CourseFacts, group: &[&LinkFacts]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let of_first = what_happened(course, first);
    if group.iter().all(|link_facts| what_happened(course, link_facts) == of_first) {
        return of_first;
    }
    let Some(reason) = first.verdict.state.reason() else { return of_first };
    let status =
        first.status.filter(|status| group.iter().all(|link_facts| link_facts.status == Some(*status)));
    let seen = wording::reason(reason, status);
    match group.iter().map(|link_facts| link_facts.verdict.since).min() {
        Some(since) if !course.is_first => format!("{seen}, the first since {}.", local_day(course, since)),
        Some(_) | None => format!("{seen}."),
    }
}

/// What the instructor can do about all of them.
pub fn to_do(course: &CourseFacts, heading: SectionHeading, group: &[&LinkFacts]) -> Option<String> {
    let first = group.first()?;
    let are_covered = course.students_get_copies && group.iter().all(|link_facts| link_facts.is_covered);
    let words = match &first.verdict.state {
        State::Ok | State::Unverifiable { .. } => return None,
        State::Failing { .. } if course.is_first && heading == SectionHeading::FoundNotWorking => {
            return None;
        }
        State::Dead { .. } | State::Failing { .. } if is_own(course, first) => {
            "put the files back or correct the addresses."
        }
        State::Failing { reason, weight } if heading == SectionHeading::NotAnswering => {
            match nights_needed(*reason, *weight) {
                Some(_) => "nothing yet; it is reported as dead after 7 nights.",
                None => "check whether your own browser opens it.",
            }
        }
        State::Failing { reason: Reason::NoSuchHost, .. } => {
            "check the spelling of the host name. If it is right, look for other addresses of the readings."
        }
        State::Failing { .. } if is_lapsed(first) => {
            "look for other addresses of the readings, and do not open these: their domain has lapsed."
        }
        State::Failing { .. } => "try one of them in a browser before class.",
        State::Dead { .. } | State::Changed { .. } if is_hostile(first) => {
            "take the links off the page: they lead readers to a site that their author does not own."
        }
        State::Dead { .. } if are_covered => {
            return Some(match group.iter().filter_map(|link_facts| link_facts.copy_opens_on).max() {
                Some(first) => {
                    format!("replace the links; students get our copies from {}.", day(first, course.today))
                }
                None => "replace the links; until then students get our copies.".to_owned(),
            });
        }
        State::Dead { .. } => "replace or remove the links.",
        State::Restricted { .. } => "check whether your students have access, or replace the links.",
        State::Moved { .. } => "put the new addresses on the page.",
        State::Changed { .. } => "check whether they are still the right readings.",
    };
    Some(words.to_owned())
}

/// The lines of a group, by page: "index.html lines 3, 5 and 2 more".
pub fn lines(course: &CourseFacts, group: &[&LinkFacts]) -> String {
    let mut pages: BTreeMap<Option<&String>, BTreeSet<u32>> = BTreeMap::new();
    for mention in group.iter().flat_map(|link_facts| &link_facts.mentions) {
        pages.entry(mention.page.as_ref()).or_default().insert(mention.line);
    }
    let of_page = |(page, lines): (Option<&String>, BTreeSet<u32>)| {
        let file = match page {
            Some(page) => wording::file_of(page).map_or_else(String::new, |file| format!("{file} ")),
            None => source_file(course),
        };
        let word = if lines.len() == 1 { "line" } else { "lines" };
        let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
        format!("{file}{word} {}", list(&lines, 10))
    };
    let pages: Vec<String> = pages.into_iter().map(of_page).collect();
    list(&pages, 4)
}

/// "5 links on cs.example.edu".
pub fn links_on_host(first: &LinkFacts, n: usize) -> String {
    format!("{} on {}", count(n, "link"), host(first))
}

/// "4 of 5 kept."
pub fn copies_of_group(kept: usize, of: usize) -> String {
    match (kept, of) {
        (0, _) => "none.".to_owned(),
        (1, 1) => "kept.".to_owned(),
        (kept, of) if kept == of => format!("kept of all {}.", number(of as u64)),
        (kept, of) => format!("kept of {} of the {}.", number(kept as u64), number(of as u64)),
    }
}

/// When the first link of a group is due.
pub fn first_needed(course: &CourseFacts, due: Date) -> String {
    format!("First needed {}", day(due, course.today))
}
