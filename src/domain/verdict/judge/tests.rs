use crate::domain::evidence::comparison::ComparedBy;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::document::Fingerprint;
use crate::domain::evidence::Weight;
use crate::domain::verdict::dead::{Confirmation, FLIPS_OF_A_FLAPPING_LINK, confirmation};
use crate::domain::verdict::history::state_flips;

mod laws;

fn night(n: i64) -> Timestamp {
    "2026-11-02T02:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * n)
}

fn healthy() -> Finding {
    Finding::Healthy { drift: Drift::Same, moved_to: None }
}

fn gone(weight: Weight) -> Finding {
    Finding::Gone { reason: Reason::NotFound, weight }
}

fn failing(reason: Reason) -> Finding {
    Finding::Gone { reason, weight: Weight::Weak }
}

fn restricted(reason: Reason) -> Finding {
    Finding::Restricted { reason }
}

fn refused() -> Finding {
    Finding::Refused { reason: Reason::BotWall }
}

fn moved() -> Finding {
    Finding::Healthy { drift: Drift::Same, moved_to: Some(Address::parse("https://new.edu/a").unwrap()) }
}

fn changed(text: u8, seen_twice: bool) -> Finding {
    different(TextChange { seen_twice, ..change(text) })
}

fn alarming(text: u8, alarm: CriticalChange) -> Finding {
    different(TextChange { alarm: Some(alarm), ..change(text) })
}

fn different(change: TextChange) -> Finding {
    Finding::Healthy { drift: Drift::Different(change), moved_to: None }
}

fn not_compared() -> Finding {
    Finding::Healthy { drift: Drift::NotCompared, moved_to: None }
}

fn change(text: u8) -> TextChange {
    TextChange {
        similarity: 0.7,
        compared_by: ComparedBy::Text,
        words_changed: 300,
        words_before: 1000,
        words_after: 1000,
        pages_before: None,
        pages_after: None,
        section: None,
        alarm: None,
        seen_twice: false,
        is_noise: false,
        text: Fingerprint { version: 1, digest: Digest::of(&[text]) },
    }
}

fn history(findings: impl IntoIterator<Item = Finding>) -> Vec<Evidence> {
    (0..)
        .zip(findings)
        .map(|(n, finding)| Evidence {
            at: night(n),
            status: None,
            ended_at: None,
            compared_by: None,
            seen: None,
            finding,
            notes: Vec::new(),
            is_listed: false,
            listed_version: None,
        })
        .collect()
}

fn judged(findings: impl IntoIterator<Item = Finding>) -> Verdict {
    let history = history(findings);
    let now = history.last().map_or(night(0), |evidence| evidence.at);
    judge(&history, now)
}

/// The text that is accepted after these nights because of its age.
fn outlived(findings: impl IntoIterator<Item = Finding>) -> Option<Fingerprint> {
    let history = history(findings);
    outlived_change(&history, history.last()?.at)
}

fn name(findings: impl IntoIterator<Item = Finding>) -> &'static str {
    judged(findings).state.name().as_str()
}

