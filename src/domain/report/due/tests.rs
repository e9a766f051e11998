use jiff::civil::date;

use super::*;
use crate::domain::evidence::{Reason, Weight};
use crate::domain::report::tests::{TestLink, at, dead, in_state, kept, newly_dead, ok, report, with};
use crate::domain::report::{PageProblem, Void, text};
use crate::domain::verdict::State;

/// A Monday, as is the day of the fixtures.
const MONDAY: Date = date(2026, 10, 5);

const TERM: Term = Term { first: date(2026, 9, 21), last: date(2026, 12, 11) };

fn broke() -> TestLink {
    newly_dead(ok("A paper", "https://a.example/a.pdf"), Reason::NotFound, Some(404))
}

fn quiet() -> CourseReport {
    report(vec![ok("A paper", "https://a.example/a.pdf")])
}

fn had(regular: Date) -> LastSent {
    LastSent { regular: Some(regular), urgent: None }
}

fn occasion(report: &CourseReport, had: LastSent) -> Option<(ReportOccasion, Date)> {
    report_due(report, Some(TERM), had, report.facts.today).map(|due| (due.occasion, due.on))
}

#[test]
fn changes_are_reported_once_a_day() {
    let news = report(vec![broke()]);
    assert_eq!(occasion(&news, had(date(2026, 10, 4))), Some((ReportOccasion::Changes, MONDAY)));
    assert_eq!(occasion(&news, had(MONDAY)), Some((ReportOccasion::Changes, date(2026, 10, 6))));
}

#[test]
fn a_broken_link_due_within_three_days_does_not_wait_for_tomorrow() {
    let due_on = |day| report(vec![at(broke(), "Week 3", day, 9)]);
    assert_eq!(occasion(&due_on(date(2026, 10, 8)), had(MONDAY)), Some((ReportOccasion::Urgent, MONDAY)));
    let later = Some((ReportOccasion::Changes, date(2026, 10, 6)));
    assert_eq!(occasion(&due_on(date(2026, 10, 9)), had(MONDAY)), later);
    let both = LastSent { regular: Some(MONDAY), urgent: Some(MONDAY) };
    assert_eq!(occasion(&due_on(date(2026, 10, 8)), both), later, "one urgent report a day");
}

#[test]
fn a_hostile_link_does_not_wait_for_tomorrow() {
    let taken = State::Dead { reason: Reason::Parked };
    let taken = in_state(ok("A blog", "https://blog.example/"), Some(State::Ok), taken, 3);
    assert_eq!(occasion(&report(vec![taken]), had(MONDAY)), Some((ReportOccasion::Urgent, MONDAY)));
}

#[test]
fn an_unconfirmed_failure_is_not_urgent() {
    let failing = State::Failing { reason: Reason::Parked, weight: Weight::Weak };
    let link_facts = in_state(ok("A blog", "https://blog.example/"), Some(State::Ok), failing, 1);
    assert_eq!(occasion(&report(vec![link_facts]), had(MONDAY)), None);
}

#[test]
fn a_week_without_news_is_reported_on_monday_and_only_in_term() {
    let on = |today: Date, had: LastSent| {
        occasion(
            &with(quiet(), |report| {
                report.facts.today = today;
            }),
            had,
        )
    };
    assert_eq!(on(MONDAY, had(date(2026, 10, 4))), Some((ReportOccasion::Weekly, MONDAY)));
    assert_eq!(on(date(2026, 10, 6), had(MONDAY)), None);
    let tuesday = date(2026, 10, 6);
    assert_eq!(
        on(tuesday, had(date(2026, 10, 2))),
        Some((ReportOccasion::Weekly, tuesday)),
        "the night of Monday was missed"
    );
    assert_eq!(on(date(2026, 12, 14), had(date(2026, 12, 1))), None, "the term is over");
    assert_eq!(
        on(MONDAY, LastSent { regular: None, urgent: Some(MONDAY) }),
        None,
        "any report shows that the nights run"
    );
}

