//! The words of the administrator's overview of all courses.

use std::time::Duration;

use crate::domain::policy::night_plan::{HostLoad, NightBound, NightPlan};
use crate::domain::report::figures::{count, list, number, size};
use crate::domain::report::text;
use crate::domain::report::wording::revisit;

pub const TITLE: &str = "All courses";

/// The title and the sentence if the configuration opens the overview for no person.
pub const CLOSED: (&str, &str) = (
    "The overview is closed",
    "The person who runs this service opens it with the key admin in [pages] of the configuration.",
);

/// The columns of a host beside its figures, on a terminal.
const HOST_COLUMNS: usize = 61;

pub const NEVER_CHECKED: &str = "not checked yet";

/// What the pauses between requests to one host mean for a night of a usual length.
pub fn capacity(plan: &NightPlan, usual: Duration) -> Vec<String> {
    let too_slow: Vec<String> = plan
        .longer_than(usual)
        .map(|load| {
            format!(
                "{}. That is longer than a night. Ask the administrator of the host whether a shorter pause is fine, and set it in [fetch.delays].",
                host_load(load)
            )
        })
        .collect();
    let slowest = plan.hosts.first().filter(|_| too_slow.is_empty());
    let slowest = slowest.map(|load| format!("The slowest host is {}.", host_load(load)));
    too_slow.into_iter().chain(slowest).chain(revisit::hosts(plan.intervals())).collect()
}

/// A bulk interface that the configuration does not switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusedInterface {
    /// Its key in `[fetch.bulk_interfaces]`.
    pub key: &'static str,
    /// How many links of the slowest host it lists.
    pub links: usize,
}

/// The length of a night with its slowest hosts, `most` of them. `unread` are courses whose
/// links are not known yet.
pub fn plan(plan: &NightPlan, most: usize, unread: &[String], unused: Option<UnusedInterface>) -> String {
    let mut out = String::new();
    let Some((length, bound)) = plan.length() else {
        return "No web link is known yet. Run `onreserve check` first.\n".to_owned();
    };
    let why = match bound {
        NightBound::Host => format!("That is the time of the slowest host, {}.", host_load(&plan.hosts[0])),
        NightBound::HostsAtOnce => format!(
            "It would be shorter if more than {} hosts were visited at the same time ([fetch] hosts_at_once).",
            plan.hosts_at_once
        ),
    };
    let hosts = count(plan.hosts.iter().filter(|load| load.links > 0).count(), "host");
    let links = links(plan.links(), plan.all_links());
    let mut sentences = vec![format!("A night takes at least {}: {links} on {hosts}. {why}", span(length))];
    if plan.listed() > 0 {
        let more = count(plan.listed(), "more link");
        sentences.push(format!("Lists replace the visits of {more} while they stay unchanged."));
    }
    if let Some(UnusedInterface { key, links }) = unused {
        let links = count(links, "link");
        sentences.push(format!(
            "Lists can replace most visits of {links} of the slowest host: set {key} in [fetch.bulk_interfaces]."
        ));
    }
    out.push_str(&text::hanging("", &sentences.join(" ")));
    if !unread.is_empty() {
        let courses = list(unread, 8);
        out.push_str(&text::hanging("", &format!("Not checked yet, so not counted: {courses}.")));
    }
    out.push('\n');
    for load in plan.hosts.iter().take(most) {
        out.push_str(&host_lines(load));
    }
    if let Some(more) = plan.hosts.len().checked_sub(most).filter(|more| *more > 0) {
        out.push_str(&format!("and {}\n", count(more, "more host")));
    }
    out
}

/// A host with its time and its requests.
fn host_lines(load: &HostLoad) -> String {
    let turns = match load.interval {
        0 | 1 => String::new(),
        nights => format!(
            ": {} of {} a night, each at least every {nights} nights",
            number(load.links as u64),
            number(load.all_links as u64)
        ),
    };
    let host = text::shortened(&load.host, HOST_COLUMNS.saturating_sub(text::width(&turns)));
    let requests = number((load.links + load.lists) as u64);
    let mut lines = format!("{:>8}  {requests:>7}  {host}{turns}\n", span(load.time));
    let mut more = Vec::new();
    if load.listed > 0 {
        more.push(format!("lists replace the visits of {}", count(load.listed, "more link")));
    }
    if load.lists > 0 {
        more.push(count(load.lists, "list"));
    }
    for words in more {
        lines.push_str(&format!("{:>8}  {:>7}  {words}\n", "", ""));
    }
    lines
}

/// What a running check waits for, in a line of 80 columns:
/// "arxiv.org: 1 request per 3 s, 84 left, about 4 min".
pub fn wait(load: &HostLoad) -> String {
    let pause = if load.pause.subsec_millis() == 0 {
        format!("{} s", load.pause.as_secs())
    } else {
        format!("{:.1} s", load.pause.as_secs_f64())
    };
    let left = number(load.links as u64);
    let words = format!(": 1 request per {pause}, {left} left, about {}", span(load.time));
    let host = text::shortened(&load.host, text::TERMINAL_COLUMNS.saturating_sub(text::width(&words)));
    format!("{host}{words}")
}

