//! `judge`: a link's history of evidence becomes one verdict. Pure: no clock, no chance.

use jiff::{SignedDuration, Timestamp};

use crate::domain::document::Fingerprint;
use crate::domain::evidence::{Alarm, Change, Drift, Evidence, Finding, Reason, Weight};
use crate::domain::verdict::history::{Effect, Streak, streak, turns};
use crate::domain::verdict::{State, Verdict};

/// 410, no such host, an interface that says so: two nights.
const NIGHTS_DECISIVE: u32 = 2;
/// A plain 404, or a page that is not the work: three nights, because sites are
/// rebuilt over a weekend and 1 % of fetches fail by chance.
const NIGHTS_STRONG: u32 = 3;
/// A host that does not answer properly: a week, because most come back.
const NIGHTS_WEAK: u32 = 7;
/// "Moved" is news once the redirect has held for two nights.
const NIGHTS_MOVED: u32 = 2;
const NIGHTS_RESTRICTED: u32 = 3;
/// A bare 403 may be a mood of the host; a week of it is a policy.
const NIGHTS_FORBIDDEN: u32 = 7;
/// Web pages flicker: the same new text on two nights is a change.
const NIGHTS_CHANGED: u32 = 2;
/// A link that goes up and down this often within 30 days is flapping, and
/// must stay bad for longer before it is called dead.
const TURNS_OF_A_FLAPPING_LINK: usize = 3;
const EXTRA_NIGHTS_WHEN_FLAPPING: u32 = 2;
/// A change nobody looks at becomes the new normal.
const CHANGE_STANDS_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Judges a link by its valid nights, oldest first.
///
/// The last entry is tonight's. Nights that were void must not be among them.
/// An empty history is a link that was never checked.
pub fn judge(history: &[Evidence], now: Timestamp) -> Verdict {
    let Some(last) = history.last() else {
        return Verdict { state: State::Unverifiable { reason: Reason::NotChecked }, since: now, nights: 0 };
    };
    match &last.finding {
        Finding::Healthy { .. } => of_healthy(history, now),
        Finding::Gone { .. } => of_gone(history, now),
        Finding::Restricted { reason } => of_restricted(history, *reason, now),
        Finding::Refused { reason } | Finding::Unclear { reason } => {
            let spoke = |evidence: &Evidence| {
                is_word(evidence) || matches!(evidence.finding, Finding::Restricted { .. })
            };
            of_silence(history, history.iter().rposition(spoke), *reason, now)
        }
    }
}

/// The text of a change that has stood so long that it is the new normal:
/// later changes are to be told against it.
pub fn outlived_change(history: &[Evidence], now: Timestamp) -> Option<Fingerprint> {
    let (change, streak) = confirmed_change(history)?;
    (!stands(streak, now)).then_some(change.text)
}

fn stands(streak: Streak, now: Timestamp) -> bool {
    streak.since.is_some_and(|since| now.duration_since(since) < CHANGE_STANDS_FOR)
}

/// How many nights must agree before this is death; `None` where no number is enough.
pub fn nights_needed(reason: Reason, weight: Weight) -> Option<u32> {
    match (reason, weight) {
        // Readers get past a certificate warning: worth telling, not death.
        (Reason::Certificate, _) => None,
        (_, Weight::Decisive) => Some(NIGHTS_DECISIVE),
        (_, Weight::Strong | Weight::Inferred) => Some(NIGHTS_STRONG),
        (_, Weight::Weak) => Some(NIGHTS_WEAK),
    }
}

fn verdict(state: State, streak: Streak, now: Timestamp) -> Verdict {
    Verdict { state, since: streak.since.unwrap_or(now), nights: streak.nights }
}

fn of_healthy(history: &[Evidence], now: Timestamp) -> Verdict {
    if let Some((change, streak)) = confirmed_change(history).filter(|(_, streak)| stands(*streak, now)) {
        let reason = change_reason(&change);
        return verdict(State::Changed { reason, change }, streak, now);
    }
    if let Some((to, streak)) = confirmed_move(history) {
        return verdict(State::Moved { to }, streak, now);
    }
    let healthy = streak(history, |evidence| match evidence.finding {
        Finding::Healthy { .. } => Effect::Counts,
        Finding::Refused { .. } | Finding::Unclear { .. } => Effect::Skips,
        Finding::Gone { .. } | Finding::Restricted { .. } => Effect::Ends,
    });
    verdict(State::Ok, healthy, now)
}

