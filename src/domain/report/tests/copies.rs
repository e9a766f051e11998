//! What reports say about copies.

use super::*;
use crate::domain::capture::Shortfall;

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
    let report = with(report(vec![shut, licensed, open, soon]), |report| {
        report.facts.students_get_copies = true;
    });
    insta::assert_snapshot!("behind_a_wall", rendered(&report));
}

#[test]
fn a_copy_that_stays_closed_is_neither_promised_nor_denied() {
    let dead = newly_dead(ok("The study", "https://press.example/study.pdf"), Reason::NotFound, Some(404));
    let closed = link_with(kept(dead, 9, 90_000), |link| {
        link.facts.is_covered = false;
    });
    let report = with(report(vec![closed.clone()]), |report| {
        report.facts.students_get_copies = true;
    });
    let text = rendered(&report);
    assert!(text.contains("Students get no copy of it."), "{text}");
    assert!(!text.contains("We have no copy") && !text.contains("hand out"), "{text}");
    assert!(text.contains("To do: replace the link; our copy is not open to students."), "{text}");
    let first = rendered(&with(report, |report| {
        report.facts.is_first = true;
    }));
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(first.contains("Copies of 1 link are archived, none of them for students."), "{first}");
}

#[test]
fn before_the_term_a_report_says_when_students_get_the_copies() {
    let dead = |name: &str| {
        let link =
            newly_dead(ok(name, &format!("https://{name}.example/a.pdf")), Reason::NotFound, Some(404));
        link_with(kept(link, 9, 90_000), |link| link.facts.copy_opens_on = Some(date(2026, 10, 12)))
    };
    let joined = |report: &CourseReport| rendered(report).split_whitespace().collect::<Vec<_>>().join(" ");
    let early = |links| {
        with(report(links), |report| {
            report.facts.students_get_copies = true;
            report.kind.before_term = Some(date(2026, 10, 12));
        })
    };
    let one = joined(&early(vec![dead("one")]));
    assert!(one.contains("From Mon 12 Oct students get our copy of it."), "{one}");
    assert!(one.contains("To do: replace the link; students get our copy from Mon 12 Oct."), "{one}");
    let two = joined(&early(vec![dead("one"), dead("two")]));
    assert!(two.contains("From Mon 12 Oct students get our copies of both."), "{two}");
    let first = joined(&with(early(vec![dead("one")]), |report| report.facts.is_first = true));
    assert!(first.contains("Copies of 1 link are ready for students from Mon 12 Oct."), "{first}");
    for text in [one, two, first] {
        assert!(
            !text.contains("already") && !text.contains("until then") && !text.contains("COVERED"),
            "{text}"
        );
    }
}

#[test]
fn a_lapsed_domain_is_never_to_be_tried_in_a_browser() {
    for reason in [Reason::Parked, Reason::Hijacked, Reason::NoSuchHost] {
        let failing = State::Failing { reason, weight: Weight::Strong };
        let link = in_state(ok("Old", "https://old.example/a"), Some(State::Ok), failing, 1);
        let due = at(link, "Week 5", date(2026, 10, 6), 9);
        let many = (0..5).map(|n| {
            let link = ok("Old", &format!("https://old.example/{n}"));
            in_state(link, None, State::Failing { reason, weight: Weight::Strong }, 1)
        });
        let mut first = report(many.collect());
        first.facts.is_first = true;
        for text in [rendered(&report(vec![due.clone()])), rendered(&first)] {
            assert!(text.contains("NOT CONFIRMED") || text.contains("FOUND NOT WORKING"), "{text}");
            assert!(!text.contains("try ") && !text.contains("browser"), "{text}");
        }
    }
}

#[test]
fn pages_about_a_work_are_counted_apart_from_its_copies() {
    let short = link_with(kept(ok("The study", "https://press.example/study"), 9, 90_000), |link| {
        if let Some(copy) = &mut link.facts.copy {
            copy.shortfall = Some(Shortfall::LandingPage);
        }
    });
    let whole = kept(ok("Notes", "https://press.example/notes.pdf"), 9, 90_000);
    let text = rendered(&report(vec![short, whole])).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("1 copy stored. Of 1 more link only the page about the work is kept"), "{text}");
}

#[test]
fn a_copy_is_shown_with_its_last_verification() {
    let verified = |is_sound| Some(Verified { at: days_ago(1), is_sound });
    let mut report = three_dead_two_changed_one_moved();
    for link_facts in &mut report.facts.links {
        link_facts.verified = verified(true);
    }
    let joined = |report: &CourseReport| rendered(report).split_whitespace().collect::<Vec<_>>().join(" ");
    let text = joined(&report);
    assert!(text.contains("Our copy: Sat 12 Sep, 10 pages, 219 KB, verified Sun 4 Oct."), "{text}");
    assert!(
        text.ends_with(
            "147 copies stored, none new. All 147 re-verified by their SHA-256, the earliest Sun 4 Oct."
        ),
        "{text}"
    );
    report
        .facts
        .links
        .iter_mut()
        .filter(|link_facts| link_facts.link.host() == "old.example.org")
        .for_each(|link_facts| link_facts.verified = verified(false));
    let text = joined(&report);
    assert!(
        text.contains("altered or missing when looked for Sun 4 Oct. The only copy of a dead link is lost."),
        "{text}"
    );
    assert!(text.contains("146 of 147 re-verified") && text.contains("1 copy damaged"), "{text}");
}
