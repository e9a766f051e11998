//! Links that are not visited every night, because their host has a crawl budget.

use super::*;

fn in_turns(link: TestLink, last_visit: Option<Timestamp>) -> TestLink {
    link_with(link, |link| link.revisit = Some(Revisit { last_visit, interval: 4 }))
}

/// A link that no night has visited.
fn waiting(n: usize) -> TestLink {
    let unchecked = State::Unverifiable { reason: Reason::NotChecked };
    let link = ok("Waiting", &format!("https://large.example/waiting/{n}"));
    in_turns(in_state(link, None, unchecked, 0), None)
}

fn joined(report: &CourseReport) -> String {
    rendered(report).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn links_that_wait_for_their_turn_are_counted_and_make_no_news() {
    let visited = in_turns(ok("Tonight", "https://large.example/tonight"), Some(tonight() + 1.minutes()));
    let before = in_turns(ok("Before", "https://large.example/before"), Some(days_ago(3)));
    let links = vec![visited, before, ok("Each night", "https://small.example/"), waiting(1), waiting(2)];
    for is_first in [false, true] {
        let report = with(report(links.clone()), |report| report.facts.is_first = is_first);
        let text = joined(&report);
        assert!(text.contains("2 of 3 links checked Mon 5 Oct"), "{text}");
        assert!(
            text.contains(
                "The others keep their last result until their next visit. 2 more links wait for \
                 their first visit. Each link of large.example is visited at least every 4 nights."
            ),
            "{text}"
        );
        assert!(!text.to_lowercase().contains("not check"), "{text}");
        assert_eq!(compose(&report).is_news, is_first);
    }
}

#[test]
fn an_entry_says_when_its_link_was_last_visited() {
    let gone = |link| newly_dead(link, Reason::NotFound, Some(404));
    let link = |n: usize| ok("Gone", &format!("https://large{n}.example/gone"));
    let before = in_turns(gone(link(1)), Some(days_ago(3)));
    let text = joined(&report(vec![before]));
    let last = "Last visit: Fri 2 Oct. Each link of large1.example is visited at least every 4 nights.";
    assert!(text.contains(last), "{text}");
    let visited = in_turns(gone(link(2)), Some(tonight() + 1.minutes()));
    assert!(!joined(&report(vec![visited])).contains("Last visit"));
}

#[test]
fn a_report_keeps_when_links_are_visited() {
    let report =
        report(vec![in_turns(ok("Before", "https://large.example/"), Some(days_ago(3))), waiting(1)]);
    let stored = serde_json::to_value(&report).unwrap();
    assert_eq!(serde_json::from_value::<CourseReport>(stored).unwrap(), report);
    let lines = wording::revisit::of_course(&report.facts);
    assert_eq!(
        lines,
        [
            "1 link waits for its first visit.",
            "Each link of large.example is visited at least every 4 nights."
        ]
    );
}
