//! Fixtures of the report tests. Each submodule tests one subject.

use crate::domain::address::Address;
use crate::domain::capture::{Capture, CaptureReason, Digest, Verified};
use crate::domain::course::PageSource;
use crate::domain::decision::{Choice, Decision, Gist, Until};
use crate::domain::document::Fingerprint;
use crate::domain::evidence::comparison::ComparedBy;
use crate::domain::evidence::{CriticalChange, Note, Reason, TextChange, Weight};
use crate::domain::link::{Kind, Mention, Target};
use crate::domain::page::LinkDefect;
use crate::domain::replacement::{Ground, Proof, Replacement};
use crate::domain::report::compose::compose;
use crate::domain::report::placement::SectionHeading;
use crate::domain::report::section::MAX_ENTRIES;
use crate::domain::report::*;
use crate::domain::verdict::{State, Verdict};
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use proptest::prelude::*;

mod layout;
mod entries;
mod news;
mod revisits;
mod copies;
mod decisions;
mod foreign_text;
mod json_output;
mod stored;

/// Monday 5 Oct 2026, 02:14 on the east coast of North America.
fn tonight() -> Timestamp {
    "2026-10-05T06:14:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    tonight() - (24 * days).hours()
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A link for a test: tonight's facts, and what earlier reports said of it.
#[derive(Clone, Debug)]
pub(crate) struct TestLink {
    pub facts: LinkFacts,
    pub earlier: EarlierLink,
}

impl std::ops::Deref for TestLink {
    type Target = LinkFacts;

    fn deref(&self) -> &LinkFacts {
        &self.facts
    }
}

impl std::ops::DerefMut for TestLink {
    fn deref_mut(&mut self) -> &mut LinkFacts {
        &mut self.facts
    }
}

pub(crate) fn with(mut report: CourseReport, change: impl FnOnce(&mut CourseReport)) -> CourseReport {
    change(&mut report);
    report
}

pub(crate) fn link_with(mut link: TestLink, change: impl FnOnce(&mut TestLink)) -> TestLink {
    change(&mut link);
    link
}

impl CourseReport {
    pub(crate) fn add(&mut self, link: TestLink) {
        self.earlier.links.insert(link.facts.link.clone(), link.earlier);
        self.facts.links.push(link.facts);
    }

    pub(crate) fn extend(&mut self, links: impl IntoIterator<Item = TestLink>) {
        for link in links {
            self.add(link);
        }
    }

    pub(crate) fn set_links(&mut self, links: Vec<TestLink>) {
        self.facts.links.clear();
        self.extend(links);
    }
}

pub(crate) fn report(links: Vec<TestLink>) -> CourseReport {
    let facts = CourseFacts {
        course: "dgm".parse().unwrap(),
        title: "Deep Generative Models".into(),
        pages: vec![PageSource::Web(address("https://courses.example.edu/dgm/index.html"))],
        time_zone: TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(),
        today: date(2026, 10, 5),
        started: tonight(),
        finished: tonight() + 17.minutes(),
        is_first: false,
        void: None,
        links: vec![],
        defects: vec![],
        omissions: vec![],
        page_problem: None,
        page_problem_nights: 0,
        page_never_read: false,
        patch: None,
        students_get_copies: false,
        requests: 1240,
        bytes: 312_400_000,
    };
    let mut report = CourseReport { facts, earlier: EarlierReports::default(), kind: ReportKind::default() };
    report.set_links(links);
    report
}

fn mention(words: &str, link: &str) -> Mention {
    Mention {
        written: link.into(),
        target: Target::Web { address: address(link), fragment: None },
        words: words.into(),
        headings: ["Course Calendar".to_owned()].into(),
        row: String::new(),
        week: None,
        due_from: None,
        due: None,
        line: 112,
        kind: Kind::Paper,
        page: None,
    }
}

pub(crate) fn ok(words: &str, link: &str) -> TestLink {
    let facts = LinkFacts {
        link: address(link),
        mentions: vec![mention(words, link)],
        verdict: Verdict { state: State::Ok, since: days_ago(30), nights: 30 },
        status: Some(200),
        ended_at: None,
        last_ok: Some(tonight()),
        copy: None,
        verified: None,
        is_covered: false,
        copy_opens_on: None,
        opens_if_chosen: false,
        copy_pages: None,
        versions: None,
        replacement: None,
        notes: vec![],
        decision: None,
        lapsed: None,
        revisit: None,
    };
    TestLink { facts, earlier: EarlierLink { state: Some(State::Ok), ..EarlierLink::default() } }
}

pub(crate) fn at(mut of_week: TestLink, week: &str, due: Date, line: u32) -> TestLink {
    for mention in &mut of_week.mentions {
        mention.week = Some(week.into());
        mention.due = Some(due);
        mention.line = line;
    }
    of_week
}

pub(crate) fn in_state(link: TestLink, before: Option<State>, state: State, nights: u32) -> TestLink {
    let since = days_ago(i64::from(nights) - 1);
    let last_ok = Some(days_ago(i64::from(nights)));
    link_with(link, |link| {
        link.earlier.state = before;
        link.facts.last_ok = last_ok;
        link.facts.verdict = Verdict { state, since, nights };
    })
}

pub(crate) fn newly_dead(link: TestLink, reason: Reason, status: Option<u16>) -> TestLink {
    let before = State::Failing { reason, weight: Weight::Strong };
    link_with(in_state(link, Some(before), State::Dead { reason }, 3), |link| {
        link.facts.status = status;
    })
}

fn capture(link: &str, bytes: u64, days: i64) -> Capture {
    Capture {
        link: address(link),
        document: address(link),
        sha256: Digest::of(link.as_bytes()),
        sha1: "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ".into(),
        bytes,
        media_type: "application/pdf".into(),
        captured_at: days_ago(days),
        why: CaptureReason::First,
        head: None,
        content_disposition: None,
        chain: vec![address(link)],
        shortfall: None,
    }
}

pub(crate) fn kept(link: TestLink, pages: u32, bytes: u64) -> TestLink {
    let is_new = matches!(link.verdict.state, State::Changed { .. });
    let mut copy = capture(link.link.as_str(), bytes, if is_new { 1 } else { 23 });
    if !link.link.as_str().contains(".pdf") {
        copy.media_type = "text/html".into();
    }
    let versions = is_new.then(|| (capture(link.link.as_str(), 240_000, 60), copy.clone()));
    link_with(link, |link| {
        link.facts.copy = Some(copy);
        link.facts.copy_pages = Some(pages);
        link.facts.is_covered = true;
        link.facts.versions = versions;
    })
}

fn revision(
    similarity: f64,
    words_changed: u32,
    pages: Option<(u32, u32)>,
    section: Option<&str>,
) -> TextChange {
    TextChange {
        similarity,
        compared_by: ComparedBy::Text,
        words_changed,
        words_before: 9000,
        words_after: 9400,
        pages_before: pages.map(|pages| pages.0),
        pages_after: pages.map(|pages| pages.1),
        section: section.map(Into::into),
        alarm: None,
        seen_twice: false,
        is_noise: false,
        text: Fingerprint { version: 1, digest: Digest::of(b"new") },
    }
}

pub(crate) fn changed(link: TestLink, reason: Reason, change: TextChange) -> TestLink {
    in_state(link, Some(State::Ok), State::Changed { reason, change }, 2)
}

fn replaced(link: TestLink, by: &str, ground: Ground, proof: Proof) -> TestLink {
    let pages = link.copy_pages;
    let replacement = Replacement { address: address(by), ground, proof, pages, seen_at: tonight() };
    link_with(link, |link| {
        link.facts.replacement = Some(replacement);
    })
}

pub(crate) fn moved(link: TestLink, to: &str) -> TestLink {
    let to = address(to);
    link_with(in_state(link, Some(State::Ok), State::Moved { to: to.clone() }, 2), |link| {
        link.facts.ended_at = Some(to);
    })
}

pub(crate) fn dead() -> State {
    State::Dead { reason: Reason::NotFound }
}

fn three_dead() -> [TestLink; 3] {
    [
        at(
            newly_dead(
                ok("Congestion Avoidance and Control", "http://example.edu/~someone/papers/congavoid.pdf"),
                Reason::NotFound,
                Some(404),
            ),
            "Week 5",
            date(2026, 10, 6),
            112,
        ),
        at(
            kept(
                newly_dead(
                    ok("End-to-End Arguments in System Design", "https://old.example.org/e2e.pdf"),
                    Reason::NoSuchHost,
                    None,
                ),
                10,
                219_000,
            ),
            "Week 2",
            date(2026, 9, 15),
            88,
        ),
        kept(
            link_with(
                newly_dead(ok("", "https://lab.example.net/2019/notes.html"), Reason::FrontPage, Some(200)),
                |link| {
                    link.facts.ended_at = Some(address("https://lab.example.net/"));
                },
            ),
            3,
            41_000,
        ),
    ]
}

fn two_changed_one_moved_one_fixed() -> Vec<TestLink> {
    vec![
        at(
            kept(
                changed(
                    ok("QUIC: design notes", "https://quic.example/design.pdf"),
                    Reason::Revised,
                    revision(0.962, 338, Some((14, 16)), Some("Reverse diffusion")),
                ),
                16,
                260_000,
            ),
            "Week 7",
            date(2026, 10, 20),
            140,
        ),
        kept(
            changed(
                ok("What are Diffusion Models?", "https://blog.example/posts/diffusion/"),
                Reason::Revised,
                revision(0.88, 720, None, Some("Guidance")),
            ),
            1,
            80_000,
        ),
        moved(
            ok("Attention, visually", "http://site.example.io/attention/"),
            "https://new.example.com/attention/",
        ),
        in_state(
            ok("TCP Vegas", "https://vegas.example/v.pdf"),
            Some(State::Dead { reason: Reason::NotFound }),
            State::Ok,
            1,
        ),
    ]
}

fn back_to_top() -> LinkDefect {
    LinkDefect::BrokenAnchor { words: "Back to top".into(), anchor: "topp".into(), line: 12 }
}

fn of_the_page(defect: LinkDefect) -> PageDefect {
    PageDefect { page: None, defect }
}

/// One link of each state, and a page defect: as programs get them.
pub(crate) fn a_few_of_each() -> CourseReport {
    let mut report = three_dead_two_changed_one_moved();
    let mut seen = Vec::new();
    report.facts.links.retain(|link| {
        let is_new = !seen.contains(&link.verdict.state.name());
        seen.push(link.verdict.state.name());
        is_new
    });
    report.facts.defects.push(of_the_page(LinkDefect::EmptyLink { words: "Slides".into(), line: 40 }));
    report
}

pub(crate) fn three_dead_two_changed_one_moved() -> CourseReport {
    let mut items: Vec<TestLink> =
        (0..140).map(|i| kept(ok("A paper", &format!("https://h{i}.example/p.pdf")), 9, 90_000)).collect();
    let [congestion, end_to_end, notes] = three_dead();
    let archived = Ground::Memento("2026-09-12T08:00:00Z".parse().unwrap());
    let archive =
        "https://web.archive.org/web/20260912080000/http://example.edu/~someone/papers/congavoid.pdf";
    items.push(replaced(congestion, archive, archived, Proof::Words));
    let doi = Ground::Doi("10.1145/357401.357402".into());
    items.push(replaced(end_to_end, "https://doi.org/10.1145/357401.357402", doi, Proof::Title));
    items.push(notes);
    items.extend(two_changed_one_moved_one_fixed());
    for i in 0..3 {
        let link = ok("An old reading", &format!("https://gone{i}.example/old.pdf"));
        items.push(kept(in_state(link, Some(dead()), dead(), 36 + i), 5, 70_000));
    }
    for i in 0..4 {
        let reason = if i == 0 { Reason::TooLarge } else { Reason::Login };
        let link = ok("At the library", &format!("https://library{i}.example/1"));
        items.push(in_state(link, Some(State::Unverifiable { reason }), State::Unverifiable { reason }, 20));
    }
    report(items)
}

fn rendered(report: &CourseReport) -> String {
    let composed = compose(report);
    format!("Subject: {}\n\n{}", composed.subject, text::render(&composed))
}

fn decided(link: &LinkFacts, choice: Choice) -> Decision {
    let about = Gist::of(&link.verdict.state);
    Decision { choice, about, at: days_ago(7), by: None, decider: None, note: None }
}

pub(crate) fn as_decided(link: TestLink, choice: Choice) -> TestLink {
    link_with(link, |link| {
        link.facts.decision = Some(decided(link, choice));
    })
}