/// The newest text, if enough nights or two fetches of one night saw it.
fn confirmed_change(history: &[Evidence]) -> Option<(Change, Streak)> {
    let change = history.last().and_then(change_of)?;
    let differing = |wanted: Option<_>| {
        streak(history, move |evidence| match &evidence.finding {
            Finding::Healthy { drift: Drift::Different(change), .. } => {
                if wanted.is_none_or(|text| change.text == text) { Effect::Counts } else { Effect::Skips }
            }
            Finding::Healthy { drift: Drift::NotCompared, .. } => Effect::Skips,
            Finding::Healthy { .. } => Effect::Ends,
            Finding::Refused { .. }
            | Finding::Unclear { .. }
            | Finding::Gone { .. }
            | Finding::Restricted { .. } => Effect::Skips,
        })
    };
    let same_text = differing(Some(change.text));
    let certain = change.seen_twice || same_text.nights >= NIGHTS_CHANGED;
    // A page that reads differently every night has still changed, if none of
    // those nights was anything like the text that was accepted.
    let restless = differing(None);
    (certain || restless.nights > NIGHTS_CHANGED).then(|| (change.clone(), restless))
}

fn change_of(evidence: &Evidence) -> Option<&Change> {
    match &evidence.finding {
        Finding::Healthy { drift: Drift::Different(change), .. } => Some(change),
        Finding::Healthy { .. }
        | Finding::Gone { .. }
        | Finding::Restricted { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => None,
    }
}

fn change_reason(change: &Change) -> Reason {
    match change.alarm {
        Some(Alarm::Withdrawn) => Reason::Withdrawn,
        Some(Alarm::Retracted) => Reason::Retracted,
        Some(Alarm::Tampered) => Reason::Tampered,
        Some(Alarm::Shrunken | Alarm::NewVersion) => Reason::Revised,
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

fn of_gone(history: &[Evidence], now: Timestamp) -> Verdict {
    let at_least = |least: Weight| {
        streak(history, move |evidence| match evidence.finding {
            Finding::Gone { weight, .. } if weight >= least => Effect::Counts,
            Finding::Gone { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. }
            | Finding::Restricted { .. } => Effect::Skips,
            Finding::Healthy { .. } => Effect::Ends,
        })
    };
    let all = at_least(Weight::Weak);
    let extra = if turns(history, now) >= TURNS_OF_A_FLAPPING_LINK { EXTRA_NIGHTS_WHEN_FLAPPING } else { 0 };
    let (reason, weight) = weightiest(history);
    let confirmed =
        [Weight::Decisive, Weight::Strong, Weight::Inferred, Weight::Weak].into_iter().any(|least| {
            nights_needed(reason, least.min(weight))
                .is_some_and(|needed| at_least(least).nights >= needed + extra)
        });
    let state = if confirmed { State::Dead { reason } } else { State::Failing { reason, weight } };
    verdict(state, all, now)
}

/// What is told of the current row of failures: the weightiest sign, the newest where equal.
fn weightiest(history: &[Evidence]) -> (Reason, Weight) {
    let mut best = (Reason::NotAnswering, Weight::Weak);
    let mut found = false;
    for evidence in history.iter().rev() {
        match evidence.finding {
            Finding::Gone { reason, weight } if !found || weight > best.1 => {
                best = (reason, weight);
                found = true;
            }
            Finding::Healthy { .. } => break,
            Finding::Gone { .. }
            | Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. } => {}
        }
    }
    best
}

fn of_restricted(history: &[Evidence], reason: Reason, now: Timestamp) -> Verdict {
    let locked = streak(history, |evidence| match evidence.finding {
        Finding::Restricted { .. } => Effect::Counts,
        Finding::Refused { .. } | Finding::Unclear { .. } | Finding::Gone { .. } => Effect::Skips,
        Finding::Healthy { .. } => Effect::Ends,
    });
    let needed = if reason == Reason::Forbidden { NIGHTS_FORBIDDEN } else { NIGHTS_RESTRICTED };
    if locked.nights >= needed {
        verdict(State::Restricted { reason }, locked, now)
    } else {
        of_silence(history, history.iter().rposition(is_word), reason, now)
    }
}

/// Whether a night's evidence says something of the link itself.
fn is_word(evidence: &Evidence) -> bool {
    matches!(evidence.finding, Finding::Healthy { .. } | Finding::Gone { .. })
}

/// Tonight said nothing of the link itself: what was believed when it last
/// did (`spoke`) stands, unless that was that all is well, which is no longer known.
fn of_silence(history: &[Evidence], spoke: Option<usize>, reason: Reason, now: Timestamp) -> Verdict {
    let silent = streak(history, |evidence| if is_word(evidence) { Effect::Ends } else { Effect::Counts });
    let unverifiable = verdict(State::Unverifiable { reason }, silent, now);
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
