//! What counts as news, and what earlier reports listed.

use super::*;

#[test]
fn a_subject_names_what_needs_a_person_and_counts_each_link_once() {
    let dead = |n: u32| newly_dead(ok("A", &format!("https://a{n}.example/")), Reason::NotFound, Some(404));
    let other = kept(
        changed(ok("B", "https://b.example/b.pdf"), Reason::Replaced, revision(0.0, 900, None, None)),
        2,
        9,
    );
    let subject = |links: Vec<TestLink>| compose(&report(links)).subject;
    assert_eq!(subject(vec![at(dead(1), "W", date(2026, 10, 6), 1)]), "[DGM] 1 new dead link, due Tue 6 Oct");
    let mixed = subject(vec![at(dead(1), "W", date(2026, 10, 6), 1), dead(2), other]);
    assert_eq!(mixed, "[DGM] 1 link replaced, 2 newly dead");
}

#[test]
fn every_link_that_waits_for_a_person_is_named() {
    let stands =
        |link: TestLink| link_with(link, |link| link.earlier.state = Some(link.facts.verdict.state.clone()));
    let links = vec![
        stands(moved(ok("Attention, visually", "https://a.example/"), "https://b.example/")),
        stands(in_state(ok("The study", "https://s.example/"), None, dead(), 9)),
        stands(kept(
            changed(ok("Notes", "https://n.example/"), Reason::Revised, revision(0.9, 9, None, None)),
            1,
            9,
        )),
    ];
    let composed = compose(&report(links));
    let waiting: Vec<&str> =
        composed.sections.iter().flat_map(|section| &section.waiting).map(|it| it.name.as_str()).collect();
    assert_eq!(waiting.len(), 3, "{waiting:?}");
    let text = text::render(&composed);
    for name in ["Attention, visually", "The study", "Notes"] {
        assert!(text.contains(&format!("   - \"{name}\"\n")), "{text}");
    }
}

#[test]
fn links_reported_before_are_counted_with_the_new_ones() {
    let old = |i| in_state(ok("Old", &format!("https://old{i}.example/")), Some(dead()), dead(), 60);
    let again = in_state(ok("A month", "https://month.example/"), Some(dead()), dead(), 30);
    let mut report = with(report(vec![again, old(1), old(2)]), |report| {
        report.kind.is_weekly = true;
    });
    let text = rendered(&report);
    assert!(text.contains("STILL DEAD (3)") && text.contains("2 more, the first since"), "{text}");
    assert!(text.contains("What earlier reports listed is still to do."), "{text}");
    report.facts.links.truncate(2);
    let text = rendered(&report);
    assert!(text.contains("1 more, since Fri 7 Aug; no copy."), "{text}");
    let wall = State::Restricted { reason: Reason::Login };
    let known = in_state(ok("B", "https://b.example/"), Some(wall.clone()), wall, 30);
    let text = rendered(&with(report, |report| {
        report.set_links(vec![known]);
    }));
    assert!(text.contains("\nASKS FOR AN ACCOUNT (1)"), "{text}");
}

#[test]
fn a_reported_link_is_counted_and_not_listed_again() {
    let dead = State::Dead { reason: Reason::NotFound };
    let mut link_facts = in_state(ok("A", "https://a.example/"), Some(dead.clone()), dead.clone(), 9);
    let of = |link_facts: &TestLink| compose(&report(vec![link_facts.clone()]));
    assert!(!of(&link_facts).is_news);
    assert_eq!(of(&link_facts).entry_count(), 0);
    link_facts.earlier.state = Some(State::Failing { reason: Reason::NotFound, weight: Weight::Strong });
    assert!(of(&link_facts).is_news);
    link_facts.earlier.state = Some(State::Dead { reason: Reason::Gone });
    assert!(!of(&link_facts).is_news, "another reason is no other state");
}