#[test]
fn each_evidence_needs_its_number_of_nights() {
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
fn weaker_evidence_confirms_no_stronger_one() {
    let nights = |weak: usize, heavy: Weight| {
        name(vec![failing(Reason::NotAnswering); weak].into_iter().chain([gone(heavy)]))
    };
    for heavy in [Weight::Inferred, Weight::Strong, Weight::Decisive] {
        assert_eq!(nights(2, heavy), "failing", "{heavy:?}");
        assert_eq!(
            (nights(5, heavy), nights(6, heavy)),
            ("failing", "dead"),
            "a week of anything: {heavy:?}"
        );
    }
    assert_eq!(name([gone(Weight::Strong), gone(Weight::Strong), gone(Weight::Decisive)]), "dead");
    assert_eq!(name([gone(Weight::Strong), gone(Weight::Decisive)]), "failing");
}

#[test]
fn a_link_that_never_worked_can_be_dead() {
    assert_eq!(name(vec![gone(Weight::Strong); 3]), "dead");
}

#[test]
fn a_bad_certificate_never_makes_a_link_dead() {
    let verdict = judged(vec![failing(Reason::Certificate); 30]);
    assert_eq!((verdict.state.name().as_str(), verdict.nights), ("failing", 30));
}

#[test]
fn nights_of_a_bad_certificate_confirm_no_dead_link() {
    let warned = vec![failing(Reason::Certificate); 30];
    for sign in [failing(Reason::NotAnswering), gone(Weight::Strong), gone(Weight::Decisive)] {
        let verdict = judged(warned.clone().into_iter().chain([sign.clone()]));
        assert_eq!((verdict.state.name().as_str(), verdict.nights), ("failing", 1), "{sign:?}");
        let mended = judged(warned.clone().into_iter().chain([sign, failing(Reason::Certificate)]));
        assert_eq!(mended.state.name().as_str(), "failing");
    }
    let silent = vec![failing(Reason::NotAnswering); 6];
    let verdict = judged(silent.into_iter().chain([failing(Reason::Certificate)]));
    assert_eq!((verdict.state.reason(), verdict.nights), (Some(Reason::Certificate), 1));
}

#[test]
fn one_good_night_recovers() {
    assert_eq!(name([gone(Weight::Strong), gone(Weight::Strong), gone(Weight::Strong), healthy()]), "ok");
}

#[test]
fn refusals_neither_confirm_a_dead_link_nor_clear_it() {
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
fn a_move_is_reported_after_two_nights() {
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
fn a_change_lasts_until_the_text_reverts_or_thirty_days_pass() {
    assert_eq!(name([changed(1, true), healthy()]), "ok");
    assert_eq!(name(vec![changed(1, true); 30]), "changed");
    assert_eq!(name(vec![changed(1, true); 32]), "ok");
}

#[test]
fn a_night_that_cannot_compare_ends_no_change() {
    assert_eq!(name([healthy(), changed(1, true), not_compared()]), "changed");
    assert_eq!(name([healthy(), changed(1, false), not_compared()]), "ok", "seen once");
    assert_eq!(name([changed(1, true), healthy(), not_compared()]), "ok", "it reverted before");
}

#[test]
fn each_text_has_its_own_thirty_days() {
    let nights = |first: usize, second: usize| {
        [vec![changed(1, false); first], vec![changed(2, false); second]].concat()
    };
    let verdict = judged(nights(29, 5));
    assert_eq!((verdict.state.name().as_str(), verdict.nights, verdict.since), ("changed", 5, night(29)));
    assert_eq!(outlived(nights(29, 5)), None);
    assert_eq!(name(nights(29, 31)), "ok");
    assert_eq!(outlived(nights(29, 31)), Some(change(2).text));
    // Every night differs from the last: no text is accepted, and the change is not reported any more.
    let restless = || (0..40).map(|text| changed(text, false));
    assert_eq!((name(restless().take(30)), name(restless())), ("changed", "ok"));
    assert_eq!(outlived(restless()), None);
}

#[test]
fn another_work_never_becomes_the_accepted_version() {
    let replaced = different(TextChange { similarity: 0.0, ..change(2) });
    let worse = [
        CriticalChange::Withdrawn,
        CriticalChange::Retracted,
        CriticalChange::Shrunken,
        CriticalChange::Tampered,
    ]
    .map(|alarm| alarming(2, alarm))
    .into_iter()
    .chain([replaced]);
    for bad in worse {
        assert_eq!(name(vec![bad.clone(); 60]), "changed", "{bad:?}");
        assert_eq!(outlived(vec![bad.clone(); 60]), None, "{bad:?}");
        let after_another = [vec![changed(1, false); 29], vec![bad.clone(); 2]].concat();
        assert_eq!(judged(after_another.clone()).state, judged(vec![bad.clone(); 2]).state, "{bad:?}");
        assert_eq!(outlived(after_another), None, "{bad:?}");
        let restless = (10..50).map(|text| changed(text, false)).chain([bad.clone()]);
        assert_eq!(name(restless), "changed", "{bad:?} on a page that never reads the same");
    }
    assert_eq!(name(vec![alarming(2, CriticalChange::NewVersion); 32]), "ok");
}

#[test]
fn a_login_wall_is_confirmed_on_the_third_night() {
    let login = || restricted(Reason::Login);
    assert_eq!(name([healthy(), login(), login()]), "unverifiable");
    assert_eq!(name([healthy(), login(), login(), login()]), "restricted");
    assert_eq!(name([healthy(), login(), restricted(Reason::Paywall), login()]), "restricted");
}

#[test]
fn a_bare_403_is_confirmed_after_a_week_and_confirms_nothing_else() {
    let (login, forbidden) = (restricted(Reason::Login), restricted(Reason::Forbidden));
    let confirmed = |forbidden_nights, login_nights, last: &Finding| {
        let nights = [vec![forbidden.clone(); forbidden_nights], vec![login.clone(); login_nights]].concat();
        let verdict = judged(nights.into_iter().chain([last.clone()]));
        matches!(verdict.state, State::Restricted { .. }).then_some(verdict.state.reason()).flatten()
    };
    assert_eq!(confirmed(5, 0, &forbidden), None);
    assert_eq!(confirmed(6, 0, &forbidden), Some(Reason::Forbidden));
    assert_eq!(confirmed(2, 0, &login), None);
    assert_eq!(confirmed(6, 0, &login), Some(Reason::Forbidden));
    assert_eq!(confirmed(0, 3, &forbidden), Some(Reason::Login), "one night does not undo three");
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
    let longer = |nights| flapping.clone().into_iter().chain(vec![gone(Weight::Strong); nights]);
    assert_eq!((name(longer(1)), name(longer(2))), ("failing", "dead"));
}

#[test]
fn a_link_that_came_back_once_is_not_flapping() {
    let strong = || gone(Weight::Strong);
    assert_eq!(name([strong(), healthy(), strong(), strong(), strong()]), "dead");
}

#[test]
fn flapping_last_term_does_not_count() {
    let flapped = [healthy(), gone(Weight::Strong), healthy(), gone(Weight::Strong)];
    let dies = |quiet: usize| {
        name(flapped.clone().into_iter().chain(vec![healthy(); quiet]).chain(vec![gone(Weight::Strong); 3]))
    };
    assert_eq!((dies(20), dies(30)), ("failing", "dead"));
}

#[test]
fn the_reported_progress_is_the_one_that_decides() {
    let on_the_way = |findings: &[Finding]| confirmation(&history(findings.to_vec()), night(6));
    let (weak, strong) = (gone(Weight::Weak), gone(Weight::Strong));
    let of = |nights, needed| Some(Confirmation { nights, needed });
    assert_eq!(on_the_way(&[healthy()]), None);
    assert_eq!(on_the_way(&[healthy(), failing(Reason::Certificate)]), None);
    let mixed = [healthy(), weak.clone(), weak.clone(), weak.clone(), strong.clone()];
    assert_eq!(on_the_way(&mixed), of(1, 3), "the weak nights do not count with the strong one");
    let flapping = [healthy(), strong.clone(), healthy(), strong.clone(), strong.clone(), strong.clone()];
    assert_eq!(on_the_way(&flapping), of(3, 5));
    assert_eq!(on_the_way(&[healthy(), weak, refused()]), of(1, 7));
}
