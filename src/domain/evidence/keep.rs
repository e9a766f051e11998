//! What of a night is worth keeping, and what of earlier captures must be read to judge it.

use jiff::SignedDuration;

use crate::domain::capture::Why;
use crate::domain::document::{Document, Fingerprint, Format};
use crate::domain::evidence::ask::Answer;
use crate::domain::evidence::glance::{Glance, glance};
use crate::domain::evidence::memory::Memory;
use crate::domain::evidence::weigh::Case;
use crate::domain::evidence::{Drift, Evidence, Finding, flicker, mark};

/// A page that only flickers is kept once a week, not every night.
const SMALL_CHANGES_KEPT_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whether the text of the baseline has to be read again to judge what came.
pub fn needs_baseline(memory: &Memory, answers: &[Answer]) -> bool {
    let Some(baseline) = &memory.baseline else { return false };
    answers.iter().filter_map(|answer| answer.document.as_ref()).any(|document| {
        document.fingerprint() != baseline.text || mark::spam(document).in_source >= mark::SPAM_WORDS
    })
}

/// Whether the newest capture is another than the baseline, and of use: only
/// pages are told by it from their flicker.
pub fn needs_last(memory: &Memory, baseline: Option<&Document>) -> bool {
    !memory.last_is_baseline() && baseline.is_some_and(|baseline| baseline.format == Format::Html)
}

/// Why the night's document is kept, and whether it becomes the baseline.
///
/// Only a healthy answer is kept at all, so that nothing ever takes the place
/// of the last good capture but a good one.
pub fn why(case: &Case, evidence: &Evidence) -> Option<(Why, bool)> {
    let Finding::Healthy { drift, .. } = &evidence.finding else { return None };
    if !case.subject.kind.is_kept() || case.memory.is_taken_down {
        return None;
    }
    let last = case.memory.last.as_ref().map(|kept| &kept.capture);
    let (_, document) = case.work()?;
    match drift {
        Drift::First => Some((Why::First, true)),
        Drift::Same if last.is_none() => Some((Why::Restored, true)),
        // The page around an unchanged file is not what is kept.
        Drift::Same if is_file_unmodified(case) => None,
        Drift::Same if document.text.trim().is_empty() => {
            let new_bytes =
                case.work().and_then(|(answer, _)| answer.exchange.body()).map(|body| body.sha256);
            (new_bytes != last.map(|capture| capture.sha256)).then_some((Why::Reissued, false))
        }
        Drift::Same | Drift::NotCompared => None,
        Drift::Small(_) => {
            let is_old = last.is_none_or(|capture| {
                case.at.duration_since(capture.captured_at) >= SMALL_CHANGES_KEPT_EVERY
            });
            is_old.then_some((Why::Changed, false))
        }
        Drift::Different(change) => {
            let is_kept_already = case.memory.last.as_ref().map(|kept| kept.text) == Some(change.text);
            // A page that reads differently every night would fill the disk:
            // its first new text is kept, later ones when they have come twice.
            let is_new = !flicker::goes_on(&case.memory.history, change);
            (!is_kept_already
                && (case.memory.last_is_baseline()
                    || is_new
                    || change.seen_twice
                    || was_seen_before(case, change.text)))
            .then_some((Why::Changed, false))
        }
    }
}

fn is_file_unmodified(case: &Case) -> bool {
    case.answers.documents().any(|answer| glance(answer) == Glance::Unmodified)
}

fn was_seen_before(case: &Case, text: Fingerprint) -> bool {
    case.memory.history.iter().rev().take(7).any(|evidence| {
        matches!(&evidence.finding, Finding::Healthy { drift: Drift::Different(change), .. } if change.text == text)
    })
}