#[test]
fn there_are_two_reports_before_a_term() {
    let on = |today: Date, had: LastSent| {
        occasion(
            &with(quiet(), |report| {
                report.facts.today = today;
            }),
            had,
        )
    };
    let (first, second) = (date(2026, 8, 31), date(2026, 9, 14));
    assert_eq!(on(date(2026, 8, 30), LastSent::default()), None);
    assert_eq!(on(first, had(date(2026, 8, 20))), Some((ReportOccasion::BeforeTerm, first)));
    assert_eq!(on(date(2026, 9, 1), had(first)), None);
    assert_eq!(on(date(2026, 9, 15), had(first)), Some((ReportOccasion::BeforeTerm, date(2026, 9, 15))));
    assert_eq!(on(date(2026, 9, 16), had(second)), None);
}

#[test]
fn the_first_night_is_a_baseline_and_a_void_night_is_not_reported() {
    let first = with(report(vec![broke()]), |report| {
        report.facts.is_first = true;
    });
    assert_eq!(occasion(&first, LastSent::default()), Some((ReportOccasion::Baseline, MONDAY)));
    let void = Some(Void { failed: 9, links: 10, hosts: 9, sentinels: None });
    let void = with(report(vec![broke()]), |report| {
        report.facts.void = void;
    });
    assert_eq!(occasion(&void, had(MONDAY)), None);
    assert_eq!(occasion(&void, had(date(2026, 10, 1))), Some((ReportOccasion::Weekly, MONDAY)));
}

#[test]
fn a_lasting_problem_of_the_page_is_reported_once() {
    let problem = Some(PageProblem::Shrunken { page: "x".into(), before: 9, after: 1 });
    let new = with(quiet(), |report| {
        report.facts.page_problem = problem.clone();
        report.facts.page_problem_nights = 2;
    });
    assert_eq!(occasion(&new, had(MONDAY)).map(|due| due.0), Some(ReportOccasion::Changes));
    let known = with(new, |report| {
        report.earlier.page_problem = problem;
        report.earlier.page_problem_nights = 2;
    });
    assert_eq!(occasion(&known, had(MONDAY)), None);
}

#[test]
fn every_report_says_when_the_next_is_due() {
    let closing = |report: &CourseReport| {
        let due = report_due(report, Some(TERM), LastSent::default(), report.facts.today).unwrap();
        PendingReport::new(report.clone(), due, Some(TERM)).compose().closing.pop().unwrap()
    };
    assert_eq!(
        closing(&report(vec![broke()])),
        "Next report: when something changes, and Mon 12 Oct at the latest."
    );
    let last = with(report(vec![broke()]), |report| {
        report.facts.today = date(2026, 12, 7);
    });
    assert_eq!(closing(&last), "Next report: when something changes.");
    let days = [date(2026, 8, 1), date(2026, 8, 31), date(2026, 9, 14), date(2026, 9, 21)];
    let next = days.map(|day| next_day(Some(TERM), day).unwrap());
    assert_eq!(next, [date(2026, 8, 31), date(2026, 9, 14), date(2026, 9, 21), date(2026, 9, 28)]);
    assert_eq!(super::next_day(None, MONDAY), Some(date(2026, 10, 12)));
}

#[test]
fn dead_links_are_listed_again_after_1_4_and_12_weeks() {
    let is_listed = |nights: u32, is_weekly: bool| {
        let link_facts = ok("A paper", "https://a.example/a.pdf");
        let old = kept(in_state(link_facts, Some(dead()), dead(), nights), 3, 9000);
        let report = with(report(vec![old]), |report| {
            report.kind.is_weekly = is_weekly;
        });
        let composed = compose(&report);
        assert!(!composed.is_news && composed.subject.contains("Nothing new"), "{}", composed.subject);
        text::render(&composed).contains("https://a.example/a.pdf")
    };
    let again: Vec<u32> = (1..=120).step_by(7).filter(|nights| is_listed(nights + 1, true)).collect();
    assert_eq!(again, [8, 29, 85]);
    assert!((1..=120).all(|nights| !is_listed(nights, false)));
}

