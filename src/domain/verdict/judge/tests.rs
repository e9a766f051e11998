use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::document::Fingerprint;

fn night(n: i64) -> Timestamp {
    "2026-11-02T02:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * n)
}

fn healthy() -> Finding {
    Finding::Healthy { drift: Drift::Same, moved_to: None }
}

fn gone(weight: Weight) -> Finding {
    Finding::Gone { reason: Reason::NotFound, weight }
}

fn refused() -> Finding {
    Finding::Refused { reason: Reason::BotWall }
}

fn moved() -> Finding {
    Finding::Healthy { drift: Drift::Same, moved_to: Some(Address::parse("https://new.edu/a").unwrap()) }
}

fn changed(text: u8, seen_twice: bool) -> Finding {
    let change = Change {
        similarity: 0.7,
        words_changed: 300,
        words_before: 1000,
        words_after: 1000,
        pages_before: None,
        pages_after: None,
        section: None,
        alarm: None,
        seen_twice,
        flickers: false,
        text: Fingerprint { version: 1, digest: Digest::of(&[text]) },
    };
    Finding::Healthy { drift: Drift::Different(change), moved_to: None }
}

fn history(findings: impl IntoIterator<Item = Finding>) -> Vec<Evidence> {
    (0..)
        .zip(findings)
        .map(|(n, finding)| Evidence {
            at: night(n),
            status: None,
            ended_at: None,
            finding,
            notes: Vec::new(),
        })
        .collect()
}

fn judged(findings: impl IntoIterator<Item = Finding>) -> Verdict {
    let history = history(findings);
    let now = history.last().map_or(night(0), |evidence| evidence.at);
    judge(&history, now)
}

fn name(findings: impl IntoIterator<Item = Finding>) -> &'static str {
    judged(findings).state.name().as_str()
}

#[test]
fn death_takes_as_many_nights_as_its_evidence_needs() {
    for (weight, nights) in
        [(Weight::Decisive, 2), (Weight::Strong, 3), (Weight::Inferred, 3), (Weight::Weak, 7)]
    {
        let before = std::iter::once(healthy()).chain(vec![gone(weight); nights - 1]);
        assert_eq!(name(before), "failing", "{weight:?}");
        let after = std::iter::once(healthy()).chain(vec![gone(weight); nights]);
        assert_eq!(name(after), "dead", "{weight:?}");
    }
}

#[test]
fn a_link_that_never_worked_dies_as_well() {
    assert_eq!(name(vec![gone(Weight::Strong); 3]), "dead");
}

#[test]
fn a_certificate_is_never_death() {
    let expired = Finding::Gone { reason: Reason::Certificate, weight: Weight::Weak };
    let verdict = judged(vec![expired; 30]);
    assert_eq!((verdict.state.name().as_str(), verdict.nights), ("failing", 30));
}

#[test]
fn one_good_night_recovers() {
    assert_eq!(name([gone(Weight::Strong), gone(Weight::Strong), gone(Weight::Strong), healthy()]), "ok");
}

#[test]
fn refusals_neither_add_to_death_nor_take_from_it() {
    let verdict = judged([healthy(), gone(Weight::Strong), gone(Weight::Strong), refused(), refused()]);
    assert_eq!((verdict.state.name().as_str(), verdict.nights), ("failing", 2));
    assert_eq!(name([gone(Weight::Strong), gone(Weight::Strong), refused(), gone(Weight::Strong)]), "dead");
    assert_eq!(name([healthy(), refused()]), "unverifiable");
    assert_eq!(name(vec![refused(); 40]), "unverifiable");
}

#[test]
fn two_runs_on_one_day_are_one_night() {
    let mut history = history([gone(Weight::Strong), gone(Weight::Strong), gone(Weight::Strong)]);
    for (evidence, hours) in history.iter_mut().zip([0, 1, 2]) {
        evidence.at = night(0) + SignedDuration::from_hours(hours);
    }
    assert_eq!(judge(&history, night(1)).nights, 1);
}

#[test]
fn a_move_is_told_when_it_has_held_for_two_nights() {
    assert_eq!(name([healthy(), moved()]), "ok");
    assert_eq!(name([healthy(), moved(), moved()]), "moved");
    assert_eq!(name([healthy(), moved(), healthy(), moved()]), "ok");
}

