//! Crawl budgets: a host that has one is asked for its links in turns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::process::Command;

use crate::fetch::site::{Reply, Then};
use crate::harness::{Harness, Night, PROGRAM, article, page_of};
use crate::service::Service;

const LINKS: usize = 24;
const BUDGET: usize = 8;

fn link(n: usize) -> String {
    format!("http://large.test/{n:02}")
}

/// A course page with the links of a large host, one of which is always missing, and one link of another host.
/// The sentinel fails on the nights in `down`.
async fn harness(down: &'static [u32]) -> Harness {
    let harness =
        Harness::start(["course.test", "large.test", "small.test", "sure.test"], move |night, seen| {
            match (&*seen.host, &*seen.target) {
                ("course.test", "/") => {
                    let mut links: Vec<String> = (0..LINKS).map(link).collect();
                    links.push("http://small.test/one".to_owned());
                    Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>()))
                }
                ("sure.test", "/") if down.contains(&night) => Reply::raw("", Then::Close),
                ("sure.test", "/") => Reply::page(&article("Sure")),
                ("large.test", "/03") => Reply::not_found(),
                ("large.test", "/") => Reply::page(&article("Welcome")),
                ("large.test", target) if target[1..].parse::<usize>().is_ok_and(|n| n < LINKS) => {
                    Reply::page(&article(&format!("The reading at http://large.test{target}")))
                }
                ("small.test", "/one") => Reply::page(&article("The reading at http://small.test/one")),
                _ => Reply::not_found(),
            }
        })
        .await;
    let path = harness.one_course();
    let text = std::fs::read_to_string(&path).unwrap();
    let keys = format!(
        "[fetch]\nsentinels = [\"http://sure.test/\"]\ncrawl_budgets = {{ \"large.test\" = {BUDGET} }}\n"
    );
    std::fs::write(path, text.replacen("[fetch]\n", &keys, 1)).unwrap();
    harness
}

/// Nights of a host, with the links for which the host was asked in each.
struct Nights {
    harness: Harness,
    seen: usize,
    asked: Vec<BTreeSet<usize>>,
}

impl Nights {
    async fn new(down: &'static [u32]) -> Self {
        Self { harness: harness(down).await, seen: 0, asked: Vec::new() }
    }

    async fn check(&mut self) -> Night {
        let night = u32::try_from(self.asked.len() + 1).unwrap();
        let result = self.harness.check(night).await;
        self.record();
        result
    }

    /// By the log of the site itself.
    fn record(&mut self) {
        let seen = self.harness.site.seen().split_off(self.seen);
        self.seen += seen.len();
        let asked = seen.iter().filter(|seen| seen.host == "large.test");
        let links = asked.filter_map(|seen| seen.target[1..].parse().ok()).filter(|n| *n < LINKS);
        self.asked.push(links.collect());
        let others = seen.iter().filter(|seen| seen.target == "/one").count();
        assert_eq!(others, 1, "a host without a budget is asked every night");
    }
}

#[tokio::test]
async fn the_links_of_a_host_with_a_budget_take_turns() {
    let mut nights = Nights::new(&[]).await;
    let mut intervals: Vec<usize> = Vec::new();
    let mut states: BTreeMap<usize, String> = BTreeMap::new();
    let mut confirmed = Vec::new();
    for night in 1..=12 {
        let result = nights.check().await;
        let asked = nights.asked.last().unwrap();
        assert_eq!(asked.len(), BUDGET, "night {night}: {asked:?}");
        let interval = result.link("/00")["revisit"]["nights"].as_u64().unwrap();
        intervals.push(usize::try_from(interval).unwrap());
        assert!(result.link("/one")["revisit"].is_null());
        for n in 0..LINKS {
            let ending = &link(n)[16..];
            let state = result.state(ending).to_owned();
            if !asked.contains(&n) {
                let before = states.get(&n).map_or("unverifiable", String::as_str);
                assert_eq!(state, before, "night {night}: {n} keeps its result");
            }
            states.insert(n, state);
        }
        if asked.contains(&3) {
            confirmed.push(result.state("/03").to_owned());
        }
        assert_eq!(result.code, if states[&3] == "dead" { 2 } else { 0 }, "{}", result.errors);
    }
    let first = nights.asked.iter().position(|asked| asked.contains(&3)).unwrap();
    assert!(nights.asked[first..first + 3].iter().all(|asked| asked.contains(&3)), "{:?}", nights.asked);
    assert_eq!(confirmed[..3], ["failing", "failing", "dead"]);
    for n in 0..LINKS {
        let mut since = 0;
        let visits = (0..12).filter(|night| nights.asked[*night].contains(&n));
        for visit in visits.chain([12]) {
            let longest = intervals[since..visit].iter().max().copied().unwrap_or(1);
            assert!(visit - since <= longest, "{n} waits longer than {longest}: {:?}", nights.asked);
            since = visit;
        }
    }
    assert_eq!((intervals[5], intervals[11]), (4, 3), "a dead link is visited every night for a week");
}

