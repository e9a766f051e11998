//! Visits that are stored together: their bodies, and what the journal and the full-text index
//! get of them.

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest};
use crate::domain::document::passage::Passage;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::journal::{Entry, VisitedBy};
use crate::night::capture_select::{NewCapture, VisitResult};
use crate::night::full_text;
use crate::world::World;
use crate::world::catalogue::{DocumentText, NightRef};
use crate::world::spool::SpooledBody;

/// Visits of a night, without the new captures that may not be stored.
#[derive(Default)]
pub(super) struct VisitBatch {
    captures: Vec<ReadCapture>,
    /// Older captures that were read again.
    reread: Vec<Entry>,
    visits: Vec<Entry>,
}

/// A new capture of a link, with the passages of its requisites that are texts.
struct ReadCapture {
    link: Address,
    capture: NewCapture,
    of_requisites: Vec<Passage>,
}

/// What is stored of a batch.
pub(super) struct BatchFiles {
    pub bodies: Vec<SpooledBody>,
    /// Those of one kind are together, because rows of one table are written together.
    pub entries: Vec<Entry>,
    pub texts: Vec<DocumentText>,
}

impl VisitBatch {
    /// A batch of these visits, each with the worker that made it. `observe` sees each visit
    /// with the capture that is stored.
    pub(super) async fn of(
        visits: Vec<(VisitResult, Option<VisitedBy>)>,
        night: NightRef,
        world: &World,
        mut observe: impl FnMut(&VisitResult),
    ) -> anyhow::Result<Self> {
        let body = |(visit, _): &(VisitResult, _)| Some(visit.new_capture.as_ref()?.body.body.sha256);
        let bodies: Vec<Digest> = visits.iter().filter_map(body).collect();
        // Bytes that were taken down are not stored again from another address.
        let taken_down = world.catalogue.taken_down_among(&bodies).await?;
        let mut batch = Self::default();
        for (mut visit, by) in visits {
            visit.new_capture = visit.new_capture.filter(|it| !taken_down.contains(&it.body.body.sha256));
            observe(&visit);
            let VisitResult { link, evidence, baseline, new_fingerprint, new_capture, .. } = visit;
            if let Some(new_capture) = new_capture {
                let requisites = &new_capture.requisites;
                let of_requisites =
                    full_text::of_requisites(requisites, &world.archive, &world.reader).await?;
                batch.captures.push(ReadCapture { link: link.clone(), capture: new_capture, of_requisites });
            }
            if let (Some(text), Some(sha256)) = (new_fingerprint, baseline) {
                batch.reread.push(Entry::Reread { link: link.clone(), sha256, text });
            }
            batch.visits.push(Entry::Visit { night: night.started, link, evidence, by });
        }
        Ok(batch)
    }

    /// Splits and digests the texts of the captures, which takes long for many of them.
    pub(super) fn into_files(self) -> BatchFiles {
        let (mut bodies, mut entries, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for ReadCapture { link, capture: mut new_capture, of_requisites } in self.captures {
            let mut passages = new_capture.document.passages();
            passages.extend(of_requisites);
            texts.push(DocumentText { sha256: new_capture.body.body.sha256, passages });
            if let Some(rendering) = &mut new_capture.rendering {
                bodies.append(&mut rendering.bodies);
            }
            let heads = new_capture.exchange.heads();
            let (body, kept) = stored(&link, new_capture);
            bodies.push(body);
            entries.push(Entry::Capture { kept: Box::new(kept), heads: Some(heads) });
        }
        entries.extend(self.reread.into_iter().chain(self.visits));
        BatchFiles { bodies, entries, texts }
    }
}

/// The body of a new capture, and what is known of it.
fn stored(link: &Address, new_capture: NewCapture) -> (SpooledBody, StoredCapture) {
    let media_type = new_capture.media_type().unwrap_or_default().to_owned();
    let NewCapture {
        body,
        exchange,
        why,
        document,
        validators,
        is_baseline,
        requisites,
        shortfall,
        rendering,
    } = new_capture;
    let disposition = exchange.last_hop().and_then(|hop| hop.headers.get("content-disposition"));
    let content_disposition = disposition.map(str::to_owned);
    let (text, words) = document.fingerprint_and_words();
    let stored = StoredCapture {
        text,
        words,
        title: document.title,
        pages: document.pages,
        validators,
        is_baseline,
        requisites,
        rendering: rendering.map(|rendering| Box::new(rendering.kept)),
        citation: Some(document.citation).filter(|citation| !citation.is_empty()),
        capture: Capture {
            link: link.clone(),
            document: exchange.final_address().clone(),
            sha256: body.body.sha256,
            sha1: body.body.sha1.clone(),
            bytes: body.body.bytes,
            media_type,
            captured_at: exchange.started,
            why,
            head: None,
            content_disposition,
            chain: exchange.hops.iter().map(|hop| hop.address.clone()).collect(),
            shortfall,
        },
    };
    (body, stored)
}
