//! Laws that hold for every history, also under wrong clocks.

use proptest::prelude::*;

use super::*;

fn any_finding() -> impl Strategy<Value = Finding> {
    prop_oneof![
        3 => Just(healthy()),
        1 => Just(moved()),
        1 => Just(not_compared()),
        1 => (0..3_u8, any::<bool>()).prop_map(|(text, twice)| changed(text, twice)),
        1 => (0..3_u8, prop_oneof![Just(CriticalChange::Withdrawn), Just(CriticalChange::Tampered), Just(CriticalChange::NewVersion)])
            .prop_map(|(text, alarm)| alarming(text, alarm)),
        2 => prop_oneof![Just(Weight::Weak), Just(Weight::Inferred), Just(Weight::Strong), Just(Weight::Decisive)]
            .prop_map(gone),
        1 => Just(failing(Reason::Certificate)),
        1 => Just(failing(Reason::NotAnswering)),
        1 => Just(refused()),
        1 => Just(Finding::Unclear { reason: Reason::TooLarge }),
        1 => prop_oneof![Just(Reason::Login), Just(Reason::Paywall), Just(Reason::Forbidden)]
            .prop_map(restricted),
    ]
}

/// Histories with few kinds of nights, because the thresholds need long runs of one kind.
fn rows() -> impl Strategy<Value = Vec<Finding>> {
    prop::collection::vec((any_finding(), 1..9_usize), 1..6)
        .prop_map(|rows| rows.into_iter().flat_map(|(finding, times)| vec![finding; times]).collect())
}

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    prop_oneof![prop::collection::vec(any_finding(), 1..30), rows()]
}

/// The nights since the last good one with evidence at least as strong as this, without certificates.
fn signs(findings: &[Finding], least: Weight) -> u32 {
    let is_sign = |finding: &&Finding| matches!(finding, Finding::Gone { reason, weight } if *reason != Reason::Certificate && *weight >= least);
    count(current_row(findings).filter(is_sign))
}

fn current_row(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().rev().take_while(|finding| !matches!(finding, Finding::Healthy { .. }))
}

fn count<T>(nights: impl Iterator<Item = T>) -> u32 {
    u32::try_from(nights.count()).unwrap()
}

/// How bad a verdict is for a reader. A confirmed login wall ranks as high as a dead link,
/// because it can hide one, which shows when the wall is removed.
fn badness(verdict: &Verdict) -> u32 {
    match verdict.state {
        State::Ok | State::Moved { .. } | State::Changed { .. } => 0,
        State::Unverifiable { .. } => 1,
        State::Failing { .. } => 2,
        State::Restricted { .. } | State::Dead { .. } => 3,
    }
}