fn host_load(load: &HostLoad) -> String {
    let lists = (load.lists > 0).then(|| count(load.lists, "list"));
    let links = (load.links > 0 || load.lists == 0).then(|| links(load.links, load.all_links));
    let requests: Vec<String> = links.into_iter().chain(lists).collect();
    format!("{}: {}, at least {}", load.host, list(&requests, 2), span(load.time))
}

/// "300 of 2,000 links", or "300 links" if a night visits them all.
fn links(visited: usize, all: usize) -> String {
    if visited == all {
        count(all, "link")
    } else {
        format!("{} of {}", number(visited as u64), count(all, "link"))
    }
}

/// "3 min", "about 7 h".
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// The archive: its captures, free space and damage.
pub fn storage(captures: u64, bytes: u64, free: u64) -> String {
    format!("{} captures, {}. {} of disk space is free.", number(captures), size(bytes), size(free))
}

pub fn lost(missing: u64, altered: u64) -> Option<String> {
    let total = missing + altered;
    let which: Vec<String> = [(missing, "missing"), (altered, "damaged")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", number(n)))
        .collect();
    (total > 0).then(|| {
        format!("Copies: {}. Run onreserve verify, which lists them and says what to do.", list(&which, 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(host: &str, links: usize, seconds: u64) -> HostLoad {
        HostLoad {
            host: host.to_owned(),
            links,
            all_links: links,
            listed: 0,
            lists: 0,
            interval: 1,
            pause: Duration::from_secs(2),
            time: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn a_wait_fits_a_line() {
        assert_eq!(wait(&load("arxiv.org", 84, 252)), "arxiv.org: 1 request per 2 s, 84 left, about 4 min");
        assert_eq!(text::width(&wait(&load(&"long.".repeat(40), 84, 252))), 80);
    }

    #[test]
    fn a_host_is_slow_only_if_it_takes_longer_than_a_night() {
        let of = |load: HostLoad| NightPlan { hosts: vec![load], hosts_at_once: 64 };
        let usual = Duration::from_hours(6);
        let fine = capacity(&of(load("a.example", 84, 252)), usual);
        assert_eq!(fine, ["The slowest host is a.example: 84 links, at least 4 min."]);
        let slow = capacity(&of(load("a.example", 900, 27_000)), usual);
        assert!(slow[0].contains("at least 7 h. That is longer than a night"), "{slow:?}");
    }

    #[test]
    fn a_plan_says_what_bounds_the_night() {
        let hosts = vec![load("arxiv.org", 84, 252), load("a.example", 1, 2), load("b.example", 1, 2)];
        let few = NightPlan { hosts, hosts_at_once: 64 };
        insta::assert_snapshot!(plan(&few, 2, &["dgm".to_owned()], None));
        let many = NightPlan { hosts: vec![load("a.example", 1, 2); 300], hosts_at_once: 4 };
        let text = plan(&many, 1, &[], None);
        assert!(text.starts_with("A night takes at least 2 min: 300 links on 300 hosts."), "{text}");
        assert!(
            text.replace('\n', " ")
                .contains("more than 4 hosts were visited at the same time ([fetch] hosts_at_once)."),
            "{text}"
        );
    }

    #[test]
    fn a_crawl_budget_is_in_the_plan() {
        let turns = HostLoad { all_links: 2000, interval: 4, ..load("arxiv.org", 500, 1500) };
        let plan_of = NightPlan { hosts: vec![turns, load("a.example", 1, 2)], hosts_at_once: 64 };
        let text = plan(&plan_of, 2, &[], None);
        let first = "A night takes at least 25 min: 501 of 2,001 links on 2 hosts.";
        assert!(text.starts_with(first), "{text}");
        let line = "  25 min      500  arxiv.org: 500 of 2,000 a night, each at least every 4 nights\n";
        assert!(text.contains(line), "{text}");
        assert!(text.lines().all(|line| text::width(line) <= text::TERMINAL_COLUMNS), "{text}");
        let lines = capacity(&plan_of, Duration::from_hours(6));
        assert_eq!(
            lines,
            [
                "The slowest host is arxiv.org: 500 of 2,000 links, at least 25 min.",
                "Each link of arxiv.org is visited at least every 4 nights."
            ]
        );
    }

    #[test]
    fn lists_are_in_the_plan() {
        let hosts = vec![
            HostLoad { listed: 1087, ..load("arxiv.org", 5, 15) },
            HostLoad { lists: 11, ..load("export.arxiv.org", 0, 11) },
            load("www.youtube.com", 4, 8),
        ];
        let unused = UnusedInterface { key: "youtube", links: 3 };
        let text = plan(&NightPlan { hosts, hosts_at_once: 64 }, 9, &[], Some(unused));
        assert!(text.lines().all(|line| text::width(line) <= text::TERMINAL_COLUMNS), "{text}");
        insta::assert_snapshot!(text);
        let lists = HostLoad { lists: 1, ..load("export.arxiv.org", 0, 3) };
        let lines = capacity(&NightPlan { hosts: vec![lists], hosts_at_once: 64 }, Duration::from_hours(6));
        assert_eq!(lines, ["The slowest host is export.arxiv.org: 1 list, at least 3 s."]);
    }

    #[test]
    fn lost_copies_are_counted() {
        assert_eq!(lost(0, 0), None);
        assert!(lost(2, 1).unwrap().starts_with("Copies: 2 missing and 1 damaged."));
    }
}
