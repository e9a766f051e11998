//! What is known of a link from earlier nights.

use serde::{Deserialize, Serialize};

use crate::domain::capture::{Capture, KeptRequisite, Rendering};
use crate::domain::document::{Citation, Fingerprint};
use crate::domain::evidence::{Drift, Evidence, SeenVersion};
use crate::domain::visit::Validators;

/// The history of a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkHistory {
    /// Evidence of valid nights, oldest first; at most the last hundred.
    pub evidence: Vec<Evidence>,
    /// The last accepted capture, which later nights are compared with.
    pub baseline: Option<StoredCapture>,
    /// The newest capture: the baseline, or a version that is not accepted yet.
    pub last: Option<StoredCapture>,
    /// The owner requested a takedown: no copy is offered, and no new one is stored.
    pub is_taken_down: bool,
}

impl LinkHistory {
    /// The capture that readers are offered: the newest one, unless it is another work at
    /// the same address, or a notice in its place. If its difference is not known, the
    /// accepted capture is offered.
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

    /// Whether the newest capture is the baseline.
    pub fn last_is_baseline(&self) -> bool {
        let digest = |kept: &Option<StoredCapture>| kept.as_ref().map(|kept| kept.capture.sha256);
        digest(&self.last) == digest(&self.baseline)
    }

    /// The version of the last response, if it has the text of a capture in other bytes and
    /// was not stored.
    pub fn seen(&self) -> Option<&SeenVersion> {
        let evidence = self.evidence.iter().rev().find(|evidence| evidence.drift().is_some())?;
        let (last, baseline) = (self.last.as_ref()?, self.baseline.as_ref()?);
        let seen = evidence.seen.as_deref()?;
        let is_kept = [last, baseline].iter().any(|kept| kept.capture.sha256 == seen.sha256);
        let reads_alike = [last, baseline].iter().any(|kept| kept.text == seen.text);
        (!is_kept && reads_alike).then_some(seen)
    }

    /// How that version differs from the accepted one.
    pub fn drift_of_seen(&self) -> Option<&Drift> {
        let (seen, baseline) = (self.seen()?, self.baseline.as_ref()?);
        if seen.text == baseline.text { Some(&Drift::Same) } else { self.drift_of_last() }
    }

    /// The difference of the newest capture from the accepted one, by the last night that compared it.
    pub fn drift_of_last(&self) -> Option<&Drift> {
        let (last, baseline) = (self.last.as_ref()?, self.baseline.as_ref()?);
        if last.text == baseline.text {
            return Some(&Drift::Same);
        }
        let is_of_last = |drift: &&Drift| drift.change().is_some_and(|change| change.text == last.text);
        self.evidence.iter().rev().filter_map(Evidence::drift).find(is_of_last)
    }
}

/// A capture, with the facts that a comparison needs without reading the file.
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
    /// Later nights are compared with this capture.
    pub is_baseline: bool,
    /// What the document, or the page that leads to it, says of the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<Citation>,
    /// The requisites of a page; empty for files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requisites: Vec<KeptRequisite>,
    /// Set if the body is the page as a browser showed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendering: Option<Box<Rendering>>,
}

impl StoredCapture {
    /// The files that belong to the capture beside its body and its response head.
    pub fn files(&self) -> impl Iterator<Item = &KeptRequisite> {
        let rendering = self.rendering.iter();
        let rendered = rendering.flat_map(|rendering| [Some(&rendering.source), rendering.pdf.as_ref()]);
        self.requisites.iter().chain(rendered.flatten())
    }
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
            content_disposition: None,
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
            rendering: None,
            citation: None,
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
            is_noise: false,
            text: text(n),
        }
    }

    /// The text of the offered capture, if text 1 was stored after the accepted text 0 and these nights followed.
    fn offered(drifts: impl IntoIterator<Item = Drift>) -> Fingerprint {
        let night = |drift| Evidence {
            at: Timestamp::UNIX_EPOCH,
            status: None,
            ended_at: None,
            compared_by: None,
            seen: None,
            finding: crate::domain::evidence::Finding::Healthy { drift, moved_to: None },
            notes: Vec::new(),
            is_listed: false,
            listed_version: None,
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
    fn other_bytes_with_a_known_text_are_remembered() {
        let seen = |text_of: u8| {
            let night = Evidence {
                at: Timestamp::UNIX_EPOCH,
                status: Some(200),
                ended_at: None,
                finding: crate::domain::evidence::Finding::Healthy { drift: Drift::Same, moved_to: None },
                compared_by: Some(ComparedBy::Text),
                notes: Vec::new(),
                seen: Some(Box::new(SeenVersion {
                    asked: Address::parse("https://lab.edu/a").unwrap(),
                    at: Address::parse("https://lab.edu/a").unwrap(),
                    sha256: Digest::of(b"packed again"),
                    text: text(text_of),
                    validators: Validators { etag: Some("\"2\"".to_owned()), last_modified: None },
                })),
                is_listed: false,
                listed_version: None,
            };
            LinkHistory {
                evidence: vec![night],
                baseline: Some(kept(0)),
                last: Some(kept(0)),
                ..LinkHistory::default()
            }
        };
        assert_eq!(seen(0).drift_of_seen(), Some(&Drift::Same));
        assert_eq!(seen(7).seen(), None, "another text is read again");
    }

    #[test]
    fn a_new_version_is_offered_after_any_later_night() {
        let new = Drift::Different(change(1, None));
        for after in [None, Some(Drift::Same), Some(Drift::NotCompared), Some(Drift::Small(change(2, None)))]
        {
            assert_eq!(offered([new.clone()].into_iter().chain(after)), text(1));
        }
        assert_eq!(offered([Drift::Small(change(1, None))]), text(1));
    }

    #[test]
    fn a_broken_version_is_never_offered() {
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
    fn a_capture_of_unknown_difference_is_not_offered() {
        assert_eq!(offered([Drift::Same]), text(0));
    }
}
