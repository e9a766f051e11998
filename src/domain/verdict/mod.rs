//! Derives a verdict on a link from the evidence of many nights.

#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

pub mod dead;
pub mod history;
pub mod judge;
pub mod breaker;
pub mod visit_priority;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::evidence::{Reason, TextChange, Weight};

/// The verdict on a link, and since when it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub state: State,
    /// The first of the nights that led to it.
    pub since: Timestamp,
    /// How many nights in a row have this result.
    pub nights: u32,
}

impl Verdict {
    /// A streak that no night counts for begins now.
    fn of_streak(state: State, streak: history::Streak, now: Timestamp) -> Self {
        Self { state, since: streak.since.unwrap_or(now), nights: streak.nights }
    }
}

/// The seven states; each has the facts that prove it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    Ok,
    Moved {
        to: Address,
    },
    Changed {
        reason: Reason,
        change: TextChange,
    },
    Restricted {
        reason: Reason,
    },
    Unverifiable {
        reason: Reason,
    },
    /// It fails, but the failure is not confirmed.
    Failing {
        reason: Reason,
        weight: Weight,
    },
    Dead {
        reason: Reason,
    },
}

/// The states without these facts, for counting and filtering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    Ok,
    Moved,
    Changed,
    Restricted,
    Unverifiable,
    Failing,
    Dead,
}

impl State {
    pub fn name(&self) -> StateName {
        match self {
            Self::Ok => StateName::Ok,
            Self::Moved { .. } => StateName::Moved,
            Self::Changed { .. } => StateName::Changed,
            Self::Restricted { .. } => StateName::Restricted,
            Self::Unverifiable { .. } => StateName::Unverifiable,
            Self::Failing { .. } => StateName::Failing,
            Self::Dead { .. } => StateName::Dead,
        }
    }

    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Ok => None,
            Self::Moved { .. } => Some(Reason::Renamed),
            Self::Changed { reason, .. }
            | Self::Restricted { reason }
            | Self::Unverifiable { reason }
            | Self::Failing { reason, .. }
            | Self::Dead { reason } => Some(*reason),
        }
    }
}

impl StateName {
    /// From the best to the worst.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Moved,
        Self::Changed,
        Self::Restricted,
        Self::Unverifiable,
        Self::Failing,
        Self::Dead,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Moved => "moved",
            Self::Changed => "changed",
            Self::Restricted => "restricted",
            Self::Unverifiable => "unverifiable",
            Self::Failing => "failing",
            Self::Dead => "dead",
        }
    }
}