#[test]
fn a_later_report_includes_an_unsent_one() {
    let missed = report(vec![broke(), kept(ok("B", "https://b.example/b.pdf"), 2, 2)]);
    let still = in_state(ok("A paper", "https://a.example/a.pdf"), Some(dead()), dead(), 4);
    let later = report(vec![still, kept(ok("B", "https://b.example/b.pdf"), 2, 2)]);
    assert!(!compose(&later).is_news);
    let both = later.including(&missed);
    assert_eq!(compose(&both).subject, compose(&missed).subject);
    let back = in_state(ok("A paper", "https://a.example/a.pdf"), Some(dead()), State::Ok, 1);
    let nothing = report(vec![back]).including(&missed);
    assert!(!compose(&nothing).is_news, "it broke and came back unnoticed");
}

/// A host that has not answered for three nights, and a dead paper that is due in a week.
fn reminding() -> CourseReport {
    let silent = State::Failing { reason: Reason::NotAnswering, weight: Weight::Weak };
    let silent = in_state(ok("Notes", "https://silent.example/"), Some(silent.clone()), silent, 3);
    let old = in_state(ok("A paper", "https://a.example/a.pdf"), Some(dead()), dead(), 20);
    report(vec![silent, at(old, "Week 6", date(2026, 10, 12), 9)])
}

/// The report of the next night with the same results.
fn the_night_after(first: &CourseReport) -> CourseReport {
    let mut later = with(first.clone(), |report| {
        report.facts.today = first.facts.today.tomorrow().unwrap();
    });
    for link_facts in &mut later.facts.links {
        let known = later.earlier.links.entry(link_facts.link.clone()).or_default();
        known.state = Some(link_facts.verdict.state.clone());
        known.reminder = placement::reminder(&first.facts, link_facts);
        link_facts.verdict.nights += 1;
    }
    later
}

#[test]
fn a_reminder_is_news_until_a_report_with_it_was_sent() {
    let first = reminding();
    assert!(compose(&first).is_news);
    let later = the_night_after(&first);
    assert!(!compose(&later).is_news, "reported the night before");
    let text = text::render(&compose(&later));
    assert!(text.contains("NOT ANSWERING (1)") && text.contains("NEEDS YOU (1)"), "{text}");
    let both = later.including(&first);
    assert!(compose(&both).is_news, "the first report was not sent");
}

#[test]
fn a_reminder_is_news_on_any_day() {
    let mut moved = reminding();
    for link_facts in &mut moved.facts.links {
        link_facts.verdict.nights = 5;
        link_facts
            .mentions
            .iter_mut()
            .for_each(|mention| mention.due = mention.due.map(|_| date(2026, 10, 8)));
    }
    assert!(compose(&moved).is_news, "the date was moved to three days from now");
    assert_eq!(occasion(&moved, had(MONDAY)), Some((ReportOccasion::Urgent, MONDAY)));
}

#[test]
fn the_end_of_a_reported_failure_is_reported() {
    let first = reminding();
    let back = |missed: bool| {
        let mut later = the_night_after(&first);
        later.facts.links.iter_mut().for_each(|link_facts| link_facts.verdict.state = State::Ok);
        later.facts.links.truncate(1);
        if missed { later.including(&first) } else { later }
    };
    let composed = compose(&back(false));
    assert!(!composed.is_news, "it is not urgent");
    assert!(text::render(&composed).contains("FIXED SINCE LAST REPORT (1)"));
    assert!(!text::render(&compose(&back(true))).contains("FIXED"), "no report listed it");
}