#[tokio::test]
async fn the_report_says_which_links_were_visited() {
    let mut nights = Nights::new(&[]).await;
    let first = nights.check().await;
    assert_eq!(first.link("/00")["revisit"]["last_visit"].as_str().map(|at| &at[..10]), Some("2026-09-14"));
    let waiting = first.links().iter().filter(|link| link["revisit"]["last_visit"].is_null()).count();
    assert_eq!(waiting, LINKS - BUDGET + 1, "and the link of the other host has no such key");
    let (code, report) = nights.harness.run(&["report", "c"]).await;
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 0, "{report}");
    assert!(report.contains("the 9 links on the page"), "{report}");
    assert!(report.contains("16 more links wait for their first visit."), "{report}");
    assert!(report.contains("Each link of large.test is visited at least every 3 nights."), "{report}");
    nights.check().await;
    let (_, report) = nights.harness.run(&["report", "c"]).await;
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(report.contains("9 of 15 links checked"), "{report}");
    assert!(!report.contains("could not be checked"), "{report}");
    let (code, explained) = nights.harness.run(&["explain", "http://large.test/01"]).await;
    let explained = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    let visits = "Visits: last on 2026-09-14; each link of large.test is visited at least every 7 nights";
    assert!(code == 0 && explained.contains(visits), "{explained}");
    let (code, explained) = nights.harness.run(&["explain", "http://large.test/20"]).await;
    assert!(code == 0 && explained.contains("not visited yet"), "{explained}");
    let (_, status) = nights.harness.run(&["status", "c"]).await;
    assert!(status.contains("(not visited yet)") && !status.contains("our side"), "{status}");
    let path = nights.harness.dir.path().join("onreserve.toml");
    let plan = Command::new(PROGRAM).arg("plan").arg("--config").arg(path).output().await.unwrap();
    let plan = String::from_utf8(plan.stdout).unwrap();
    assert!(plan.contains("8  large.test: 8 of 24 a night, each at least every 13 nights"), "{plan}");
}

#[tokio::test]
async fn links_of_a_void_night_are_first_in_the_next() {
    let mut nights = Nights::new(&[3]).await;
    for _ in 1..=2 {
        nights.check().await;
    }
    let void = nights.check().await;
    assert!(void.json["run"]["void"].is_object(), "{}", void.errors);
    nights.check().await;
    assert_eq!(nights.asked[3], nights.asked[2]);
}

#[tokio::test]
async fn a_check_for_ci_visits_all_links() {
    let mut nights = Nights::new(&[]).await;
    nights.check().await;
    nights.harness.checking(2).arg("--strict").output().await.unwrap();
    nights.record();
    assert_eq!(nights.asked[1].len(), LINKS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_a_person_requests_visits_all_links() {
    let mut nights = Nights::new(&[]).await;
    let service = Service::start(&nights.harness, "2026-09-14T14:00:00Z");
    service.says("waiting until").await;
    nights.record();
    let path = nights.harness.dir.path().join("onreserve.toml");
    let output = Command::new(PROGRAM).args(["check", "--config"]).arg(path).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    nights.record();
    service.stop().await;
    let (_, explained) = nights.harness.run(&["explain", "http://large.test/00"]).await;
    assert!(explained.contains("each link of large.test is visited"), "{explained}");
    assert_eq!(nights.asked.iter().map(BTreeSet::len).collect::<Vec<_>>(), [BUDGET, LINKS]);
}

#[tokio::test]
async fn links_that_a_host_did_not_answer_for_stay_first_in_line() {
    // The host stops us from the third link of each night on.
    let asked = Arc::new(Mutex::new(BTreeMap::<u32, BTreeSet<String>>::new()));
    let log = Arc::clone(&asked);
    let harness = Harness::start(["course.test", "large.test"], move |night, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                let links: Vec<String> = (0..9).map(link).collect();
                Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            ("large.test", "/robots.txt") => Reply::not_found(),
            ("large.test", target) => {
                let mut asked = log.lock().unwrap();
                let tonight = asked.entry(night).or_default();
                tonight.insert(target.to_owned());
                if tonight.len() > 2 {
                    Reply::new(429, "content-type: text/html", "<p>Later")
                } else {
                    Reply::page(&article(&format!("The reading at http://large.test{target}")))
                }
            }
            _ => Reply::not_found(),
        }
    })
    .await;
    let path = harness.one_course();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replacen("[fetch]\n", "[fetch]\ncrawl_budget = 5\n", 1)).unwrap();
    for night in 1..=3 {
        harness.check(night).await;
    }
    let asked: Vec<String> =
        asked.lock().unwrap().values().map(|asked| Vec::from_iter(asked.clone()).join(" ")).collect();
    // The host stopped us before 04 twice in a row, so the next night begins with the others.
    assert_eq!(asked, ["/00 /01 /02", "/02 /03 /04", "/05 /06 /07"]);
}
