//! Decides which documents of a night are stored, and which earlier captures must be read again.

use jiff::SignedDuration;

use crate::domain::capture::CaptureReason;
use crate::domain::document::{Document, Fingerprint, Format};
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::document_file::is_file;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Drift, Evidence, Finding, page_signatures, text_noise};
use crate::domain::link::Kind;

/// A page with only text noise is stored once a week, not every night.
const SMALL_CHANGES_KEPT_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whether the text of the baseline is needed to judge these responses.
pub fn needs_baseline(history: &LinkHistory, answers: &[ProbeResult]) -> bool {
    let Some(baseline) = &history.baseline else { return false };
    answers.iter().filter_map(|answer| answer.document.as_ref()).any(|document| {
        document.fingerprint() != baseline.text
            || page_signatures::spam(document).in_source >= page_signatures::SPAM_WORDS
    })
}

/// Whether the text of the newest capture is needed. It separates changes of a page from
/// text noise, if it is not the baseline.
pub fn needs_last(history: &LinkHistory, baseline: Option<&Document>) -> bool {
    !history.last_is_baseline() && baseline.is_some_and(|baseline| baseline.format == Format::Html)
}

/// Why the night's document is stored, and whether it becomes the baseline.
///
/// Only a healthy response is stored, so that a bad one never replaces the last good
/// capture.
pub fn capture_reason(context: &VisitContext, evidence: &Evidence) -> Option<(CaptureReason, bool)> {
    let Finding::Healthy { drift, .. } = &evidence.finding else { return None };
    if !is_captured(context) || context.history.is_taken_down {
        return None;
    }
    let last = context.history.last.as_ref().map(|kept| &kept.capture);
    let (_, document) = context.document()?;
    match drift {
        Drift::First => Some((CaptureReason::First, true)),
        Drift::Same if last.is_none() => Some((CaptureReason::Restored, true)),
        // The page around an unchanged file is not stored.
        Drift::Same if is_file_unmodified(context) => None,
        // Archives and pictures are written again for each request with the same content.
        Drift::Same if document.contents.is_some() => None,
        Drift::Same if document.text.trim().is_empty() => {
            let new_bytes =
                context.document().and_then(|(answer, _)| answer.exchange.body()).map(|body| body.sha256);
            (new_bytes != last.map(|capture| capture.sha256)).then_some((CaptureReason::Reissued, false))
        }
        Drift::Same | Drift::NotCompared => None,
        Drift::Small(_) => {
            let is_old = last.is_none_or(|capture| {
                context.at.duration_since(capture.captured_at) >= SMALL_CHANGES_KEPT_EVERY
            });
            is_old.then_some((CaptureReason::Changed, false))
        }
        Drift::Different(change) => {
            let is_kept_already = context.history.last.as_ref().map(|kept| kept.text) == Some(change.text);
            // A page with a different text every night would fill the disk. Its first new
            // text is stored; a later one is stored when it was seen twice.
            let is_new = !text_noise::persists(&context.history.evidence, change);
            (!is_kept_already
                && (context.history.last_is_baseline()
                    || is_new
                    || change.seen_twice
                    || was_seen_before(context, change.text)))
            .then_some((CaptureReason::Changed, false))
        }
    }
}

/// Whether captures of the link are stored. Documents always are. Of code, files are
/// stored, but not the pages of a repository. Of videos, the page around a recording is
/// stored, but not the player of a video host.
fn is_captured(context: &VisitContext) -> bool {
    let document = context.document().map(|(_, document)| document);
    match context.link.kind {
        kind if kind.is_kept() => true,
        Kind::Code => document.is_some_and(is_file),
        Kind::Video => {
            document.is_some_and(|it| it.html.is_some()) && context.host_rules().host_api.is_none()
        }
        _ => false,
    }
}

fn is_file_unmodified(context: &VisitContext) -> bool {
    context.results.documents().any(|answer| classify(answer) == ResponseClass::Unmodified)
}

fn was_seen_before(context: &VisitContext, text: Fingerprint) -> bool {
    context.history.evidence.iter().rev().take(7).any(|evidence| {
        matches!(&evidence.finding, Finding::Healthy { drift: Drift::Different(change), .. } if change.text == text)
    })
}