proptest! {
    /// The rules for every dead link, counted from the nights alone.
    #[test]
    fn a_dead_link_has_the_nights_that_its_evidence_needs(findings in findings()) {
        let needed = [(Weight::Decisive, 2), (Weight::Strong, 3), (Weight::Inferred, 3), (Weight::Weak, 7)];
        let has_them = needed.iter().any(|(least, nights)| signs(&findings, *least) >= *nights);
        match judged(findings.clone()).state {
            State::Dead { reason } => prop_assert!(has_them && reason != Reason::Certificate, "{reason:?}"),
            State::Failing { .. } => {
                let history = history(findings);
                let is_flapping = state_flips(&history, history[history.len() - 1].at) >= FLIPS_OF_A_FLAPPING_LINK;
                let is_warning = matches!(judge(&history, history[0].at).state.reason(), Some(Reason::Certificate));
                prop_assert!(!has_them || is_flapping || is_warning);
            }
            State::Ok | State::Moved { .. } | State::Changed { .. } | State::Restricted { .. } | State::Unverifiable { .. } => {}
        }
    }

    #[test]
    fn a_restricted_link_has_the_nights_that_its_evidence_needs(findings in findings()) {
        if let State::Restricted { reason } = judged(findings.clone()).state {
            let locked = |counts: fn(Reason) -> bool| {
                count(current_row(&findings).filter(|finding| matches!(finding, Finding::Restricted { reason } if counts(*reason))))
            };
            if reason == Reason::Forbidden {
                prop_assert!(locked(|_| true) >= 7);
            } else {
                prop_assert!(locked(|reason| reason != Reason::Forbidden) >= 3);
            }
        }
    }

    /// One more night raises a verdict only by its own evidence: no dead link without evidence
    /// for one, no login wall without a wall. A dead link that a wall hid shows again when the
    /// wall is gone.
    #[test]
    fn a_night_confirms_only_its_own_kind(findings in findings(), tonight in any_finding()) {
        let before = judged(findings.clone());
        let without_walls = findings.iter().filter(|finding| !matches!(finding, Finding::Restricted { .. }));
        let was_hidden = matches!(judged(without_walls.cloned()).state, State::Dead { .. });
        let after = judged(findings.into_iter().chain([tonight.clone()]));
        if before.state.name() != after.state.name() {
            let is_sign = matches!(tonight, Finding::Gone { reason, .. } if reason != Reason::Certificate);
            let is_wall = matches!(tonight, Finding::Restricted { .. });
            let is_work = matches!(tonight, Finding::Healthy { .. });
            match after.state {
                State::Dead { .. } => prop_assert!(is_sign || was_hidden, "{:?} became {:?}", before, after),
                State::Restricted { .. } => prop_assert!(is_wall, "{:?} became {:?}", before, after),
                State::Changed { .. } | State::Moved { .. } | State::Ok => prop_assert!(is_work),
                State::Failing { .. } | State::Unverifiable { .. } => prop_assert!(!is_work),
            }
        }
    }

    /// A version accepted by time is never a critical change, and nights without a change accept nothing.
    #[test]
    fn only_a_plain_change_is_accepted_by_time(findings in findings()) {
        if let Some(text) = outlived(findings.clone()) {
            let history = history(findings);
            let newest = history.iter().rev().find_map(|night| night.drift()?.different());
            prop_assert!(newest.is_some_and(|change| change.text == text && !change.is_worse()));
        }
    }

    #[test]
    fn a_refusal_never_makes_a_verdict_worse(mut findings in findings()) {
        let before = judged(findings.clone());
        findings.push(refused());
        let after = judged(findings);
        prop_assert!(badness(&after) <= badness(&before).max(1), "{:?} became {:?}", before, after);
        if badness(&after) >= 2 {
            prop_assert_eq!(after.nights, before.nights);
        }
    }

    #[test]
    fn a_good_night_never_makes_a_verdict_worse(mut findings in findings()) {
        let before = judged(findings.clone());
        findings.push(healthy());
        prop_assert!(badness(&judged(findings)) <= badness(&before));
    }

    #[test]
    fn an_earlier_good_night_never_makes_a_verdict_worse(findings in findings(), place in any::<prop::sample::Index>()) {
        let before = judged(findings.clone());
        let nights = history(findings.clone());
        // A flapping link must fail for longer; another good night may end the flapping.
        let is_flapping = state_flips(&nights, nights[nights.len() - 1].at) >= FLIPS_OF_A_FLAPPING_LINK;
        let mut kinder = findings;
        let place = place.index(kinder.len());
        kinder[place] = healthy();
        prop_assert!(is_flapping || badness(&judged(kinder)) <= badness(&before).max(1));
    }
}

/// A history whose nights began on these days by the clock of the machine.
fn under_clocks(findings: impl IntoIterator<Item = Finding>, days: &[i64]) -> Vec<Evidence> {
    let nights = history(findings).into_iter().zip(days);
    nights.map(|(evidence, day)| Evidence { at: night(*day), ..evidence }).collect()
}

proptest! {
    #[test]
    fn permuted_clocks_do_not_change_the_nights_in_a_row(
        (kinds, days) in prop::collection::vec(0..4_usize, 1..20).prop_flat_map(|kinds| {
            let days: Vec<i64> = (0..).take(kinds.len()).collect();
            (Just(kinds), Just(days).prop_shuffle())
        })
    ) {
        let findings = || {
            let all = [healthy(), gone(Weight::Strong), failing(Reason::NotAnswering), refused()];
            kinds.iter().map(move |kind| all[*kind].clone())
        };
        let in_order: Vec<i64> = (0..).take(kinds.len()).collect();
        let meaning = |days: &[i64]| {
            let verdict = judge(&under_clocks(findings(), days), night(20));
            (verdict.state, verdict.nights)
        };
        prop_assert_eq!(meaning(&in_order), meaning(&days));
    }
}

#[test]
fn a_night_with_a_clock_a_year_ahead_does_not_hide_a_dead_link() {
    let days: Vec<i64> = std::iter::once(365).chain(1..=10).collect();
    for first in [healthy(), gone(Weight::Strong)] {
        let findings = std::iter::once(first).chain(std::iter::repeat_n(gone(Weight::Strong), 10));
        let verdict = judge(&under_clocks(findings, &days), night(10));
        assert!(matches!(verdict.state, State::Dead { .. }) && verdict.nights >= 10, "{verdict:?}");
    }
}
