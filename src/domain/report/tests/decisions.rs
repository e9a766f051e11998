//! What reports say about decided links.

use super::*;

#[test]
fn decided_links_are_counted_and_never_news() {
    let mut report = three_dead_two_changed_one_moved();
    for link_facts in &mut report.facts.links {
        let choice = match link_facts.verdict.state {
            State::Ok => continue,
            State::Dead { .. } => Choice::AcceptedDead,
            State::Moved { .. } => Choice::NotBroken,
            _ => Choice::Snoozed(Until::Day(date(2026, 10, 12))),
        };
        link_facts.decision = Some(decided(link_facts, choice));
    }
    report.facts.links.retain(|link_facts| link_facts.link.host() != "vegas.example");
    let text = rendered(&report);
    insta::assert_snapshot!(text, @"
    Subject: [DGM] Nothing new on 153 links, Mon 5 Oct

    Nothing new on 153 links. Nothing to do.

    AS DECIDED (13)               6 no longer reported as dead, 1 marked as
                                  fine and 6 snoozed.

    153 links checked Mon 5 Oct, 02:14-02:31 EDT. 147 copies stored, none
    new.
    ");
    assert!(!compose(&report).is_news);
    report.facts.is_first = true;
    assert_eq!(compose(&report).entry_count(), 0);
}

#[test]
fn a_lapsed_decision_is_reported_once() {
    let mut link_facts = in_state(ok("A", "https://a.example/"), Some(dead()), dead(), 12);
    link_facts.lapsed = Some(decided(&link_facts, Choice::Snoozed(Until::Day(date(2026, 10, 5)))));
    let mut other = in_state(ok("B", "https://b.example/"), Some(dead()), dead(), 12);
    other.lapsed = Some(Decision { about: Gist::Ok, ..decided(&other, Choice::AcceptedDead) });
    let mut fine = in_state(ok("C", "https://c.example/"), Some(dead()), State::Ok, 1);
    fine.lapsed = Some(decided(&link_facts, Choice::NotBroken));
    let report = report(vec![link_facts, other, fine]);
    assert!(compose(&report).is_news);
    insta::assert_snapshot!(rendered(&report), @r#"
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
       Decided before: no longer reported as dead, decided Mon 28 Sep; the
         result has changed since.
       To do: replace or remove the link.

    3 links checked Mon 5 Oct, 02:14-02:31 EDT. No copies stored.
    "#);
}