/// A course that begins on 26 October, with links that broke in the summer.
fn after_the_summer() -> (CourseReport, Term) {
    let failing = State::Failing { reason: Reason::NotFound, weight: Weight::Strong };
    let week = |n: u32| {
        at(
            ok(&format!("Reading {n}"), &format!("https://h{n}.example/r.pdf")),
            "Week 2",
            date(2026, 11, 3),
            n,
        )
    };
    let fails = |n| in_state(week(n), Some(failing.clone()), failing.clone(), 2);
    let gone = |n| kept(in_state(week(n), Some(dead()), dead(), 60), 9, 90_000);
    let items =
        vec![fails(1), fails(2), gone(3), ok("A", "https://a.example/"), ok("B", "https://b.example/")];
    (report(items), Term { first: date(2026, 10, 26), last: date(2027, 1, 29) })
}

fn rendered_before(report: CourseReport, term: Term, had: LastSent) -> String {
    let due = report_due(&report, Some(term), had, report.facts.today).unwrap();
    let composed = PendingReport::new(report, due, Some(term)).compose();
    format!("Subject: {}\n\n{}", composed.subject, text::render(&composed))
}

#[test]
fn before_a_term_every_link_that_does_not_work_is_listed() {
    let (report, term) = after_the_summer();
    assert_eq!(
        report_due(&report, Some(term), LastSent::default(), MONDAY).map(|due| due.occasion),
        Some(ReportOccasion::BeforeTerm)
    );
    insta::assert_snapshot!(rendered_before(report, term, LastSent::default()));
}

#[test]
fn news_on_a_milestone_says_that_the_term_begins() {
    let (mut report, term) = after_the_summer();
    report.add(broke());
    let text = rendered_before(report.clone(), term, LastSent::default());
    assert!(text.starts_with("Subject: [DGM] Term begins Mon 26 Oct: 4 links to look at"), "{text}");
    assert!(text.contains("The term begins Mon 26 Oct") && text.contains("Reading 3"), "{text}");
    let later = with(report, |report| {
        report.facts.today = date(2026, 10, 6);
    });
    let text = rendered_before(later, term, had(MONDAY));
    assert!(
        !text.contains("term begins") && text.contains("1 new dead link"),
        "the milestone is past: {text}"
    );
}

#[test]
fn a_report_queued_without_newer_fields_can_be_read() {
    let mut pending = serde_json::to_value(PendingReport::new(
        report(vec![broke()]),
        report_due(&report(vec![broke()]), Some(TERM), LastSent::default(), MONDAY).unwrap(),
        Some(TERM),
    ))
    .unwrap();
    pending["due"].as_object_mut().unwrap().remove("is_before_term");
    pending["night"].as_object_mut().unwrap().remove("before_term");
    pending["night"]["items"][0].as_object_mut().unwrap().remove("reminder_before");
    let pending: PendingReport = serde_json::from_value(pending).unwrap();
    assert!(pending.compose().subject.contains("1 new dead link"));
}

#[test]
fn each_occasion_has_its_report() {
    let on_monday = |report: CourseReport, had: LastSent| rendered_before(report, TERM, had);
    let fresh = || report(vec![broke(), ok("B", "https://b.example/")]);
    let urgent = with(fresh(), |report| {
        report.set_links(vec![at(broke(), "Week 3", date(2026, 10, 6), 9)]);
    });
    insta::assert_snapshot!("urgent", on_monday(urgent, had(MONDAY)));

    let old = |n: i64, words: &str| {
        let nights = u32::try_from(n).unwrap() + 1;
        kept(in_state(ok(words, &format!("https://old{n}.example/")), Some(dead()), dead(), nights), 3, 9000)
    };
    let weekly = report(vec![old(7, "A week"), old(28, "Four weeks"), old(50, "Old"), old(90, "Very old")]);
    insta::assert_snapshot!("weekly", on_monday(weekly, had(date(2026, 10, 4))));

    let later = with(
        report(vec![
            in_state(ok("A paper", "https://a.example/a.pdf"), Some(dead()), dead(), 4),
            newly_dead(ok("B", "https://b.example/"), Reason::Gone, Some(410)),
        ]),
        |report| {
            report.facts.today = date(2026, 10, 6);
        },
    );
    insta::assert_snapshot!("merged", on_monday(later.including(&fresh()), had(MONDAY)));
}
