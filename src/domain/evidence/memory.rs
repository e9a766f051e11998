//! What earlier nights left for judging the next one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::capture::Capture;
use crate::domain::document::Fingerprint;
use crate::domain::evidence::{Alarm, Drift, Evidence, Finding};
use crate::domain::visit::Validators;

/// What is remembered of a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Evidence of valid nights, oldest first; the last hundred.
    pub history: Vec<Evidence>,
    /// What later nights are compared with: the last accepted capture.
    pub baseline: Option<Kept>,
    /// The newest capture; the baseline, or a version not accepted yet.
    pub last: Option<Kept>,
    /// Since when the baseline is accepted.
    pub accepted_at: Option<Timestamp>,
    /// The owner asked us to stop: nothing is offered, nothing new is kept.
    pub is_taken_down: bool,
}

impl Memory {
    /// The capture to offer a reader: the newest, unless it is another work
    /// under the same address, or a notice where the work was.
    pub fn current(&self) -> Option<&Kept> {
        if self.is_taken_down {
            return None;
        }
        let drift = self.history.iter().rev().find_map(|evidence| match &evidence.finding {
            Finding::Healthy { drift, .. } => Some(drift),
            Finding::Gone { .. }
            | Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. } => None,
        });
        let is_worse = match drift {
            Some(Drift::Different(change)) => match change.alarm {
                Some(Alarm::Withdrawn | Alarm::Retracted | Alarm::Shrunken | Alarm::Tampered) => true,
                Some(Alarm::NewVersion) | None => change.is_replacement(),
            },
            Some(Drift::First | Drift::Same | Drift::NotCompared | Drift::Small(_)) | None => false,
        };
        let (better, other) =
            if is_worse { (&self.baseline, &self.last) } else { (&self.last, &self.baseline) };
        better.as_ref().or(other.as_ref())
    }
}

/// A capture, and what comparing needs to know of it without reading it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    #[serde(flatten)]
    pub capture: Capture,
    pub text: Fingerprint,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub words: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validators: Option<Validators>,
    /// Taken to be what later nights are compared with.
    pub is_baseline: bool,
}
