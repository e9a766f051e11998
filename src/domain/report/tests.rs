use crate::domain::evidence::comparison::ComparedBy;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::compose::compose;
use super::placement::SectionHeading;
use super::section::MAX_ENTRIES;
use super::*;
use crate::domain::address::Address;
use crate::domain::capture::{Capture, CaptureReason, Digest, Verified};
use crate::domain::course::PageSource;
use crate::domain::decision::{Choice, Decision, Gist, Until};
use crate::domain::document::Fingerprint;
use crate::domain::evidence::{CriticalChange, Note, Reason, TextChange, Weight};
use crate::domain::link::{Kind, Mention, Target};
use crate::domain::page::Defect;
use crate::domain::replacement::{Ground, Proof, Replacement};
use crate::domain::verdict::{State, Verdict};

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
        self.facts.items.push(link.facts);
    }

    pub(crate) fn extend(&mut self, links: impl IntoIterator<Item = TestLink>) {
        for link in links {
            self.add(link);
        }
    }

    pub(crate) fn set_items(&mut self, links: Vec<TestLink>) {
        self.facts.items.clear();
        self.extend(links);
    }
}

pub(crate) fn night(links: Vec<TestLink>) -> CourseReport {
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
        items: vec![],
        defects: vec![],
        omissions: vec![],
        page_trouble: None,
        page_trouble_nights: 0,
        patch: None,
        students_get_copies: false,
        requests: 1240,
        bytes: 312_400_000,
    };
    let mut report = CourseReport { facts, earlier: EarlierReports::default(), kind: ReportKind::default() };
    report.set_items(links);
    report
}

fn mention(words: &str, link: &str) -> Mention {
    Mention {
        written: link.into(),
        target: Target::Web { address: address(link), fragment: None },
        words: words.into(),
        headings: vec!["Course Calendar".into()],
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
        opens_if_chosen: false,
        copy_pages: None,
        versions: None,
        replacement: None,
        notes: vec![],
        decision: None,
        lapsed: None,
    };
    TestLink { facts, earlier: EarlierLink { state: Some(State::Ok), ..EarlierLink::default() } }
}

pub(crate) fn at(mut item: TestLink, week: &str, due: Date, line: u32) -> TestLink {
    for mention in &mut item.mentions {
        mention.week = Some(week.into());
        mention.due = Some(due);
        mention.line = line;
    }
    item
}

pub(crate) fn in_state(item: TestLink, before: Option<State>, state: State, nights: u32) -> TestLink {
    let since = days_ago(i64::from(nights) - 1);
    let last_ok = Some(days_ago(i64::from(nights)));
    link_with(item, |link| {
        link.earlier.state = before;
        link.facts.last_ok = last_ok;
        link.facts.verdict = Verdict { state, since, nights };
    })
}

