//! The bodies a visit brought: those worth keeping are handed on to be recorded.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::domain::address::Address;
use crate::domain::capture::{Digest, Why};
use crate::domain::document::{self, Document, Fingerprint};
use crate::domain::evidence::memory::{Kept, Memory};
use crate::domain::evidence::weigh::Case;
use crate::domain::evidence::{Evidence, keep};
use crate::domain::visit::{Exchange, Validators};
use crate::world::World;
use crate::world::reader::Reader;
use crate::world::spool::Spooled;

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

/// Reads a capture again, if it is still there.
pub(super) async fn read_again(kept: Option<&Kept>, world: &World) -> anyhow::Result<Option<Document>> {
    let Some(kept) = kept else { return Ok(None) };
    let capture = &kept.capture;
    let path = world.archive.path_of(capture.sha256);
    if !path.exists() {
        // Damaged and quarantined, or taken down: the fingerprint is all that is left.
        return Ok(None);
    }
    let context = document::Context::new(capture.document.clone(), Some(&capture.media_type));
    Ok(Some(world.reader.read(&path, &context).await?))
}

/// Reads the body that an exchange brought.
pub(super) async fn read_body(
    body: &Spooled,
    exchange: &Exchange,
    reader: &Reader,
) -> anyhow::Result<Document> {
    let content_type = exchange.last_hop().and_then(|hop| hop.headers.get("content-type"));
    let context = document::Context::new(exchange.final_address().clone(), content_type);
    Ok(reader.read(body.path(), &context).await?)
}

/// Picks what is kept of a visit.
pub(super) fn bring(case: &Case, evidence: Evidence, mut bodies: HashMap<usize, Spooled>) -> Brought {
    let bytes =
        case.answers.0.iter().filter_map(|answer| answer.exchange.body()).map(|body| body.bytes).sum();
    let rebased = case.baseline.map(Document::fingerprint).filter(|fingerprint| {
        case.memory.baseline.as_ref().is_some_and(|baseline| baseline.text.version != fingerprint.version)
    });
    let to_keep = keep::why(case, &evidence).and_then(|(why, is_baseline)| {
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
