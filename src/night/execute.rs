//! The execution of a probe: it sends the request and reads the body.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::page_signatures::{self, SignatureKind};
use crate::domain::evidence::probe::{CheckedLink, Probe, ProbeResult};
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::night::capture_select;
use crate::night::requisites::RequisiteCache;
use crate::night::storage::StorageTonight;
use crate::world::World;
use crate::world::fetch::{Accept, Conditional, FetchRequest, Fetched};
use crate::world::spool::SpooledBody;

/// A page that the browser could not open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnopenedPage {
    pub address: Address,
    pub why: String,
}

/// Results that the visits of one night share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The front pages of hosts, requested once a night.
    roots: Mutex<HashMap<Address, ProbeResult>>,
    /// The requisites of pages, each requested once a night.
    pub requisites: RequisiteCache,
    /// Long texts are compared one after another, because comparing needs many times their
    /// size.
    pub long_texts: tokio::sync::Mutex<()>,
    /// Pages that a browser was to open.
    pub rendered: AtomicUsize,
    /// Pages that it could not open, and why.
    pub unopened: Mutex<Vec<UnopenedPage>>,
    /// Captures that the disk had no space for.
    pub without_room: AtomicUsize,
    /// Captures that a quota had no space for.
    pub over_quota: AtomicUsize,
    /// Set if there is a quota.
    pub storage: Option<StorageTonight>,
}

impl Shared {
    /// With what is stored, if there is a quota.
    pub(super) fn with_storage(storage: Option<StorageTonight>) -> Self {
        Self { storage, ..Self::default() }
    }
}

pub(super) async fn run(
    probe: Probe,
    link: &CheckedLink,
    history: &LinkHistory,
    shared: &Shared,
    world: &World,
) -> anyhow::Result<(ProbeResult, Option<SpooledBody>)> {
    if let Probe::FrontPage(address) = &probe
        && let Some(known) = shared.roots.lock().ok().and_then(|roots| roots.get(address).cloned())
    {
        return Ok((known, None));
    }
    let Fetched { exchange, body } = world.fetch.exchange(&request(&probe, link, history)).await?;
    let is_known = body.as_ref().is_some_and(|body| {
        history.last.is_some()
            && history.baseline.as_ref().is_some_and(|baseline| baseline.capture.sha256 == body.body.sha256)
    });
    let document = match &body {
        Some(body) if !is_known => Some(capture_select::read_body(body, &exchange, &world.reader).await?),
        Some(_) | None => None,
    };
    let answer = ProbeResult { probe, exchange, document, is_known, signatures: FoundSignatures::default() };
    if page_signatures::has_any(SignatureKind::BotWall, &answer) {
        world.fetch.stop_host(answer.exchange.final_address().host());
    }
    if let (Probe::FrontPage(address), Ok(mut roots)) = (&answer.probe, shared.roots.lock()) {
        roots.insert(address.clone(), answer.clone());
    }
    Ok((answer, body))
}

fn request(probe: &Probe, link: &CheckedLink, history: &LinkHistory) -> FetchRequest {
    let (address, fresh_connection, conditional) = match probe {
        Probe::Link => (&link.address, false, conditional(&link.address, history)),
        Probe::Retry => (&link.address, true, None),
        Probe::Document(address) => (address, false, conditional(address, history)),
        Probe::DocumentRetry(address) => (address, true, None),
        Probe::ClientRedirect(address)
        | Probe::FrontPage(address)
        | Probe::Nonexistent(address)
        | Probe::HostApi(address) => (address, false, None),
    };
    FetchRequest {
        address: address.clone(),
        conditional,
        fresh_connection,
        accept: Accept::default(),
        accept_datetime: None,
    }
}

/// The version that was seen last, otherwise the last capture, if this is the address at
/// which it was requested.
fn conditional(address: &Address, history: &LinkHistory) -> Option<Conditional> {
    let kept = history.last.as_ref().filter(|kept| kept.capture.chain.first() == Some(address))?;
    if let Some(seen) = history.seen().filter(|seen| seen.asked == *address) {
        return Some(Conditional { at: seen.at.clone(), validators: seen.validators.clone() });
    }
    Some(Conditional { at: kept.capture.document.clone(), validators: kept.validators.clone()? })
}
