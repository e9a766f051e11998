//! Which of the bodies a visit brought are kept, and why.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::SignedDuration;

use crate::domain::address::Address;
use crate::domain::capture::{Digest, Why};
use crate::domain::document::{self, Document, Fingerprint};
use crate::domain::evidence::ask::{Answer, Subject};
use crate::domain::evidence::memory::{Kept, Memory};
use crate::domain::evidence::weigh::Case;
use crate::domain::evidence::{Drift, Evidence, Finding};
use crate::domain::visit::{Exchange, Validators};
use crate::world::World;
use crate::world::spool::Spooled;

/// A page that only flickers is kept once a week, not every night.
const SMALL_CHANGES_KEPT_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a visit brought home.
#[derive(Debug)]
pub(super) struct Brought {
    pub link: Address,
    pub evidence: Evidence,
    /// Body bytes received, kept or not.
    pub bytes: u64,
    pub to_keep: Option<ToKeep>,
    /// The capture it was compared with.
    pub baseline: Option<Digest>,
    /// The extraction changed since the baseline was read: its new fingerprint.
    pub rebased: Option<Fingerprint>,
}

/// A body that goes into the archive.
#[derive(Debug)]
pub(super) struct ToKeep {
    pub body: Spooled,
    pub exchange: Exchange,
    pub why: Why,
    pub document: Document,
    pub validators: Option<Validators>,
    /// Whether it is what later nights are compared with.
    pub is_baseline: bool,
}

/// What is remembered, with what the archive really has: where it lost the
/// newest capture, nothing is in hand, so that the link is asked in full.
/// What was taken down is not lost.
pub(super) fn in_hand<'a>(memory: &'a Memory, world: &World) -> Cow<'a, Memory> {
    if memory.is_taken_down {
        return Cow::Borrowed(memory);
    }
    let is_lost = |kept: &Kept| !world.archive.path_of(kept.capture.sha256).exists();
    if memory.last.as_ref().is_some_and(is_lost) || memory.baseline.as_ref().is_some_and(is_lost) {
        Cow::Owned(Memory { last: None, ..memory.clone() })
    } else {
        Cow::Borrowed(memory)
    }
}

/// Whether the text of the baseline has to be read again to judge what came.
pub(super) fn needs_baseline(memory: &Memory, answers: &[Answer]) -> bool {
    let Some(baseline) = &memory.baseline else { return false };
    answers
        .iter()
        .filter_map(|answer| answer.document.as_ref())
        .any(|document| document.fingerprint() != baseline.text)
}

pub(super) async fn read_baseline(memory: &Memory, world: &World) -> anyhow::Result<Option<Document>> {
    let Some(baseline) = &memory.baseline else { return Ok(None) };
    let capture = &baseline.capture;
    let path = world.archive.path_of(capture.sha256);
    if !path.exists() {
        // Damaged and quarantined, or taken down: the fingerprint is all that is left.
        return Ok(None);
    }
    let context = document::Context::new(capture.document.clone(), Some(&capture.media_type));
    Ok(Some(world.reader.read(&path, &context).await?))
}

/// Picks what is kept of a visit.
pub(super) fn bring(case: &Case, evidence: Evidence, mut bodies: HashMap<usize, Spooled>) -> Brought {
    let bytes =
        case.answers.0.iter().filter_map(|answer| answer.exchange.body()).map(|body| body.bytes).sum();
    let rebased = case.baseline.map(Document::fingerprint).filter(|fingerprint| {
        case.memory.baseline.as_ref().is_some_and(|baseline| baseline.text.version != fingerprint.version)
    });
    let to_keep = why(case, &evidence).and_then(|(why, is_baseline)| {
        let (answer, document) = case.work()?;
        let place = case.answers.0.iter().position(|other| std::ptr::eq(other, answer))?;
        let body = bodies.remove(&place)?;
        let validators =
            answer.exchange.last_hop().map(|hop| hop.headers.validators()).filter(|it| !it.is_empty());
        Some(ToKeep {
            body,
            exchange: answer.exchange.clone(),
            why,
            document: document.clone(),
            validators,
            is_baseline,
        })
    });
    Brought {
        link: case.subject.address.clone(),
        evidence,
        bytes,
        to_keep,
        baseline: case.memory.baseline.as_ref().map(|kept| kept.capture.sha256),
        rebased,
    }
}

/// Why the night's document is kept, and whether it becomes the baseline.
///
/// Only a healthy answer is kept at all, so that nothing ever takes the place
/// of the last good capture but a good one.
fn why(case: &Case, evidence: &Evidence) -> Option<(Why, bool)> {
    let Finding::Healthy { drift, .. } = &evidence.finding else { return None };
    if !is_kept(case.subject) || case.memory.is_taken_down {
        return None;
    }
    let last = case.memory.last.as_ref().map(|kept| &kept.capture);
    let (_, document) = case.work()?;
    match drift {
        Drift::First => Some((Why::First, true)),
        Drift::Same if last.is_none() => Some((Why::Restored, true)),
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
            let baseline_is_last = last.map(|capture| capture.sha256)
                == case.memory.baseline.as_ref().map(|baseline| baseline.capture.sha256);
            // A page that reads differently every night would fill the disk:
            // its first new text is kept, later ones when they have come twice.
            (!is_kept_already
                && (baseline_is_last || change.seen_twice || was_seen_before(case, change.text)))
            .then_some((Why::Changed, false))
        }
    }
}

fn is_kept(subject: &Subject) -> bool {
    subject.kind.is_kept()
}

fn was_seen_before(case: &Case, text: Fingerprint) -> bool {
    case.memory.history.iter().rev().take(7).any(|evidence| {
        matches!(&evidence.finding, Finding::Healthy { drift: Drift::Different(change), .. } if change.text == text)
    })
}
