//! `judge`: turns a link's history of evidence into one verdict. Pure: no clock, no randomness.

use jiff::{SignedDuration, Timestamp};

use crate::domain::document::Fingerprint;
use crate::domain::evidence::{CriticalChange, Drift, Evidence, Finding, Reason, TextChange};
use crate::domain::verdict::dead;
use crate::domain::verdict::history::{Effect, Streak, streak};
use crate::domain::verdict::{State, Verdict};
/// Nights after which a redirect counts as `moved`.
const NIGHTS_MOVED: u32 = 2;
const NIGHTS_RESTRICTED: u32 = 3;
/// Nights after which a bare 403 counts as a policy of the host.
const NIGHTS_FORBIDDEN: u32 = 7;
/// Nights on which the same new text makes a change, because pages differ at random.
const NIGHTS_CHANGED: u32 = 2;
/// Days after which a change that was not decided on becomes the accepted version.
const CHANGE_CURRENT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Judges a link by its valid nights, oldest first.
///
/// The last entry is tonight's. Nights that were void must not be among them.
/// An empty history is a link that was never checked.
pub fn judge(history: &[Evidence], now: Timestamp) -> Verdict {
    let Some(last) = history.last() else {
        return Verdict { state: State::Unverifiable { reason: Reason::NotChecked }, since: now, nights: 0 };
    };
    match &last.finding {
        Finding::Healthy { .. } => judge_healthy(history, now),
        Finding::Gone { .. } => dead::judge(history, now),
        Finding::Restricted { reason } => judge_restricted(history, *reason, now),
        Finding::Refused { reason } | Finding::Unclear { reason } => {
            let spoke = |evidence: &Evidence| {
                is_about_link(evidence) || matches!(evidence.finding, Finding::Restricted { .. })
            };
            judge_without_evidence(history, history.iter().rposition(spoke), *reason, now)
        }
    }
}

/// The text of a change that has stood long enough to become the accepted version:
/// later changes are compared with it.
pub fn outlived_change(history: &[Evidence], now: Timestamp) -> Option<Fingerprint> {
    let confirmed = confirmed_change(history)?;
    (confirmed.is_of_one_text && !confirmed.is_current(now)).then_some(confirmed.change.text)
}

fn judge_healthy(history: &[Evidence], now: Timestamp) -> Verdict {
    if let Some(ConfirmedChange { change, streak, .. }) =
        confirmed_change(history).filter(|it| it.is_current(now))
    {
        let state = State::Changed { reason: change_reason(change), change: change.clone() };
        return Verdict::of_streak(state, streak, now);
    }
    if let Some((to, streak)) = confirmed_move(history) {
        return Verdict::of_streak(State::Moved { to }, streak, now);
    }
    let healthy = streak(history, |evidence| match evidence.finding {
        Finding::Healthy { .. } => Effect::Counts,
        Finding::Refused { .. } | Finding::Unclear { .. } => Effect::Skips,
        Finding::Gone { .. } | Finding::Restricted { .. } => Effect::Ends,
    });
    Verdict::of_streak(State::Ok, healthy, now)
}

/// A change that enough nights confirm.
struct ConfirmedChange<'a> {
    change: &'a TextChange,
    /// The nights with this text. For a page with a different text every night, all nights
    /// with a difference.
    streak: Streak,
    is_of_one_text: bool,
}

impl ConfirmedChange<'_> {
    /// Whether it is still reported. Another work in place of the linked one is always
    /// reported.
    fn is_current(&self, now: Timestamp) -> bool {
        let is_recent = |since| now.duration_since(since) < CHANGE_CURRENT_FOR;
        self.change.is_worse() || self.streak.since.is_some_and(is_recent)
    }
}

/// The newest text, if enough nights or two fetches of one night gave it. A night without
/// a comparison does not change it.
fn confirmed_change(history: &[Evidence]) -> Option<ConfirmedChange<'_>> {
    let change = history.iter().rev().find_map(compared)?.different()?;
    let differing = |wanted: Option<_>| {
        streak(history, move |evidence| match compared(evidence) {
            Some(Drift::Different(change)) if wanted.is_none_or(|text| change.text == text) => Effect::Counts,
            Some(Drift::Different(_)) | None => Effect::Skips,
            Some(Drift::First | Drift::Same | Drift::NotCompared | Drift::Small(_)) => Effect::Ends,
        })
    };
    let same_text = differing(Some(change.text));
    if change.seen_twice || same_text.nights >= NIGHTS_CHANGED {
        return Some(ConfirmedChange { change, streak: same_text, is_of_one_text: true });
    }
    // A page that reads differently every night has still changed, if none of
    // those nights resembles the accepted text.
    let unstable = differing(None);
    (unstable.nights > NIGHTS_CHANGED).then_some(ConfirmedChange {
        change,
        streak: unstable,
        is_of_one_text: false,
    })
}