#[test]
fn a_page_has_changed_when_two_nights_read_the_same_new_text() {
    assert_eq!(name([healthy(), changed(1, false)]), "ok");
    assert_eq!(name([healthy(), changed(1, false), changed(1, false)]), "changed");
    assert_eq!(name([healthy(), changed(1, false), changed(2, false)]), "ok");
    assert_eq!(name([healthy(), changed(1, false), changed(2, false), changed(3, false)]), "changed");
}

#[test]
fn a_file_has_changed_when_two_fetches_of_a_night_agree() {
    assert_eq!(name([healthy(), changed(1, true)]), "changed");
}

#[test]
fn a_change_stands_until_the_text_reverts_or_thirty_days_pass() {
    assert_eq!(name([changed(1, true), healthy()]), "ok");
    assert_eq!(name(vec![changed(1, true); 30]), "changed");
    assert_eq!(name(vec![changed(1, true); 32]), "ok");
}

#[test]
fn a_login_wall_is_believed_on_the_third_night() {
    let login = || Finding::Restricted { reason: Reason::Login };
    assert_eq!(name([healthy(), login(), login()]), "unverifiable");
    assert_eq!(name([healthy(), login(), login(), login()]), "restricted");
}

#[test]
fn a_flapping_link_must_stay_bad_for_longer() {
    let flapping = [
        healthy(),
        gone(Weight::Strong),
        healthy(),
        gone(Weight::Strong),
        gone(Weight::Strong),
        gone(Weight::Strong),
    ];
    assert_eq!(name(flapping.clone()), "failing");
    assert_eq!(name(flapping.into_iter().chain(vec![gone(Weight::Strong); 2])), "dead");
}

fn any_finding() -> impl Strategy<Value = Finding> {
    prop_oneof![
        3 => Just(healthy()),
        1 => Just(moved()),
        1 => Just(Finding::Healthy { drift: Drift::NotCompared, moved_to: None }),
        1 => (0..3_u8, any::<bool>()).prop_map(|(text, twice)| changed(text, twice)),
        2 => prop_oneof![Just(Weight::Weak), Just(Weight::Inferred), Just(Weight::Strong), Just(Weight::Decisive)]
            .prop_map(gone),
        1 => Just(refused()),
        1 => Just(Finding::Unclear { reason: Reason::TooLarge }),
        1 => Just(Finding::Restricted { reason: Reason::Login }),
    ]
}

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    prop::collection::vec(any_finding(), 1..30)
}

/// How bad a verdict is for a reader. A confirmed login wall ranks with death:
/// it can hide one, so taking the wall away may show the other.
fn badness(verdict: &Verdict) -> u32 {
    match verdict.state {
        State::Ok | State::Moved { .. } | State::Changed { .. } => 0,
        State::Unverifiable { .. } => 1,
        State::Failing { .. } => 2,
        State::Restricted { .. } | State::Dead { .. } => 3,
    }
}

proptest! {
    #[test]
    fn the_same_history_gives_the_same_verdict(findings in findings()) {
        prop_assert_eq!(judged(findings.clone()), judged(findings));
    }

    #[test]
    fn a_refusal_never_moves_a_link_towards_death(mut findings in findings()) {
        let before = judged(findings.clone());
        findings.push(refused());
        let after = judged(findings);
        prop_assert!(badness(&after) <= badness(&before).max(1), "{:?} became {:?}", before, after);
        if badness(&after) >= 2 {
            prop_assert_eq!(after.nights, before.nights);
        }
    }

    #[test]
    fn more_health_never_makes_a_verdict_worse(mut findings in findings()) {
        let before = judged(findings.clone());
        findings.push(healthy());
        prop_assert!(badness(&judged(findings)) <= badness(&before));
    }

    #[test]
    fn a_healthy_night_in_the_past_never_brings_death_nearer(findings in findings(), place in any::<prop::sample::Index>()) {
        let before = judged(findings.clone());
        let nights = history(findings.clone());
        // A flapping link is given longer; a good night more may end the flapping.
        let is_flapping = turns(&nights, nights[nights.len() - 1].at) >= TURNS_OF_A_FLAPPING_LINK;
        let mut kinder = findings;
        let place = place.index(kinder.len());
        kinder[place] = healthy();
        prop_assert!(is_flapping || badness(&judged(kinder)) <= badness(&before).max(1));
    }
}
