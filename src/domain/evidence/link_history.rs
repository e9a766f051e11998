//! What earlier nights left for judging the next one.

use serde::{Deserialize, Serialize};

use crate::domain::capture::{Capture, KeptRequisite};
use crate::domain::document::Fingerprint;
use crate::domain::evidence::{Drift, Evidence};
use crate::domain::visit::Validators;

/// What is remembered of a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkHistory {
    /// Evidence of valid nights, oldest first; the last hundred.
    pub evidence: Vec<Evidence>,
    /// What later nights are compared with: the last accepted capture.
    pub baseline: Option<StoredCapture>,
    /// The newest capture; the baseline, or a version not accepted yet.
    pub last: Option<StoredCapture>,
    /// The owner asked us to stop: nothing is offered, nothing new is kept.
    pub is_taken_down: bool,
}

impl LinkHistory {
    /// The capture to offer a reader: the newest, unless it is another work
    /// under the same address, or a notice where the work was. Where nothing
    /// tells what it is any more, the accepted one is surely the work.
    pub fn current(&self) -> Option<&StoredCapture> {
        if self.is_taken_down {
            return None;
        }
        let is_better = self.last_is_baseline()
            || self.drift_of_last().and_then(Drift::change).is_some_and(|it| !it.is_worse());
        let (better, other) =
            if is_better { (&self.last, &self.baseline) } else { (&self.baseline, &self.last) };
        better.as_ref().or(other.as_ref())
    }

    /// Whether the newest capture is what later nights are compared with.
    pub fn last_is_baseline(&self) -> bool {
        let digest = |kept: &Option<StoredCapture>| kept.as_ref().map(|kept| kept.capture.sha256);
        digest(&self.last) == digest(&self.baseline)
    }

    /// How the newest capture differs from the accepted one, by the last night that read it.
    pub fn drift_of_last(&self) -> Option<&Drift> {
        let (last, baseline) = (self.last.as_ref()?, self.baseline.as_ref()?);
        if last.text == baseline.text {
            return Some(&Drift::Same);
        }
        let is_of_last = |drift: &&Drift| drift.change().is_some_and(|change| change.text == last.text);
        self.evidence.iter().rev().filter_map(Evidence::drift).find(is_of_last)
    }
}

/// A capture, and what comparing needs to know of it without reading it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredCapture {
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
    /// What the page needs to be read; nothing for files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requisites: Vec<KeptRequisite>,
}

#[cfg(test)]
mod tests {
    use crate::domain::evidence::comparison::ComparedBy;
    use jiff::Timestamp;

    use super::*;
    use crate::domain::address::Address;
    use crate::domain::capture::{CaptureReason, Digest};
    use crate::domain::evidence::{CriticalChange, TextChange};

    fn text(n: u8) -> Fingerprint {
        Fingerprint { version: 1, digest: Digest::of(&[n]) }
    }

    fn kept(n: u8) -> StoredCapture {
        let link = Address::parse("https://lab.edu/a").unwrap();
        let capture = Capture {
            document: link.clone(),
            chain: vec![link.clone()],
            link,
            sha256: Digest::of(&[n]),
            sha1: String::new(),
            bytes: 1,
            media_type: String::new(),
            captured_at: Timestamp::UNIX_EPOCH,
            why: CaptureReason::Changed,
            head: None,
            shortfall: None,
        };
        StoredCapture {
            capture,
            text: text(n),
            title: None,
            words: 9,
            pages: None,
            validators: None,
            is_baseline: n == 0,
            requisites: Vec::new(),
        }
    }

    fn change(n: u8, alarm: Option<CriticalChange>) -> TextChange {
        TextChange {
            similarity: 0.7,
            compared_by: ComparedBy::Text,
            words_changed: 300,
            words_before: 1000,
            words_after: 1000,
            pages_before: None,
            pages_after: None,
            section: None,
            alarm,
            seen_twice: true,
            flickers: false,
            text: text(n),
        }
    }

    /// The text of what is offered once text 1 was kept beside the accepted text 0, after these nights.
    fn offered(drifts: impl IntoIterator<Item = Drift>) -> Fingerprint {
        let night = |drift| Evidence {
            at: Timestamp::UNIX_EPOCH,
            status: None,
            ended_at: None,
            compared_by: None,
            finding: crate::domain::evidence::Finding::Healthy { drift, moved_to: None },
            notes: Vec::new(),
        };
        let history = drifts.into_iter().map(night).collect();
        let history = LinkHistory {
            evidence: history,
            baseline: Some(kept(0)),
            last: Some(kept(1)),
            ..LinkHistory::default()
        };
        history.current().unwrap().text
    }

    #[test]
    fn a_new_version_is_offered_whatever_came_after_it() {
        let new = Drift::Different(change(1, None));
        for after in [None, Some(Drift::Same), Some(Drift::NotCompared), Some(Drift::Small(change(2, None)))]
        {
            assert_eq!(offered([new.clone()].into_iter().chain(after)), text(1));
        }
        assert_eq!(offered([Drift::Small(change(1, None))]), text(1));
    }

    #[test]
    fn a_broken_version_is_never_offered_whatever_came_after_it() {
        for alarm in [
            CriticalChange::Shrunken,
            CriticalChange::Tampered,
            CriticalChange::Withdrawn,
            CriticalChange::Retracted,
        ] {
            let broken = Drift::Different(change(1, Some(alarm)));
            for after in [
                None,
                Some(Drift::Same),
                Some(Drift::NotCompared),
                Some(Drift::Small(change(2, None))),
                Some(Drift::Different(change(2, None))),
            ] {
                let nights: Vec<Drift> = [broken.clone()].into_iter().chain(after).collect();
                assert_eq!(offered(nights.clone()), text(0), "{nights:?}");
            }
        }
    }

    #[test]
    fn what_nobody_remembers_is_not_offered_before_what_was_accepted() {
        assert_eq!(offered([Drift::Same]), text(0));
    }
}
