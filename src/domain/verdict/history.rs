//! Streaks: how many nights in a row give the same result.

use jiff::{SignedDuration, Timestamp};

use crate::domain::evidence::{Evidence, Finding};
use crate::domain::schedule::NIGHT_APART;

/// The effect of a night on a streak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It belongs to the streak.
    Counts,
    /// It neither confirms nor ends it: a refusal, or a response that cannot be judged.
    Skips,
    /// It ends the streak.
    Ends,
}

/// Nights in a row with the same result, counted back from the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    pub nights: u32,
    /// The first of them.
    pub since: Option<Timestamp>,
}

/// Counts back from the newest evidence, oldest first in `history`. A clock that was wrong may
/// have given a later visit an earlier time.
pub fn streak(history: &[Evidence], effect: impl Fn(&Evidence) -> Effect) -> Streak {
    let mut streak = Streak::default();
    let mut counted: Option<Timestamp> = None;
    for evidence in history.iter().rev() {
        match effect(evidence) {
            Effect::Counts => {
                streak.since = Some(evidence.at);
                if counted.is_none_or(|other| other.duration_since(evidence.at).abs() >= NIGHT_APART) {
                    streak.nights += 1;
                    counted = Some(evidence.at);
                }
            }
            Effect::Skips => {}
            Effect::Ends => break,
        }
    }
    streak
}

/// How often the link went from good to bad or back in the last 30 days.
pub fn state_flips(history: &[Evidence], now: Timestamp) -> usize {
    let recent = SignedDuration::from_hours(30 * 24);
    let sides: Vec<bool> = history
        .iter()
        .filter(|evidence| now.duration_since(evidence.at) <= recent)
        .filter_map(|evidence| match evidence.finding {
            Finding::Healthy { .. } => Some(true),
            Finding::Gone { .. } => Some(false),
            Finding::Restricted { .. } | Finding::Refused { .. } | Finding::Unclear { .. } => None,
        })
        .collect();
    sides.windows(2).filter(|pair| pair[0] != pair[1]).count()
}
