use proptest::prelude::*;

use super::*;
use crate::domain::capture::{Capture, CaptureReason, Digest};
use crate::domain::document::Fingerprint;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::evidence::{Reason, TextChange, Weight};

const FEED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title type="html">ArXiv Query: id_list=2006.11239</title>
  <id>http://arxiv.org/api/x</id>
  <updated>2026-09-14T00:00:00-04:00</updated>
  <entry>
    <id>http://arxiv.org/abs/2006.11239v2</id>
    <updated>2020-12-16T21:15:05Z</updated>
    <author><id>not the id of the work</id><updated>2026-01-01T00:00:00Z</updated></author>
  </entry>
  <entry><id>http://arxiv.org/abs/2006.11239v1</id><updated>2020-06-19T17:24:44Z</updated></entry>
  <entry><id>http://arxiv.org/abs/hep-th/9901001v3</id><updated>1999-05-01T00:00:00Z</updated></entry>
  <entry><id>http://arxiv.org/api/errors#incorrect_id</id><updated>2026-09-14T00:00:00Z</updated></entry>
</feed>"#;

fn work(id: &str) -> WorkId {
    WorkId(id.to_owned())
}

fn works(ids: &[&str]) -> BTreeSet<WorkId> {
    ids.iter().map(|id| work(id)).collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn links_to_a_work_name_it() {
    for (link, id) in [
        ("https://arxiv.org/abs/2006.11239", Some("2006.11239")),
        ("https://arxiv.org/pdf/2006.11239v2.pdf", Some("2006.11239v2")),
        ("https://www.arxiv.org/html/2405.00332v1", Some("2405.00332v1")),
        ("https://arxiv.org/abs/hep-th/9901001", Some("hep-th/9901001")),
        ("https://arxiv.org/abs/math.GT/0309136v1", Some("math.GT/0309136v1")),
        ("https://arxiv.org/list/cs.LG/recent", None),
        ("https://arxiv.org/abs/", None),
        ("https://arxiv.org/abs/2006.11239/extra", None),
        ("https://arxiv.org/abs/2006.11239,2006.11240", None),
        ("https://lab.edu/abs/2006.11239", None),
    ] {
        let found = BulkInterface::Arxiv.work_of(&Address::parse(link).unwrap());
        assert_eq!(found, id.map(work), "{link}");
    }
}

#[test]
fn the_known_work_of_each_interface_has_a_link() {
    for (interface, link) in [
        (BulkInterface::Arxiv, "https://arxiv.org/abs/1706.03762"),
        (BulkInterface::Youtube, "https://www.youtube.com/watch?v=jNQXAC9IVRw"),
        (BulkInterface::Github, "https://github.com/git/git"),
    ] {
        assert_eq!(interface.work_of(&Address::parse(link).unwrap()), Some(interface.known_work()));
    }
}

#[test]
fn one_request_names_all_works() {
    let interface = Address::parse("https://export.arxiv.org/api/query").unwrap();
    let list = BulkInterface::Arxiv.list_of(&interface, &works(&["2006.11239", "hep-th/9901001"])).unwrap();
    let query: Vec<(String, String)> = list.address.url().query_pairs().into_owned().collect();
    let expected = [("id_list", "2006.11239,hep-th/9901001"), ("max_results", "2")];
    assert_eq!(query, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[test]
fn a_list_gives_the_time_of_the_newest_version_and_nothing_of_other_works() {
    let sought = works(&["2006.11239", "2006.11239v1", "hep-th/9901001", "1312.6114"]);
    let listed = BulkInterface::Arxiv.read(FEED, &sought).unwrap();
    let expected = [
        (work("2006.11239"), ListedWork::Submitted(at("2020-12-16T21:15:05Z"))),
        (work("2006.11239v1"), ListedWork::Submitted(at("2020-06-19T17:24:44Z"))),
        (work("hep-th/9901001"), ListedWork::Submitted(at("1999-05-01T00:00:00Z"))),
    ];
    assert_eq!(listed, expected.into());
    for other in ["<html><body>Rate exceeded.</body></html>", "", "Rate exceeded."] {
        assert_eq!(BulkInterface::Arxiv.read(other, &sought), Err(NotAList), "{other}");
    }
}

fn link() -> Address {
    Address::parse("https://arxiv.org/abs/2006.11239").unwrap()
}

fn day(n: i64) -> Timestamp {
    at("2026-09-01T02:30:00Z") + SignedDuration::from_hours(24 * n)
}

fn night(n: i64, is_listed: bool, finding: Finding) -> Evidence {
    Evidence {
        at: day(n),
        status: Some(200),
        ended_at: None,
        finding,
        compared_by: None,
        notes: Vec::new(),
        seen: None,
        is_listed,
        listed_version: None,
    }
}

/// Tonight's evidence of an archived paper whose newest version was submitted then.
fn evidence(link: &Address, history: &LinkHistory, submitted: Timestamp, now: Timestamp) -> Option<Evidence> {
    let candidate = ListCandidate { interface: BulkInterface::Arxiv, link, kind: Kind::Paper, history };
    candidate.evidence(&ListedWork::Submitted(submitted), now)
}

const SAME: Finding = Finding::Healthy { drift: Drift::Same, moved_to: None };

fn history(evidence: Vec<Evidence>) -> LinkHistory {
    let kept = StoredCapture {
        capture: Capture {
            document: link(),
            chain: vec![link()],
            link: link(),
            sha256: Digest::of(b"paper"),
            sha1: String::new(),
            bytes: 1,
            media_type: String::new(),
            captured_at: day(0),
            why: CaptureReason::First,
            head: None,
            content_disposition: None,
            shortfall: None,
        },
        text: Fingerprint { version: 1, digest: Digest::of(b"text") },
        title: None,
        words: 9,
        pages: None,
        validators: None,
        is_baseline: true,
        requisites: Vec::new(),
        rendering: None,
        citation: None,
    };
    LinkHistory { evidence, baseline: Some(kept.clone()), last: Some(kept), is_taken_down: false }
}

#[test]
fn an_old_work_needs_no_visit_until_some_weeks_have_passed() {
    let mut known = history(vec![night(0, false, SAME)]);
    let mut days = 1;
    while let Some(evidence) = evidence(&link(), &known, day(-400), day(days)) {
        assert!(evidence.is_listed && evidence.finding == SAME);
        known.evidence.push(evidence);
        days += 1;
    }
    assert!(DAYS_BETWEEN_VISITS.contains(&days), "{days}");
    known.evidence.push(night(days, false, SAME));
    assert!(evidence(&link(), &known, day(-400), day(days + 1)).is_some(), "after a visit");
}

#[test]
fn not_all_links_are_due_in_one_night() {
    let link = |n: u32| Address::parse(&format!("https://arxiv.org/abs/2006.{n:05}")).unwrap();
    let days: BTreeSet<SignedDuration> = (0..200).map(|n| between_visits(&link(n))).collect();
    assert!(days.len() > 10, "{days:?}");
}

#[test]
fn a_new_version_and_whatever_a_person_may_act_on_are_visited() {
    let visited = history(vec![night(0, false, SAME)]);
    for days in [-29, 0, 1] {
        assert_eq!(evidence(&link(), &visited, day(days), day(1)), None, "submitted on day {days}");
    }
    assert!(evidence(&link(), &visited, day(-30), day(1)).is_some());
    let moved = Finding::Healthy { drift: Drift::Same, moved_to: Some(link()) };
    let gone = Finding::Gone { reason: Reason::NotFound, weight: Weight::Decisive };
    let not_compared = Finding::Healthy { drift: Drift::NotCompared, moved_to: None };
    for finding in [moved, gone, not_compared] {
        let known = history(vec![night(0, false, SAME), night(1, false, finding)]);
        assert_eq!(evidence(&link(), &known, day(-400), day(2)), None, "{known:?}");
    }
    let uncopied = LinkHistory { last: None, ..visited.clone() };
    let taken_down = LinkHistory { is_taken_down: true, ..visited.clone() };
    for known in [uncopied, taken_down, history(Vec::new()), history(vec![night(0, true, SAME)])] {
        assert_eq!(evidence(&link(), &known, day(-400), day(1)), None);
    }
}

fn version(n: u8) -> ListedVersion {
    ListedVersion::of(&[&n.to_string()])
}

/// A visit on this day, before which the list had this version.
fn visited(n: i64, listed: Option<u8>, drift: Drift) -> Evidence {
    let finding = Finding::Healthy { drift, moved_to: None };
    Evidence { listed_version: listed.map(version), ..night(n, false, finding) }
}

fn changed() -> Drift {
    Drift::Small(TextChange {
        similarity: 0.9,
        compared_by: ComparedBy::Text,
        words_changed: 3,
        words_before: 100,
        words_after: 100,
        pages_before: None,
        pages_after: None,
        section: None,
        alarm: None,
        seen_twice: true,
        is_noise: false,
        text: Fingerprint { version: 1, digest: Digest::of(b"new text") },
    })
}

/// Whether a list with this version replaces the visit of a file.
fn is_replaced(evidence: Vec<Evidence>, listed: u8, on: i64) -> bool {
    let link = Address::parse("https://github.com/o/r/blob/main/a.py").unwrap();
    let history = history(evidence);
    let interface = BulkInterface::Github;
    let candidate = ListCandidate { interface, link: &link, kind: Kind::Code, history: &history };
    candidate.evidence(&ListedWork::Version(version(listed)), day(on)).is_some_and(|it| it.is_listed)
}

#[test]
fn the_version_of_the_last_visit_needs_no_visit() {
    let first = || visited(0, Some(1), Drift::First);
    assert!(is_replaced(vec![first()], 1, 1));
    assert!(!is_replaced(vec![first()], 2, 1), "another version");
    assert!(!is_replaced(vec![visited(0, None, Drift::First)], 1, 1), "the list was not read then");
    assert!(is_replaced(vec![first(), visited(1, None, Drift::Same)], 1, 2), "a night without a list");
    let changed_since = vec![first(), visited(1, None, changed()), visited(2, None, Drift::Same)];
    assert!(!is_replaced(changed_since, 1, 3), "a change since the last list");
    assert!(!is_replaced(vec![first()], 1, 28), "a visit long ago");
}

#[test]
fn listed_versions_are_kept_from_night_to_night() {
    let mut known = history(vec![visited(0, Some(1), Drift::First)]);
    let link = Address::parse("https://github.com/o/r/blob/main/a.py").unwrap();
    for n in 1..=5 {
        let interface = BulkInterface::Github;
        let candidate = ListCandidate { interface, link: &link, kind: Kind::Code, history: &known };
        let evidence = candidate.evidence(&ListedWork::Version(version(1)), day(n)).unwrap();
        assert_eq!((evidence.listed_version.as_ref(), &evidence.finding), (Some(&version(1)), &SAME));
        known.evidence.push(evidence);
    }
}

#[test]
fn only_what_is_never_archived_needs_no_copy() {
    let uncopied = |drift| LinkHistory {
        evidence: vec![visited(0, Some(1), drift)],
        baseline: None,
        last: None,
        is_taken_down: false,
    };
    let (github, youtube) = (BulkInterface::Github, BulkInterface::Youtube);
    for (interface, link, kind, drift, expected) in [
        (youtube, "https://youtu.be/dQw4w9WgXcQ", Kind::Video, Drift::NotCompared, true),
        (youtube, "https://youtu.be/dQw4w9WgXcQ", Kind::Other, Drift::NotCompared, false),
        (github, "https://github.com/o/r", Kind::Code, Drift::First, true),
        (github, "https://github.com/o/r/tree/main/a", Kind::Code, Drift::First, true),
        (github, "https://github.com/o/r/blob/main/a.py", Kind::Code, Drift::First, true),
        (github, "https://github.com/o/r/blob/main/a.py", Kind::Slides, Drift::First, false),
        (github, "https://github.com/o/r/raw/main/a.zip", Kind::Code, Drift::First, false),
        (github, "https://github.com/o/r", Kind::Article, Drift::First, false),
    ] {
        let (address, history) = (Address::parse(link).unwrap(), uncopied(drift.clone()));
        let candidate = ListCandidate { interface, link: &address, kind, history: &history };
        let evidence = candidate.evidence(&ListedWork::Version(version(1)), day(1));
        let found = evidence.as_ref().map(|evidence| &evidence.finding);
        let same = Finding::Healthy { drift, moved_to: None };
        assert_eq!(found, expected.then_some(&same), "{link} {kind:?}");
        let taken_down = LinkHistory { is_taken_down: true, ..history.clone() };
        let candidate = ListCandidate { history: &taken_down, ..candidate };
        assert_eq!(candidate.evidence(&ListedWork::Version(version(1)), day(1)), None);
    }
}

proptest! {
    /// Any bytes may come from a host.
    #[test]
    fn every_response_is_read_or_refused(list in ".*", damage in 0..FEED.len()) {
        let sought = works(&["2006.11239"]);
        for interface in BulkInterface::ALL {
            let _ = interface.read(&list, &sought);
        }
        let cut: String = FEED.chars().take(damage).collect();
        if let Ok(listed) = BulkInterface::Arxiv.read(&cut, &sought) {
            for submitted in listed.values() {
                let known = [at("2020-12-16T21:15:05Z"), at("2020-06-19T17:24:44Z")];
                prop_assert!(known.map(ListedWork::Submitted).contains(submitted));
            }
        }
    }
}
