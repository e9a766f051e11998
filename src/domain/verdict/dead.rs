//! When a failing link is dead: how many nights must agree, by the strength of their evidence.

use jiff::Timestamp;

use crate::domain::evidence::{Evidence, Finding, Reason, Weight};
use crate::domain::verdict::history::{Effect, Streak, state_flips, streak};
use crate::domain::verdict::{State, Verdict};

/// Nights for decisive evidence: 410, no such host, an API that reports a removal.
const NIGHTS_DECISIVE: u32 = 2;
/// Nights for a plain 404 or a page that is not the work: sites are rebuilt over a
/// weekend, and 1 % of fetches fail by chance.
const NIGHTS_STRONG: u32 = 3;
/// Nights for a host that does not answer properly: most come back within a week.
const NIGHTS_WEAK: u32 = 7;
/// A link that goes up and down this often within 30 days is flapping, and must fail for
/// longer before it counts as dead.
pub(super) const FLIPS_OF_A_FLAPPING_LINK: usize = 3;
const EXTRA_NIGHTS_WHEN_FLAPPING: u32 = 2;

/// How many nights must agree before the link is dead; `None` if no number is enough.
pub fn nights_needed(reason: Reason, weight: Weight) -> Option<u32> {
    match (reason, weight) {
        // Readers can continue past a certificate warning, so it is reported but the link is not dead.
        (Reason::Certificate | Reason::OldTls, _) => None,
        (_, Weight::Decisive) => Some(NIGHTS_DECISIVE),
        (_, Weight::Strong | Weight::Inferred) => Some(NIGHTS_STRONG),
        (_, Weight::Weak) => Some(NIGHTS_WEAK),
    }
}

/// How far a streak of failures is from a confirmed dead link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Nights whose evidence is strong enough.
    pub nights: u32,
    pub needed: u32,
}

/// The progress of the last streak of failures. `None` if no number of such nights makes
/// the link dead, or if the link does not fail.
pub fn confirmation(history: &[Evidence], now: Timestamp) -> Option<Confirmation> {
    let last = history.iter().rposition(|evidence| matches!(evidence.finding, Finding::Gone { .. }))?;
    nearest(&history[..=last], now).1
}

/// The verdict of a link whose last evidence is a failure: `failing`, or `dead` once enough
/// nights confirm it.
pub(super) fn judge(history: &[Evidence], now: Timestamp) -> Verdict {
    let (reason, weight) = strongest(history);
    let (all, confirmation) = nearest(history, now);
    let is_dead = confirmation.is_some_and(|confirmation| confirmation.nights >= confirmation.needed);
    let state = if is_dead { State::Dead { reason } } else { State::Failing { reason, weight } };
    Verdict::of_streak(state, all, now)
}

/// All nights of the last streak of failures. Of equally strong signs, those that are
/// closest to a confirmation count.
fn nearest(history: &[Evidence], now: Timestamp) -> (Streak, Option<Confirmation>) {
    let (reason, weight) = strongest(history);
    let is_death = |reason, weight| nights_needed(reason, weight).is_some();
    // Readers can continue past such a warning, and it does not show whether the work is
    // there. So these nights confirm only their own reason.
    let at_least = |least: Weight| {
        streak(history, move |evidence| match evidence.finding {
            Finding::Gone { reason: seen, weight: heavy }
                if heavy >= least && is_death(seen, heavy) == is_death(reason, weight) =>
            {
                Effect::Counts
            }
            Finding::Gone { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. }
            | Finding::Restricted { .. } => Effect::Skips,
            Finding::Healthy { .. } => Effect::Ends,
        })
    };
    let all = at_least(Weight::Weak);
    let extra =
        if state_flips(history, now) >= FLIPS_OF_A_FLAPPING_LINK { EXTRA_NIGHTS_WHEN_FLAPPING } else { 0 };
    let confirmation = |least: Weight| {
        let needed = nights_needed(reason, least.min(weight))? + extra;
        Some(Confirmation { nights: at_least(least).nights, needed })
    };
    let levels = [Weight::Decisive, Weight::Strong, Weight::Inferred, Weight::Weak];
    let nearest = levels.into_iter().filter_map(confirmation);
    (all, nearest.min_by_key(|confirmation| confirmation.needed.saturating_sub(confirmation.nights)))
}

/// The reported reason of the current streak of failures: the strongest sign; of equal ones, the newest.
fn strongest(history: &[Evidence]) -> (Reason, Weight) {
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
