//! The words about links that are not visited every night, because their host has a crawl budget.

use std::collections::BTreeMap;

use crate::domain::report::figures::{count, list, local_day, number};
use crate::domain::report::{CourseFacts, LinkFacts};

/// The hosts that are named; the rest is a number.
const HOSTS_SHOWN: usize = 3;

/// The state of a link that no night has visited.
pub const NOT_VISITED_YET: &str = "not visited yet";

/// "Each link of arxiv.org is visited at least every 4 nights."
pub fn interval(host: &str, nights: u32) -> String {
    format!("Each {}.", link_of(host, nights))
}

/// The same within a sentence.
pub fn clause(host: &str, nights: u32) -> String {
    format!("each {}", link_of(host, nights))
}

fn link_of(host: &str, nights: u32) -> String {
    match nights {
        0 | 1 => format!("link of {host} is visited every night"),
        nights => format!("link of {host} is visited at least every {nights} nights"),
    }
}

/// The last visit of a link that tonight did not visit.
pub fn last_visit(course: &CourseFacts, link_facts: &LinkFacts) -> Option<String> {
    let revisit = link_facts.revisit.filter(|_| link_facts.is_left_for_later(course.started))?;
    let last = revisit
        .last_visit
        .map_or_else(|| "none yet".to_owned(), |at| local_day(at, &course.time_zone, course.today));
    Some(format!("{last}. {}", interval(link_facts.link.host(), revisit.interval)))
}

/// How many links wait for their first visit, and how often the links of each host with a
/// crawl budget are visited, the longest interval first.
pub fn of_course(course: &CourseFacts) -> Vec<String> {
    let waiting = course.links.iter().filter(|link_facts| link_facts.awaits_first_visit()).count();
    let waiting = (waiting > 0).then(|| waiting_for_first_visit(waiting, ""));
    waiting.into_iter().chain(hosts(intervals(course))).collect()
}

/// How often the links of these hosts are visited, the longest interval first.
pub fn hosts<'a>(intervals: impl IntoIterator<Item = (&'a str, u32)>) -> Vec<String> {
    let mut hosts: Vec<(&str, u32)> = intervals.into_iter().collect();
    hosts.sort_by_key(|(host, nights)| (std::cmp::Reverse(*nights), *host));
    let more = hosts.split_off(hosts.len().min(HOSTS_SHOWN));
    let mut sentences: Vec<String> = hosts.into_iter().map(|(host, nights)| interval(host, nights)).collect();
    if let Some((_, nights)) = more.first() {
        sentences.push(interval(&count(more.len(), "more host"), *nights));
    }
    sentences
}

fn waiting_for_first_visit(links: usize, more: &str) -> String {
    match links {
        1 => format!("1 {more}link waits for its first visit."),
        links => format!("{} {more}links wait for their first visit.", number(links as u64)),
    }
}

/// Why tonight did not visit all links; empty if it did.
pub(super) fn left_for_later(course: &CourseFacts, left: usize, awaiting_first_visit: usize) -> Vec<String> {
    let mut sentences = Vec::new();
    if left > 0 {
        sentences.push("The others keep their last result until their next visit.".to_owned());
    }
    if awaiting_first_visit > 0 {
        sentences.push(waiting_for_first_visit(awaiting_first_visit, "more "));
    }
    if !sentences.is_empty() {
        sentences.push(list_of_intervals(course));
    }
    sentences
}

/// "Each link of arxiv.org and github.com is visited at least every 4 nights."
fn list_of_intervals(course: &CourseFacts) -> String {
    let intervals = intervals(course);
    if let (1, Some((host, nights))) = (intervals.len(), intervals.first_key_value()) {
        return interval(host, *nights);
    }
    let longest = intervals.values().copied().max().unwrap_or(1);
    let hosts: Vec<String> = intervals.into_keys().map(str::to_owned).collect();
    interval(&list(&hosts, HOSTS_SHOWN), longest)
}

fn intervals(course: &CourseFacts) -> BTreeMap<&str, u32> {
    let mut intervals = BTreeMap::new();
    for link_facts in &course.links {
        if let Some(revisit) = link_facts.revisit {
            intervals.insert(link_facts.link.host(), revisit.interval);
        }
    }
    intervals
}
