//! The selection of captures: which response bodies of a visit are kept.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::domain::address::Address;
use crate::domain::capture::{CaptureReason, Digest, KeptRequisite, Rendering, Shortfall};
use crate::domain::document::{self, Citation, Document, Fingerprint};
use crate::domain::evidence::link_history::{LinkHistory, StoredCapture};
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Evidence, capture_decision, document_search, rendering};
use crate::domain::visit::{Exchange, Validators};
use crate::world::World;
use crate::world::archive;
use crate::world::document_reader::Reader;
use crate::world::fetch::Fetched;
use crate::world::spool::SpooledBody;

/// The result of a visit.
#[derive(Debug)]
pub(super) struct VisitResult {
    pub link: Address,
    pub evidence: Evidence,
    /// The received body bytes, kept or not.
    pub bytes: u64,
    pub new_capture: Option<NewCapture>,
    /// The page as it was received, if only its scripts make its text.
    pub received: Option<ReceivedBody>,
    /// The capture that the visit was compared with.
    pub baseline: Option<Digest>,
    /// The new fingerprint of the baseline, if the text extraction has changed.
    pub new_fingerprint: Option<Fingerprint>,
}

impl VisitResult {
    /// The result for a link that a list of its host has kept from being requested.
    pub(super) fn listed(link: Address, evidence: Evidence) -> Self {
        Self {
            link,
            evidence,
            bytes: 0,
            new_capture: None,
            received: None,
            baseline: None,
            new_fingerprint: None,
        }
    }
}

/// A response with its body.
#[derive(Debug)]
pub(super) struct ReceivedBody {
    pub exchange: Exchange,
    pub body: SpooledBody,
}

/// How a browser made a capture.
#[derive(Debug)]
pub(super) struct NewRendering {
    pub kept: Rendering,
    /// The files of the rendering.
    pub bodies: Vec<SpooledBody>,
    /// The type of the rendered page.
    pub media_type: &'static str,
    /// What the page has loaded.
    pub loaded: HashMap<Address, Fetched>,
}

/// A body that goes into the archive.
#[derive(Debug)]
pub(super) struct NewCapture {
    pub body: SpooledBody,
    pub exchange: Exchange,
    pub why: CaptureReason,
    pub document: Document,
    pub validators: Option<Validators>,
    /// Whether later nights are compared with it.
    pub is_baseline: bool,
    /// The requisites of a page.
    pub requisites: Vec<KeptRequisite>,
    /// What the body is, if it is not the work itself.
    pub shortfall: Option<Shortfall>,
    /// Set if the body is the page as a browser showed it.
    pub rendering: Option<NewRendering>,
}

impl NewCapture {
    /// Whether the disk of the archive has no room for it.
    pub(super) fn is_beside(&self) -> bool {
        let rendered = self.rendering.iter().flat_map(|rendering| &rendering.bodies);
        rendered.chain([&self.body]).any(SpooledBody::is_beside)
    }

    /// The claimed type of the body.
    pub(super) fn media_type(&self) -> Option<&str> {
        match &self.rendering {
            Some(rendering) => Some(rendering.media_type),
            None => self.exchange.last_hop().and_then(|hop| hop.headers.get("content-type")),
        }
    }
}

/// The history without captures whose file is missing in the archive, so that the
/// link is requested without validators and captured again. A capture that was
/// taken down is not missing.
pub(super) fn without_lost_captures<'a>(
    history: &'a LinkHistory,
    world: &World,
) -> Result<Cow<'a, LinkHistory>, archive::Error> {
    if history.is_taken_down {
        return Ok(Cow::Borrowed(history));
    }
    for kept in [&history.last, &history.baseline].into_iter().flatten() {
        if !world.archive.is_stored(kept.capture.sha256)? {
            return Ok(Cow::Owned(LinkHistory { last: None, ..history.clone() }));
        }
    }
    Ok(Cow::Borrowed(history))
}

/// Reads a stored capture again; `None` if its file is missing.
pub(super) async fn read_again(
    kept: Option<&StoredCapture>,
    world: &World,
) -> anyhow::Result<Option<Document>> {
    let Some(kept) = kept else { return Ok(None) };
    let capture = &kept.capture;
    let (archive, digest) = (world.archive.clone(), capture.sha256);
    let Some(path) = tokio::task::spawn_blocking(move || archive.readable_file(digest)).await?? else {
        // The file was quarantined or taken down. Only the fingerprint is left.
        return Ok(None);
    };
    let context = document::DocumentContext::new(capture.document.clone(), Some(&capture.media_type));
    Ok(Some(world.reader.read(&path, &context).await?))
}

/// Reads the body of an exchange.
pub(super) async fn read_body(
    body: &SpooledBody,
    exchange: &Exchange,
    reader: &Reader,
) -> anyhow::Result<Document> {
    let content_type = exchange.last_hop().and_then(|hop| hop.headers.get("content-type"));
    let context = document::DocumentContext::new(exchange.final_address().clone(), content_type);
    Ok(reader.read(body.path(), &context).await?)
}

/// Selects the capture of a visit.
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
            document: Document { citation: citation(context, document), ..document.clone() },
            validators,
            is_baseline,
            requisites: Vec::new(),
            shortfall: document_search::is_landing_page(context, document).then_some(Shortfall::LandingPage),
            rendering: None,
        })
    });
    let received = rendering::is_made_by_scripts(&evidence).then(|| received(context, &mut bodies)).flatten();
    VisitResult {
        link: context.link.address.clone(),
        evidence,
        bytes,
        new_capture,
        received,
        baseline: context.history.baseline.as_ref().map(|kept| kept.capture.sha256),
        new_fingerprint,
    }
}

/// The response for the page of a visit.
fn received(context: &VisitContext, bodies: &mut HashMap<usize, SpooledBody>) -> Option<ReceivedBody> {
    let page = context.results.page()?;
    let place = context.results.0.iter().position(|other| std::ptr::eq(other, page))?;
    Some(ReceivedBody { exchange: page.exchange.clone(), body: bodies.remove(&place)? })
}

/// What the document says of its work, and otherwise what the pages say that lead to it.
fn citation(context: &VisitContext, document: &Document) -> Citation {
    let pages = context.results.0.iter().filter_map(|answer| answer.document.as_ref());
    pages.fold(document.citation.clone(), |known, page| known.or(&page.citation))
}