pub(crate) fn newly_dead(item: TestLink, reason: Reason, status: Option<u16>) -> TestLink {
    let before = State::Failing { reason, weight: Weight::Strong };
    link_with(in_state(item, Some(before), State::Dead { reason }, 3), |link| {
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
        chain: vec![address(link)],
    }
}

pub(crate) fn kept(item: TestLink, pages: u32, bytes: u64) -> TestLink {
    let is_new = matches!(item.verdict.state, State::Changed { .. });
    let mut copy = capture(item.link.as_str(), bytes, if is_new { 1 } else { 23 });
    if !item.link.as_str().contains(".pdf") {
        copy.media_type = "text/html".into();
    }
    let versions = is_new.then(|| (capture(item.link.as_str(), 240_000, 60), copy.clone()));
    link_with(item, |link| {
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
        flickers: false,
        text: Fingerprint { version: 1, digest: Digest::of(b"new") },
    }
}

pub(crate) fn changed(item: TestLink, reason: Reason, change: TextChange) -> TestLink {
    in_state(item, Some(State::Ok), State::Changed { reason, change }, 2)
}

fn replaced(item: TestLink, by: &str, ground: Ground, proof: Proof) -> TestLink {
    let pages = item.copy_pages;
    let replacement = Replacement { address: address(by), ground, proof, pages, seen_at: tonight() };
    link_with(item, |link| {
        link.facts.replacement = Some(replacement);
    })
}

pub(crate) fn moved(item: TestLink, to: &str) -> TestLink {
    let to = address(to);
    link_with(in_state(item, Some(State::Ok), State::Moved { to: to.clone() }, 2), |link| {
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
                    Reason::Replaced,
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

fn back_to_top() -> Defect {
    Defect::BrokenAnchor { words: "Back to top".into(), anchor: "topp".into(), line: 12 }
}

fn of_the_page(defect: Defect) -> PageDefect {
    PageDefect { page: None, defect }
}

/// One link of each state, and a page defect: what programs are told.
pub(crate) fn a_few_of_each() -> CourseReport {
    let mut night = three_dead_two_changed_one_moved();
    let mut seen = Vec::new();
    night.facts.items.retain(|item| {
        let is_new = !seen.contains(&item.verdict.state.name());
        seen.push(item.verdict.state.name());
        is_new
    });
    night.facts.defects.push(of_the_page(Defect::EmptyLink { words: "Slides".into(), line: 40 }));
    night
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
        let item = ok("An old reading", &format!("https://gone{i}.example/old.pdf"));
        items.push(kept(in_state(item, Some(dead()), dead(), 36 + i), 5, 70_000));
    }
    for i in 0..4 {
        let reason = if i == 0 { Reason::TooLarge } else { Reason::Login };
        let item = ok("At the library", &format!("https://library{i}.example/1"));
        items.push(in_state(item, Some(State::Unverifiable { reason }), State::Unverifiable { reason }, 20));
    }
    night(items)
}

fn letter(night: &CourseReport) -> String {
    let digest = compose(night);
    format!("Subject: {}\n\n{}", digest.subject, text::letter(&digest))
}

#[test]
fn a_night_with_three_dead_two_changed_one_moved() {
    let night = three_dead_two_changed_one_moved();
    insta::assert_snapshot!("news", letter(&night));
    insta::assert_snapshot!("news_html", html::page(&compose(&night)).unwrap());
    insta::assert_snapshot!("news_terminal", summary::render(&night.facts, &compose(&night)));
}

#[test]
fn students_are_said_to_be_covered_only_where_they_are() {
    let night = with(three_dead_two_changed_one_moved(), |report| {
        report.facts.students_get_copies = true;
    });
    let text = letter(&night);
    assert!(
        text.replace('\n', " ").contains("Students already get our copies of 2 of the 3 newly dead."),
        "{text}"
    );
    assert!(text.contains("NEWLY DEAD, STUDENTS COVERED (2)"), "{text}");
    assert!(!letter(&three_dead_two_changed_one_moved()).contains("tudents already"));
}

#[test]
fn a_quiet_night() {
    let fine: Vec<TestLink> =
        (0..143).map(|i| kept(ok("A paper", &format!("https://h{i}.example/p.pdf")), 9, 90_000)).collect();
    let mut night = night(fine);
    let mut text = letter(&night);
    assert!(!compose(&night).is_news);
    night.facts.items.truncate(140);
    let mut troubled = three_dead_two_changed_one_moved();
    night.facts.items.extend(troubled.facts.items.drain(147..));
    night.earlier.links.extend(troubled.earlier.links);
    text.push_str("\n=======\n");
    text.push_str(&letter(&night));
    insta::assert_snapshot!("quiet", text);
}

fn first() -> CourseReport {
    let mut items: Vec<TestLink> =
        (0..150).map(|i| kept(ok("A paper", &format!("https://h{i}.example/p.pdf")), 9, 90_000)).collect();
    let own = |words: &str, file: &str| {
        let item = ok(words, &format!("https://courses.example.edu/dgm/{file}"));
        let state = State::Failing { reason: Reason::NotFound, weight: Weight::Strong };
        link_with(in_state(item, None, state, 1), |link| {
            link.facts.status = Some(404);
            link.facts.last_ok = None;
        })
    };
    let failing = |item: TestLink, reason, status, weight| {
        link_with(in_state(item, None, State::Failing { reason, weight }, 1), |link| {
            link.facts.status = status;
            link.facts.last_ok = None;
        })
    };
    let mut short = own("pdf", "papers/wavenet.pdf");
    if let Some(mention) = short.mentions.first_mut() {
        mention.row = "WaveNet: A Generative Model for Raw Audio (van den Oord et al., 2016) [pdf]".into();
    }
    items.extend([
        short,
        at(own("Slides: Autoencoders", "lecture4.pdf"), "Week 5", date(2026, 10, 7), 203),
        failing(ok("GAN lab", "https://ganlab.example/"), Reason::NotAnswering, None, Weight::Weak),
        at(
            failing(
                ok("VAE tutorial", "https://vae.example/t.pdf"),
                Reason::NotFound,
                Some(404),
                Weight::Strong,
            ),
            "Week 6",
            date(2026, 10, 12),
            210,
        ),
        in_state(
            ok("Deep learning", "https://journal.example/deep"),
            None,
            State::Restricted { reason: Reason::Paywall },
            1,
        ),
        in_state(
            ok("Sora explained", "https://news.example/sora"),
            None,
            State::Unverifiable { reason: Reason::BotWall },
            1,
        ),
    ]);
    for copy in items.iter_mut().filter_map(|item| item.copy.as_mut()) {
        copy.captured_at = tonight() + 3.minutes();
    }
    let forum = |i| ok("Question", &format!("https://forum.example/t/{i}"));
    items.extend((0..5).map(|i| failing(forum(i), Reason::ServerError, Some(503), Weight::Weak)));
    with(night(items), |report| {
        report.facts.is_first = true;
        report.facts.defects = vec![
            of_the_page(Defect::EmptyLink { words: "Notebook 3".into(), line: 96 }),
            of_the_page(back_to_top()),
        ];
    })
}

#[test]
fn the_first_night_is_a_baseline() {
    insta::assert_snapshot!("first", letter(&first()));
}

#[test]
fn a_void_night_is_one_sentence() {
    let void = Some(Void { failed: 120, links: 169, hosts: 34, sentinels: None });
    let night = with(first(), |report| {
        report.facts.void = void;
        report.facts.is_first = false;
    });
    insta::assert_snapshot!(letter(&night), @"
    Subject: [DGM] Links not checked on Mon 5 Oct

    No link was judged on Mon 5 Oct: 120 of 169 links on 34 hosts failed
    together, which points to our own network and not to the links.
    ");
}

#[test]
fn a_void_first_night_still_tells_what_answered() {
    let void = Some(Void { failed: 9, links: 11, hosts: 9, sentinels: None });
    let mut night = with(first(), |report| {
        report.facts.void = void;
        report.facts.defects = vec![];
    });
    night.facts.items = night.facts.items.drain(150..152).collect();
    let unchecked = State::Unverifiable { reason: Reason::NotChecked };
    let far = |i| in_state(ok("Far", &format!("https://far{i}.example/")), None, unchecked.clone(), 0);
    night.extend((0..9).map(far));
    insta::assert_snapshot!("void_first", letter(&night));
}

#[test]
fn a_course_named_by_its_page_keeps_the_address_whole() {
    let page = "https://courses.example.edu/dgm/index.html";
    assert_eq!(
        compose(&with(night(vec![]), |report| {
            report.facts.title = page.into();
        }))
        .title,
        page
    );
}

#[test]
fn trouble_with_the_page_comes_first() {
    let trouble = PageTrouble::Unreachable {
        page: "https://courses.example.edu/dgm/index.html".into(),
        why: Reason::ServerError,
        status: Some(503),
    };
    let mut night = with(night(vec![ok("A", "https://a.example/")]), |report| {
        report.facts.page_trouble = Some(trouble);
        report.facts.page_trouble_nights = 2;
    });
    let forum = |i| {
        let item = ok("Question", &format!("https://forum.example/t/{i}"));
        let state = State::Failing { reason: Reason::NotAnswering, weight: Weight::Weak };
        in_state(item, None, state, 3)
    };
    night.extend((0..4).map(forum));
    night.add(at(
        in_state(
            ok("VAE tutorial", "https://vae.example/t.pdf"),
            Some(State::Ok),
            State::Failing { reason: Reason::Soft404, weight: Weight::Inferred },
            1,
        ),
        "Week 6",
        date(2026, 10, 12),
        210,
    ));
    let wrong = ok("The proof", "https://notes.example/n.pdf");
    night.add(link_with(wrong, |link| {
        link.facts.notes = vec![Note::PageBeyondEnd { page: 31, pages: 12 }];
    }));
    insta::assert_snapshot!("trouble", letter(&night));
}

#[test]
fn hosts_that_fail_as_one_are_one_entry() {
    let dead =
        |i| newly_dead(ok("Notes", &format!("https://dead.example/{i}.pdf")), Reason::NoSuchHost, None);
    let mut night = night((0..12).map(dead).collect());
    let entries = |night: &CourseReport| {
        compose(night).sections.iter().map(|section| section.entries.len()).sum::<usize>()
    };
    assert_eq!(entries(&night), 1);
    night.extend((0..30).map(|i| ok("Notes", &format!("https://dead.example/ok/{i}.pdf"))));
    assert_eq!(entries(&night), 12, "most of the host still works");
}

#[test]
fn a_group_says_what_holds_for_all_and_leaves_out_what_has_an_answer() {
    let dead = |i| {
        newly_dead(
            ok(&format!("Notes {i}"), &format!("https://dead.example/{i}.pdf")),
            Reason::NoSuchHost,
            None,
        )
    };
    let mut items: Vec<TestLink> = (0..5).map(dead).collect();
    items[1].verdict.since = days_ago(9);
    let known = Ground::Arxiv("1706.03762".into());
    items.push(replaced(dead(5), "https://arxiv.org/abs/1706.03762", known, Proof::Title));
    let mut over =
        in_state(ok("Notes 6", "https://dead.example/6.pdf"), Some(dead_of_host()), dead_of_host(), 40);
    over.lapsed = Some(decided(&over, Choice::Snoozed(Until::Day(date(2026, 10, 5)))));
    items.push(over);
    let text = letter(&night(items));
    insta::assert_snapshot!("group", text);
}

#[test]
fn a_course_of_several_pages_says_which() {
    let on = |page: &str, line| PageDefect {
        page: Some(format!("https://courses.example.edu/dgm/{page}")),
        defect: Defect::EmptyLink { words: "Slides".into(), line },
    };
    let mut items: Vec<TestLink> = (0..3)
        .map(|i| newly_dead(ok("Notes", &format!("https://dead.example/{i}.pdf")), Reason::NoSuchHost, None))
        .collect();
    for (item, page) in items.iter_mut().zip(["week1.html", "week1.html", "week2.html"]) {
        for mention in &mut item.mentions {
            mention.page = Some(format!("https://courses.example.edu/dgm/{page}"));
        }
    }
    let several = with(night(items), |report| {
        report.facts.defects = vec![on("week1.html", 40), on("week2.html", 7)];
    });
    let text = letter(&several);
    assert!(text.contains("the link on line 7 of week2.html has no address."), "{text}");
    assert!(text.contains("Source: week1.html line 112 and week2.html line 112"), "{text}");
    let pages: Vec<_> =
        annotation::remarks(&several.facts).into_iter().filter_map(|remark| remark.page).collect();
    assert!(pages.iter().all(|page| page.contains("/dgm/week")) && pages.len() == 5, "{pages:?}");
    let moved = with(several.clone(), |report| {
        report.earlier.defects = vec![on("week3.html", 7)];
    });
    assert_eq!(entry::defect_entries(&moved).len(), 2, "on another page it is another one");
    let stored = serde_json::to_string(&several).unwrap();
    assert_eq!(serde_json::from_str::<CourseReport>(&stored).unwrap().facts.defects, several.facts.defects);
    let older: PageDefect = serde_json::from_str(r#"{"empty_link":{"words":"Slides","line":7}}"#).unwrap();
    let known = with(several, |report| {
        report.earlier.defects = vec![older];
    });
    assert!(entry::defect_entries(&known).is_empty(), "earlier versions did not say which page");
}

fn dead_of_host() -> State {
    State::Dead { reason: Reason::NoSuchHost }
}

#[test]
fn links_told_before_are_counted_with_the_new_ones() {
    let old = |i| in_state(ok("Old", &format!("https://old{i}.example/")), Some(dead()), dead(), 60);
    let again = in_state(ok("A month", "https://month.example/"), Some(dead()), dead(), 30);
    let mut night = with(night(vec![again, old(1), old(2)]), |report| {
        report.kind.is_weekly = true;
    });
    let text = letter(&night);
    assert!(text.contains("STILL DEAD (3)") && text.contains("2 more, the first since"), "{text}");
    assert!(text.contains("What earlier reports listed is still to do."), "{text}");
    night.facts.items.truncate(2);
    let text = letter(&night);
    assert!(text.contains("1 more, since Fri 7 Aug; no copy."), "{text}");
    let wall = State::Restricted { reason: Reason::Login };
    let known = in_state(ok("B", "https://b.example/"), Some(wall.clone()), wall, 30);
    let text = letter(&with(night, |report| {
        report.set_items(vec![known]);
    }));
    assert!(text.contains("\nASKS FOR AN ACCOUNT (1)"), "{text}");
}

#[test]
fn items_past_the_cap_have_no_number_and_a_place_where_they_are_told() {
    let mut digest = compose(&many(60, "A paper", "one.pdf"));
    digest.all_links = Some("https://reserve.example/c/dgm/health".into());
    let text = text::letter(&digest);
    assert!(text.contains("60 items need\nyou.") && !text.contains("Items 1 to 60"), "{text}");
    assert!(text.ends_with("All links and their state:\nhttps://reserve.example/c/dgm/health\n"), "{text}");
    assert!(
        html::page(&digest).unwrap().contains("<a href=\"https://reserve.example/c/dgm/health\">All links")
    );
}

#[test]
fn what_the_page_behind_an_entry_offers_is_what_its_words_say() {
    let night = with(three_dead_two_changed_one_moved(), |report| {
        report.facts.students_get_copies = true;
    });
    let of = |host: &str, state: Option<State>| {
        let item = night.facts.items.iter().find(|item| item.link.host() == host).unwrap().clone();
        let state = state.unwrap_or(item.verdict.state.clone());
        let item = LinkFacts {
            opens_if_chosen: item.copy.is_some(),
            verdict: Verdict { state, ..item.verdict.clone() },
            ..item
        };
        wording::item::offer(&night.facts, &item)
    };
    assert_eq!(of("old.example.org", None), "Stop reporting as dead, use our copy or snooze");
    assert_eq!(of("example.edu", None), "Stop reporting as dead or snooze");
    assert_eq!(of("site.example.io", None), "Mark as fine or snooze");
    assert_eq!(of("quic.example", None), "Compare the two versions, accept the new one or snooze");
    let shut = State::Restricted { reason: Reason::Login };
    assert_eq!(of("old.example.org", Some(shut)), "Mark as fine, use our copy or snooze");
}

#[test]
fn what_was_told_is_counted_not_told_again() {
    let dead = State::Dead { reason: Reason::NotFound };
    let mut item = in_state(ok("A", "https://a.example/"), Some(dead.clone()), dead.clone(), 9);
    let of = |item: &TestLink| compose(&night(vec![item.clone()]));
    assert!(!of(&item).is_news);
    assert_eq!(of(&item).entry_count(), 0);
    item.earlier.state = Some(State::Failing { reason: Reason::NotFound, weight: Weight::Strong });
    assert!(of(&item).is_news);
    item.earlier.state = Some(State::Dead { reason: Reason::Gone });
    assert!(!of(&item).is_news, "another reason is no other state");
}

#[test]
fn a_file_of_the_course_itself_needs_no_second_night() {
    let reason = Reason::NotFound;
    let failing = State::Failing { reason, weight: Weight::Strong };
    let of =
        |link: &str, before, state| compose(&night(vec![in_state(ok("A", link), Some(before), state, 1)]));
    let own = "https://courses.example.edu/dgm/slides/1.pdf";
    let first = of(own, State::Ok, failing.clone());
    assert_eq!(first.sections.first().map(|section| section.heading), Some(SectionHeading::NeedsYou));
    assert!(!of(own, failing.clone(), State::Dead { reason }).is_news, "told the night before");
    assert!(!of("https://courses.example.edu/other/1.pdf", State::Ok, failing).is_news);
}

#[test]
fn what_was_seen_of_a_missing_file_of_the_course_is_not_doubted() {
    let failing = State::Failing { reason: Reason::NotFound, weight: Weight::Strong };
    let own = ok("Lecture 4", "https://courses.example.edu/dgm/lecture4.pdf");
    let night = night(vec![in_state(own, Some(State::Ok), failing, 1)]);
    let text = letter(&night);
    assert!(text.starts_with("Subject: [DGM] 1 file of the course missing\n"), "{text}");
    assert!(text.contains("Of 1 link: 1 file of the course missing."), "{text}");
    assert!(!text.contains("not yet confirmed") && !text.contains("dead"), "{text}");
    let item = night.facts.items.first().unwrap();
    assert_eq!(wording::item::state(&night.facts, item), "missing");
    let told = wording::annotation::seen(&CourseFacts { pages: vec![], ..night.facts.clone() }, item);
    assert_eq!(told.matches("not yet confirmed").count(), 1, "a stranger's may come back: {told}");
    let skipped =
        wording::annotation::not_judged(&CourseFacts { pages: vec![], ..night.facts.clone() }, item);
    assert_eq!(skipped.matches("not yet confirmed").count(), 1, "{skipped}");
}

fn paywalled(words: &str) -> TestLink {
    in_state(
        ok(words, &format!("https://{words}.example/study.pdf")),
        Some(State::Ok),
        State::Restricted { reason: Reason::Paywall },
        3,
    )
}

#[test]
fn a_reading_behind_a_wall_needs_its_reader_unless_our_copy_is_open() {
    let shut = link_with(kept(paywalled("shut"), 9, 90_000), |link| {
        link.facts.is_covered = false;
        link.facts.opens_if_chosen = true;
    });
    let licensed = link_with(kept(paywalled("licensed"), 9, 90_000), |link| {
        link.facts.is_covered = false;
    });
    let open = kept(paywalled("open"), 9, 90_000);
    let soon = at(kept(paywalled("soon"), 9, 90_000), "Week 5", date(2026, 10, 8), 9);
    let night = with(night(vec![shut, licensed, open, soon]), |report| {
        report.facts.students_get_copies = true;
    });
    insta::assert_snapshot!("behind_a_wall", letter(&night));
}

#[test]
fn a_copy_that_stays_closed_is_neither_promised_nor_denied() {
    let dead = newly_dead(ok("The study", "https://press.example/study.pdf"), Reason::NotFound, Some(404));
    let closed = link_with(kept(dead, 9, 90_000), |link| {
        link.facts.is_covered = false;
    });
    let night = with(night(vec![closed.clone()]), |report| {
        report.facts.students_get_copies = true;
    });
    let text = letter(&night);
    assert!(text.contains("Students get no copy of it."), "{text}");
    assert!(!text.contains("We have no copy") && !text.contains("hand out"), "{text}");
    assert!(text.contains("To do: replace the link; our copy is not open to students."), "{text}");
    let first = letter(&with(night, |report| {
        report.facts.is_first = true;
    }));
    assert!(first.contains("Copies of 1 are kept, 0 of them ready for students."), "{first}");
}

#[test]
fn a_copy_is_told_with_its_last_verification() {
    let verified = |is_sound| Some(Verified { at: days_ago(1), is_sound });
    let mut night = three_dead_two_changed_one_moved();
    for item in &mut night.facts.items {
        item.verified = verified(true);
    }
    let told = |night: &CourseReport| letter(night).split_whitespace().collect::<Vec<_>>().join(" ");
    let text = told(&night);
    assert!(text.contains("Our copy: Sat 12 Sep, 10 pages, 219 KB, verified Sun 4 Oct."), "{text}");
    assert!(
        text.ends_with(
            "147 copies stored, none new. All 147 re-verified by their SHA-256, the earliest Sun 4 Oct."
        ),
        "{text}"
    );
    night
        .facts
        .items
        .iter_mut()
        .filter(|item| item.link.host() == "old.example.org")
        .for_each(|item| item.verified = verified(false));
    let text = told(&night);
    assert!(text.contains("219 KB, damaged when verified Sun 4 Oct."), "{text}");
    assert!(text.contains("146 of 147 re-verified") && text.contains("1 copy damaged"), "{text}");
}

/// Two places that strangers took over, one of them with a copy kept; and a paper that was retracted.
fn taken_over() -> CourseReport {
    let spam = TextChange { alarm: Some(CriticalChange::Tampered), ..revision(0.7, 210, None, None) };
    let tampered =
        kept(changed(ok("Lab handout", "https://lab.example.net/handout/"), Reason::Tampered, spam), 1, 9000);
    let parked = newly_dead(ok("A blog", "https://parked.example/x"), Reason::Parked, Some(200));
    let retraction =
        TextChange { alarm: Some(CriticalChange::Retracted), ..revision(0.9, 90, Some((9, 9)), None) };
    let retracted = kept(
        changed(ok("The study", "https://journal.example/study.pdf"), Reason::Retracted, retraction),
        9,
        90_000,
    );
    night(vec![kept(parked, 2, 8000), tampered, retracted, ok("A", "https://a.example/")])
}

#[test]
fn a_link_that_leads_to_a_stranger_needs_its_reader() {
    let text = letter(&taken_over());
    assert!(!text.contains("Nothing is urgent"), "{text}");
    insta::assert_snapshot!("taken_over", text);
    let mut known = taken_over();
    for item in &known.facts.items {
        known.earlier.links.entry(item.link.clone()).or_default().state = Some(item.verdict.state.clone());
    }
    assert!(!compose(&known).is_news, "told once");
}

fn decided(item: &LinkFacts, choice: Choice) -> Decision {
    let about = Gist::of(&item.verdict.state);
    Decision { choice, about, at: days_ago(7), by: None }
}

pub(crate) fn as_decided(item: TestLink, choice: Choice) -> TestLink {
    link_with(item, |link| {
        link.facts.decision = Some(decided(link, choice));
    })
}

#[test]
fn what_was_decided_is_counted_never_news() {
    let mut night = three_dead_two_changed_one_moved();
    for item in &mut night.facts.items {
        let choice = match item.verdict.state {
            State::Ok => continue,
            State::Dead { .. } => Choice::AcceptedDead,
            State::Moved { .. } => Choice::NotBroken,
            _ => Choice::Snoozed(Until::Day(date(2026, 10, 12))),
        };
        item.decision = Some(decided(item, choice));
    }
    night.facts.items.retain(|item| item.link.host() != "vegas.example");
    let text = letter(&night);
    insta::assert_snapshot!(text, @"
    Subject: [DGM] Nothing new on 153 links, Mon 5 Oct

    Nothing new on 153 links. Nothing to do.

    AS DECIDED (13)               6 accepted as dead, 1 not broken and
                                  6 snoozed.

    153 links checked Mon 5 Oct, 02:14-02:31 EDT. 147 copies stored, none
    new.
    ");
    assert!(!compose(&night).is_news);
    night.facts.is_first = true;
    assert_eq!(compose(&night).entry_count(), 0);
}

#[test]
fn what_was_decided_and_is_over_is_told_once_more() {
    let mut item = in_state(ok("A", "https://a.example/"), Some(dead()), dead(), 12);
    item.lapsed = Some(decided(&item, Choice::Snoozed(Until::Day(date(2026, 10, 5)))));
    let mut other = in_state(ok("B", "https://b.example/"), Some(dead()), dead(), 12);
    other.lapsed = Some(Decision { about: Gist::Ok, ..decided(&other, Choice::AcceptedDead) });
    let mut fine = in_state(ok("C", "https://c.example/"), Some(dead()), State::Ok, 1);
    fine.lapsed = Some(decided(&item, Choice::NotBroken));
    let night = night(vec![item, other, fine]);
    assert!(compose(&night).is_news);
    insta::assert_snapshot!(letter(&night), @r#"
    Subject: [DGM] 2 links to decide on again

    Of 3 links: 2 links to decide on again. Items 1 and 2 need you.

    NEEDS YOU (2)

    1. "A" (paper)
       Under "Course Calendar"
       Source: index.html line 112
       https://a.example/
       What happened: not found, 12 nights running since Thu 24 Sep; last
         worked Wed 23 Sep.
       Our copy: none.
       Decided before: snoozed until Mon 5 Oct; that time is over.
       To do: replace or remove the link.

    2. "B" (paper)
       Under "Course Calendar"
       Source: index.html line 112
       https://b.example/
       What happened: not found, 12 nights running since Thu 24 Sep; last
         worked Wed 23 Sep.
       Our copy: none.
       Decided before: accepted as dead, on Mon 28 Sep; the result has
         changed since.
       To do: replace or remove the link.

    3 links checked Mon 5 Oct, 02:14-02:31 EDT. No copies stored.
    "#);
}

fn hostile_words() -> &'static str {
    "</a><script>alert(1)</script> \u{202e}fdp\u{202c}\r\nBcc: all@evil.com\u{0}\u{1b}[31m visit https://evil.com now"
}

fn hostile() -> CourseReport {
    let link = "https://h.example/%3Cscript%3E?a=%22&b='x'";
    let mut item = newly_dead(ok(hostile_words(), link), Reason::NotFound, Some(404));
    for mention in &mut item.mentions {
        mention.headings = vec![hostile_words().into()];
        mention.week = Some(hostile_words().into());
    }
    let parked = newly_dead(ok("Blog", "https://parked.example/x"), Reason::Parked, Some(200));
    with(night(vec![item, parked]), |report| {
        report.facts.title = hostile_words().into();
        report.facts.defects = vec![of_the_page(Defect::Malformed {
            words: hostile_words().into(),
            written: "ht!tp:\u{200b}//<b>".into(),
            line: 3,
            why: "no\nhost".into(),
        })];
        report.facts.page_trouble =
            Some(PageTrouble::NotThePage { page: "index.html".into(), title: Some(hostile_words().into()) });
        report.facts.page_trouble_nights = 2;
    })
}

#[test]
fn hostile_words_do_no_harm() {
    insta::assert_snapshot!("hostile", letter(&hostile()));
    let html = html::page(&compose(&hostile())).unwrap();
    assert!(!html.contains("<script"));
    assert!(!html.contains("href=\"https://evil"));
    assert!(!html.contains("evil.com"));
    let text = letter(&hostile());
    assert!(!html.contains("://parked") && !text.contains("://parked"), "nobody is sent to a lapsed domain");
    assert!(!text.contains("parked.example"), "not by a mail program that links bare names either: {text}");
    insta::assert_snapshot!("hostile_html", html.split("<main>").nth(1).unwrap());
}

fn many(n: usize, words: &str, path: &str) -> CourseReport {
    let dead =
        |i| newly_dead(ok(words, &format!("https://h{i}.example/{path}")), Reason::NotFound, Some(404));
    night((0..n).map(dead).collect())
}

#[test]
fn a_letter_stays_short_at_any_number_of_items() {
    let night = many(500, "A paper with a title of ordinary length, all in all", "papers/2016/one.pdf");
    let digest = compose(&night);
    assert_eq!(digest.entry_count(), MAX_ENTRIES);
    assert!(text::letter(&digest).contains("And 460 more, not listed here."));
    let html = html::page(&digest).unwrap();
    assert!(html.len() < 40_000, "{}", html.len());
    let night = many(500, &"<&>".repeat(100), &"&".repeat(900));
    let html = html::page(&compose(&night)).unwrap();
    assert!(html.len() < html::LONGEST_BYTES, "{}", html.len());
    assert!(html.contains("not listed here"));
}

#[test]
fn json_is_the_contract() {
    let mut night = three_dead_two_changed_one_moved();
    night.facts.items.drain(..138);
    night.facts.items.drain(1..5);
    night.facts.items.truncate(3);
    let run = json::TotalsJson {
        id: "20261005T061400Z".into(),
        started: night.facts.started,
        finished: night.facts.finished,
        requests: night.facts.requests,
        bytes: night.facts.bytes,
        void: None,
    };
    let output = json::RunJson::new(run, [&night.facts], |digest| format!("archive/blobs/sha256/{digest}"));
    insta::assert_snapshot!("contract", serde_json::to_string_pretty(&output).unwrap());
}

fn any_reason() -> impl Strategy<Value = Reason> {
    prop::sample::select(vec![
        Reason::NotFound,
        Reason::NoSuchHost,
        Reason::Certificate,
        Reason::Parked,
        Reason::OtherPage,
        Reason::Login,
        Reason::InternalAddress,
    ])
}

fn any_state() -> impl Strategy<Value = State> {
    let change = (0.0..1.0, 0..5000u32, "\\PC{0,80}").prop_map(|(share, words, section)| State::Changed {
        reason: Reason::Revised,
        change: revision(share, words, Some((3, 5)), Some(&section)),
    });
    prop_oneof![
        Just(State::Ok),
        any_reason().prop_map(|reason| State::Dead { reason }),
        any_reason().prop_map(|reason| State::Failing { reason, weight: Weight::Weak }),
        any_reason().prop_map(|reason| State::Restricted { reason }),
        any_reason().prop_map(|reason| State::Unverifiable { reason }),
        Just(State::Moved { to: address("https://to.example/a") }),
        change,
    ]
}

/// Controls, direction marks and line breaks among ordinary words.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        '\r', '\n', '\0', '\u{1b}', '\u{85}', '\u{202e}', '\u{2067}', '\u{200b}', ' ',
    ]);
    let c = prop_oneof![any::<char>(), odd, "[a-z .:/@]".prop_map(|s| s.chars().next().unwrap_or(' '))];
    prop::collection::vec(c, 0..150).prop_map(String::from_iter)
}

fn any_item() -> impl Strategy<Value = TestLink> {
    let when = prop::option::of((-300..300i32).prop_map(|days| date(2026, 10, 5) + days.days()));
    (
        any_text(),
        any_text(),
        any_text(),
        any_state(),
        prop::option::of(any_state()),
        when,
        (0..4u32, 1..9u32, any::<bool>()),
    )
        .prop_map(|(words, heading, week, state, before, due, (host, nights, copy))| {
            let item = ok(&words, &format!("https://h{host}.example/{nights}/{}", words.len()));
            let mut item = in_state(item, before, state, nights);
            for mention in &mut item.mentions {
                mention.headings = vec![heading.clone()];
                mention.week = Some(week.clone());
                mention.row.clone_from(&heading);
                mention.due = due;
            }
            if copy { kept(item, 3, 4000) } else { item }
        })
}

fn is_unwanted(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_too_long_and_no_control_gets_through(
        items in prop::collection::vec(any_item(), 0..30), title in any_text(), is_first in any::<bool>(),
    ) {
        let night = with(night(items), |report| {report.facts.title = title;report.facts.is_first = is_first;});
        let digest = compose(&night);
        let text = text::letter(&digest);
        for line in text.lines() {
            prop_assert!(text::width(line) <= text::COLUMNS || line.trim_start().starts_with("https"), "{line}");
        }
        let html = html::page(&digest).unwrap();
        prop_assert!(!text.contains(is_unwanted) && !html.contains(is_unwanted));
        prop_assert!(!digest.subject.contains(is_unwanted) && digest.subject.len() <= 60, "{}", digest.subject);
        prop_assert_eq!(&digest, &compose(&night));
    }

    #[test]
    fn the_order_of_the_night_does_not_matter(items in prop::collection::vec(any_item(), 0..20), seed in any::<u64>()) {
        let mut seen = std::collections::BTreeSet::new();
        let items: Vec<TestLink> = items.into_iter().filter(|item| seen.insert(item.link.clone())).collect();
        let mut other = items.clone();
        let by = usize::try_from(seed % 7).unwrap_or_default().min(other.len());
        other.rotate_left(by);
        prop_assert_eq!(compose(&night(items)), compose(&night(other)));
    }
}

#[test]
fn a_short_name_is_told_with_its_row_but_not_with_its_date_again() {
    use super::wording::student::reading;
    let item = ok("pdf", "https://a.edu/1.pdf");
    let at = |words: &str, row: &str, due: Option<Date>| {
        let mention = Mention {
            words: words.into(),
            row: row.into(),
            week: Some("Week 5".into()),
            due,
            ..mention(words, "https://a.edu/1.pdf")
        };
        reading(&item, &mention).1
    };
    let due = Some(date(2026, 10, 13));
    assert_eq!(at("pdf", "5 Tue Oct 13 Flows: notes, pdf", due).unwrap(), "Flows: notes, pdf");
    assert_eq!(at("pdf", "Week 5, Tuesday, 13th October 2026: 5 flows, pdf", due).unwrap(), "flows, pdf");
    assert_eq!(at("pdf", "5 Tue Oct 13 pdf", due), None);
    assert_eq!(at("pdf", "5 flows, pdf", None).unwrap(), "5 flows, pdf");
    assert_eq!(at("A paper of its own", "5 Tue Oct 13 A paper of its own", due), None);
    let long = at("pdf", &"flows and scores ".repeat(20), due).unwrap();
    assert!(long.ends_with(" scores...") || long.ends_with(" and..."), "{long}");
}
