//! The bodies a visit visited: those worth keeping are handed on to be recorded.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::domain::address::Address;
use crate::domain::capture::{CaptureReason, Digest};
use crate::domain::document::{self, Document, Fingerprint};
use crate::domain::evidence::link_history::{LinkHistory, StoredCapture};
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Evidence, capture_decision};
use crate::domain::visit::{Exchange, Validators};
use crate::world::World;
use crate::world::reader::Reader;
use crate::world::spool::SpooledBody;

/// What a visit visited home.
#[derive(Debug)]
pub(super) struct VisitResult {
    pub link: Address,
    pub evidence: Evidence,
    /// Body bytes received, kept or not.
    pub bytes: u64,
    pub new_capture: Option<NewCapture>,
    /// The capture it was compared with.
    pub baseline: Option<Digest>,
    /// The extraction changed since the baseline was read: its new fingerprint.
    pub new_fingerprint: Option<Fingerprint>,
}

/// A body that goes into the archive.
#[derive(Debug)]
pub(super) struct NewCapture {
    pub body: SpooledBody,
    pub exchange: Exchange,
    pub why: CaptureReason,
    pub document: Document,
    pub validators: Option<Validators>,
    /// Whether it is what later nights are compared with.
    pub is_baseline: bool,
}

/// What is remembered, with what the archive really has: where it lost the
/// newest capture, nothing is in hand, so that the link is asked in full.
/// What was taken down is not lost.
pub(super) fn without_lost_captures<'a>(history: &'a LinkHistory, world: &World) -> Cow<'a, LinkHistory> {
    if history.is_taken_down {
        return Cow::Borrowed(history);
    }
    let is_lost = |kept: &StoredCapture| !world.archive.path_of(kept.capture.sha256).exists();
    if history.last.as_ref().is_some_and(is_lost) || history.baseline.as_ref().is_some_and(is_lost) {
        Cow::Owned(LinkHistory { last: None, ..history.clone() })
    } else {
        Cow::Borrowed(history)
    }
}

/// Reads a capture again, if it is still there.
pub(super) async fn read_again(
    kept: Option<&StoredCapture>,
    world: &World,
) -> anyhow::Result<Option<Document>> {
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

/// Reads the body that an exchange visited.
pub(super) async fn read_body(
    body: &SpooledBody,
    exchange: &Exchange,
    reader: &Reader,
) -> anyhow::Result<Document> {
    let content_type = exchange.last_hop().and_then(|hop| hop.headers.get("content-type"));
    let context = document::Context::new(exchange.final_address().clone(), content_type);
    Ok(reader.read(body.path(), &context).await?)
}

/// Picks what is kept of a visit.
pub(super) fn select(
    context: &VisitContext,
    evidence: Evidence,
    mut bodies: HashMap<usize, SpooledBody>,
) -> VisitResult {
    let bytes =
        context.results.0.iter().filter_map(|answer| answer.exchange.body()).map(|body| body.bytes).sum();
    let new_fingerprint = context.baseline.map(Document::fingerprint).filter(|fingerprint| {
        context.history.baseline.as_ref().is_some_and(|baseline| baseline.text.version != fingerprint.version)
    });
    let new_capture = capture_decision::capture_reason(context, &evidence).and_then(|(why, is_baseline)| {
        let (answer, document) = context.document()?;
        let place = context.results.0.iter().position(|other| std::ptr::eq(other, answer))?;
        let body = bodies.remove(&place)?;
        let validators =
            answer.exchange.last_hop().map(|hop| hop.headers.validators()).filter(|it| !it.is_empty());
        Some(NewCapture {
            body,
            exchange: answer.exchange.clone(),
            why,
            document: document.clone(),
            validators,
            is_baseline,
        })
    });
    VisitResult {
        link: context.link.address.clone(),
        evidence,
        bytes,
        new_capture,
        baseline: context.history.baseline.as_ref().map(|kept| kept.capture.sha256),
        new_fingerprint,
    }
}