#[test]
fn a_file_of_the_course_itself_needs_no_second_night() {
    let reason = Reason::NotFound;
    let failing = State::Failing { reason, weight: Weight::Strong };
    let of =
        |link: &str, before, state| compose(&report(vec![in_state(ok("A", link), Some(before), state, 1)]));
    let own = "https://courses.example.edu/dgm/slides/1.pdf";
    let first = of(own, State::Ok, failing.clone());
    assert_eq!(first.sections.first().map(|section| section.heading), Some(SectionHeading::NeedsYou));
    assert!(!of(own, failing.clone(), State::Dead { reason }).is_news, "reported the night before");
    assert!(!of("https://courses.example.edu/other/1.pdf", State::Ok, failing).is_news);
}

#[test]
fn a_missing_file_of_the_course_is_not_called_unconfirmed() {
    let failing = State::Failing { reason: Reason::NotFound, weight: Weight::Strong };
    let own = ok("Lecture 4", "https://courses.example.edu/dgm/lecture4.pdf");
    let report = report(vec![in_state(own, Some(State::Ok), failing, 1)]);
    let text = rendered(&report);
    assert!(text.starts_with("Subject: [DGM] 1 file of the course missing\n"), "{text}");
    assert!(text.contains("Of 1 link: 1 file of the course missing."), "{text}");
    assert!(!text.contains("not yet confirmed") && !text.contains("dead"), "{text}");
    let link_facts = report.facts.links.first().unwrap();
    assert_eq!(wording::link::state(&report.facts, link_facts), "missing");
    let seen = wording::annotation::seen(&CourseFacts { pages: vec![], ..report.facts.clone() }, link_facts);
    assert_eq!(seen.matches("not yet confirmed").count(), 1, "a file of another site may come back: {seen}");
    let skipped =
        wording::annotation::not_judged(&CourseFacts { pages: vec![], ..report.facts.clone() }, link_facts);
    assert_eq!(skipped.matches("not yet confirmed").count(), 1, "{skipped}");
}

#[test]
fn another_document_at_the_address_is_reported_until_a_person_decides() {
    let replaced = |link: &str| {
        let change = revision(0.02, 8000, None, None);
        kept(changed(ok("The study", link), Reason::Replaced, change), 9, 90_000)
    };
    let link = replaced("https://journal.example/study.pdf");
    let first = with(report(vec![link.clone()]), |report| report.facts.students_get_copies = true);
    let text = rendered(&first);
    assert!(text.contains("leads to another document") && text.contains("\nNEEDS YOU (1)"), "{text}");
    assert!(text.contains("decide which document is the reading"), "{text}");
    let state = link.facts.verdict.state.clone();
    let known = in_state(link, Some(state.clone()), state, 30);
    let weekly = with(report(vec![known.clone()]), |report| report.kind.is_weekly = true);
    assert!(rendered(&weekly).contains("\nNEEDS YOU (1)"), "repeated every week");
    assert!(!compose(&report(vec![known.clone()])).is_news);
    let due_soon = report(vec![at(known, "Week 4", date(2026, 10, 7), 12)]);
    assert!(rendered(&due_soon).contains("\nNEEDS YOU (1)"), "and every night before it is due");
    let own = report(vec![replaced("https://courses.example.edu/dgm/1.pdf")]);
    assert!(rendered(&own).contains("\nCHANGED (1)"), "authors replace their own files");
}

/// Two hostile links, one of them with a copy, and a retracted paper.
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
    report(vec![kept(parked, 2, 8000), tampered, retracted, ok("A", "https://a.example/")])
}

#[test]
fn a_hostile_link_needs_its_reader() {
    let text = rendered(&taken_over());
    assert!(!text.contains("Nothing is urgent"), "{text}");
    insta::assert_snapshot!("taken_over", text);
    let mut known = taken_over();
    for link_facts in &known.facts.links {
        known.earlier.links.entry(link_facts.link.clone()).or_default().state =
            Some(link_facts.verdict.state.clone());
    }
    assert!(!compose(&known).is_news, "reported once");
}
