//! Entries of a report: groups, names, actions and the maximum.

use super::*;

#[test]
fn links_of_a_host_with_the_same_failure_are_one_entry() {
    let dead =
        |i| newly_dead(ok("Notes", &format!("https://dead.example/{i}.pdf")), Reason::NoSuchHost, None);
    let mut report = report((0..12).map(dead).collect());
    let entries = |report: &CourseReport| {
        compose(report).sections.iter().map(|section| section.entries.len()).sum::<usize>()
    };
    assert_eq!(entries(&report), 1);
    report.extend((0..30).map(|i| ok("Notes", &format!("https://dead.example/ok/{i}.pdf"))));
    assert_eq!(entries(&report), 12, "most of the host still works");
}

#[test]
fn a_group_excludes_links_with_a_replacement_or_a_lapsed_decision() {
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
    let text = rendered(&report(items));
    insta::assert_snapshot!("group", text);
}

#[test]
fn a_course_of_several_pages_says_which() {
    let on = |page: &str, line| PageDefect {
        page: Some(format!("https://courses.example.edu/dgm/{page}")),
        defect: LinkDefect::EmptyLink { words: "Slides".into(), line },
    };
    let mut items: Vec<TestLink> = (0..3)
        .map(|i| newly_dead(ok("Notes", &format!("https://dead.example/{i}.pdf")), Reason::NoSuchHost, None))
        .collect();
    for (link_facts, page) in items.iter_mut().zip(["week1.html", "week1.html", "week2.html"]) {
        for mention in &mut link_facts.mentions {
            mention.page = Some(format!("https://courses.example.edu/dgm/{page}"));
        }
    }
    let several = with(report(items), |report| {
        report.facts.defects = vec![on("week1.html", 40), on("week2.html", 7)];
    });
    let text = rendered(&several);
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
fn entries_beyond_the_maximum_are_counted_and_linked() {
    let mut composed = compose(&many(60, "A paper", "one.pdf"));
    composed.all_links = Some("https://reserve.example/c/dgm/health".into());
    let text = text::render(&composed);
    assert!(text.contains("60 items need\nyou.") && !text.contains("Items 1 to 60"), "{text}");
    assert!(text.ends_with("All links and their state:\nhttps://reserve.example/c/dgm/health\n"), "{text}");
    assert!(
        html::page(&composed).unwrap().contains("<a href=\"https://reserve.example/c/dgm/health\">All links")
    );
}

#[test]
fn the_words_of_an_entry_match_its_action_page() {
    let report = with(three_dead_two_changed_one_moved(), |report| {
        report.facts.students_get_copies = true;
    });
    let of = |host: &str, state: Option<State>| {
        let link_facts =
            report.facts.links.iter().find(|link_facts| link_facts.link.host() == host).unwrap().clone();
        let state = state.unwrap_or(link_facts.verdict.state.clone());
        let link_facts = LinkFacts {
            opens_if_chosen: link_facts.copy.is_some(),
            verdict: Verdict { state, ..link_facts.verdict.clone() },
            ..link_facts
        };
        wording::link::offer(&report.facts, &link_facts)
    };
    assert_eq!(
        of("old.example.org", None),
        "Stop reporting as dead, use our copy, snooze, or check again after a fix"
    );
    assert_eq!(of("example.edu", None), "Stop reporting as dead, snooze, or check again after a fix");
    assert_eq!(of("site.example.io", None), "Mark as fine, snooze, or check again after a fix");
    assert_eq!(of("quic.example", None), "Compare the two versions, accept the new one or snooze");
    let shut = State::Restricted { reason: Reason::Login };
    assert_eq!(
        of("old.example.org", Some(shut)),
        "Mark as fine, use our copy, snooze, or check again after a fix"
    );
}

fn many(n: usize, words: &str, path: &str) -> CourseReport {
    let dead =
        |i| newly_dead(ok(words, &format!("https://h{i}.example/{path}")), Reason::NotFound, Some(404));
    report((0..n).map(dead).collect())
}

#[test]
fn a_report_stays_short_with_any_number_of_links() {
    let report = many(500, "A paper with a title of ordinary length, all in all", "papers/2016/one.pdf");
    let composed = compose(&report);
    assert_eq!(composed.entry_count(), MAX_ENTRIES);
    assert!(text::render(&composed).contains("And 460 more, not listed here."));
    let html = html::page(&composed).unwrap();
    assert!(html.len() < 40_000, "{}", html.len());
    let report = many(500, &"<&>".repeat(100), &"&".repeat(900));
    let html = html::page(&compose(&report)).unwrap();
    assert!(html.len() < html::LONGEST_BYTES, "{}", html.len());
    assert!(html.contains("not listed here"));
}

#[test]
fn a_short_name_is_shown_with_its_row_without_the_date() {
    use crate::domain::report::wording::student::reading;
    let link_facts = ok("pdf", "https://a.edu/1.pdf");
    let at = |words: &str, row: &str, due: Option<Date>| {
        let mention = Mention {
            words: words.into(),
            row: row.into(),
            week: Some("Week 5".into()),
            due,
            ..mention(words, "https://a.edu/1.pdf")
        };
        reading(&link_facts, &mention).1
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