/// The result of a night's text comparison, if there was one.
fn compared(evidence: &Evidence) -> Option<&Drift> {
    evidence.drift().filter(|drift| **drift != Drift::NotCompared)
}

fn change_reason(change: &TextChange) -> Reason {
    match change.alarm {
        Some(CriticalChange::Withdrawn) => Reason::Withdrawn,
        Some(CriticalChange::Retracted) => Reason::Retracted,
        Some(CriticalChange::Tampered) => Reason::Tampered,
        Some(CriticalChange::Shrunken | CriticalChange::NewVersion) => Reason::Revised,
        None if change.is_replacement() => Reason::Replaced,
        None => Reason::Revised,
    }
}

fn confirmed_move(history: &[Evidence]) -> Option<(crate::domain::address::Address, Streak)> {
    let target = history.last().and_then(moved_to)?;
    let held = streak(history, |evidence| match &evidence.finding {
        Finding::Healthy { moved_to: Some(to), .. } if to == target => Effect::Counts,
        Finding::Healthy { .. } => Effect::Ends,
        Finding::Gone { .. }
        | Finding::Restricted { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => Effect::Skips,
    });
    (held.nights >= NIGHTS_MOVED).then(|| (target.clone(), held))
}

fn moved_to(evidence: &Evidence) -> Option<&crate::domain::address::Address> {
    match &evidence.finding {
        Finding::Healthy { moved_to, .. } => moved_to.as_ref(),
        Finding::Gone { .. }
        | Finding::Restricted { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => None,
    }
}

/// A bare 403 shows less than a login page or a price, so it confirms only itself.
fn judge_restricted(history: &[Evidence], tonight: Reason, now: Timestamp) -> Verdict {
    let locked = |counts: fn(Reason) -> bool| {
        streak(history, move |evidence| match evidence.finding {
            Finding::Restricted { reason } if counts(reason) => Effect::Counts,
            Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. }
            | Finding::Gone { .. } => Effect::Skips,
            Finding::Healthy { .. } => Effect::Ends,
        })
    };
    let (by_name, any) = (locked(|reason| reason != Reason::Forbidden), locked(|_| true));
    if by_name.nights >= NIGHTS_RESTRICTED {
        let reason = history.iter().rev().find_map(stated_restriction).unwrap_or(tonight);
        Verdict::of_streak(State::Restricted { reason }, by_name, now)
    } else if any.nights >= NIGHTS_FORBIDDEN {
        Verdict::of_streak(State::Restricted { reason: Reason::Forbidden }, any, now)
    } else {
        judge_without_evidence(history, history.iter().rposition(is_about_link), tonight, now)
    }
}

/// The reason that the host gives for its demand, if it gives one.
fn stated_restriction(evidence: &Evidence) -> Option<Reason> {
    match evidence.finding {
        Finding::Restricted { reason } if reason != Reason::Forbidden => Some(reason),
        Finding::Restricted { .. }
        | Finding::Healthy { .. }
        | Finding::Gone { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => None,
    }
}

/// Whether a night's evidence concerns the link itself.
fn is_about_link(evidence: &Evidence) -> bool {
    matches!(evidence.finding, Finding::Healthy { .. } | Finding::Gone { .. })
}

/// Tonight's evidence does not concern the link itself: the verdict of the last
/// evidence that does (`spoke`) stays, unless it was `ok`, which is uncertain now.
fn judge_without_evidence(
    history: &[Evidence],
    spoke: Option<usize>,
    reason: Reason,
    now: Timestamp,
) -> Verdict {
    let silent =
        streak(history, |evidence| if is_about_link(evidence) { Effect::Ends } else { Effect::Counts });
    let unverifiable = Verdict::of_streak(State::Unverifiable { reason }, silent, now);
    let Some(last) = spoke else {
        return unverifiable;
    };
    let before = judge(&history[..=last], now);
    match before.state {
        State::Failing { .. } | State::Dead { .. } | State::Changed { .. } | State::Restricted { .. } => {
            before
        }
        State::Ok | State::Moved { .. } | State::Unverifiable { .. } => unverifiable,
    }
}

#[cfg(test)]
mod tests;
