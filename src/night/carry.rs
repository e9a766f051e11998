//! One ask is carried out: the request is made, the body read.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::address::Address;
use crate::domain::evidence::ask::{Answer, Ask, Subject};
use crate::domain::evidence::mark::{self, What};
use crate::domain::evidence::memory::Memory;
use crate::night::keeping;
use crate::world::World;
use crate::world::fetch::{Accept, Conditional, FetchRequest, Fetched};
use crate::world::spool::Spooled;

/// What one link learnt that others need not ask again tonight.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Front pages of hosts, asked once a night.
    roots: Mutex<HashMap<Address, Answer>>,
}

pub(super) async fn out(
    ask: Ask,
    link: &Subject,
    memory: &Memory,
    shared: &Shared,
    world: &World,
) -> anyhow::Result<(Answer, Option<Spooled>)> {
    if let Ask::Root(address) = &ask
        && let Some(known) = shared.roots.lock().ok().and_then(|roots| roots.get(address).cloned())
    {
        return Ok((known, None));
    }
    let Fetched { exchange, body } = world.fetch.exchange(&request(&ask, link, memory)).await?;
    let is_known = body.as_ref().is_some_and(|body| {
        memory.last.is_some()
            && memory.baseline.as_ref().is_some_and(|baseline| baseline.capture.sha256 == body.body.sha256)
    });
    let document = match &body {
        Some(body) if !is_known => Some(keeping::read_body(body, &exchange, &world.reader).await?),
        Some(_) | None => None,
    };
    let answer = Answer { ask, exchange, document, is_known };
    if mark::any(What::BotWall, &answer) {
        world.fetch.stop_host(answer.exchange.final_address().host());
    }
    if let (Ask::Root(address), Ok(mut roots)) = (&answer.ask, shared.roots.lock()) {
        roots.insert(address.clone(), answer.clone());
    }
    Ok((answer, body))
}

fn request(ask: &Ask, link: &Subject, memory: &Memory) -> FetchRequest {
    let (address, fresh_connection, conditional) = match ask {
        Ask::Link => (&link.address, false, conditional(&link.address, memory)),
        Ask::Again => (&link.address, true, None),
        Ask::Document(address) => (address, false, conditional(address, memory)),
        Ask::DocumentAgain(address) => (address, true, None),
        Ask::Onward(address) | Ask::Root(address) | Ask::Sibling(address) | Ask::Witness(address) => {
            (address, false, None)
        }
    };
    FetchRequest {
        address: address.clone(),
        conditional,
        fresh_connection,
        accept: Accept::default(),
        accept_datetime: None,
    }
}

/// The last capture, where this is the address it was asked at.
fn conditional(address: &Address, memory: &Memory) -> Option<Conditional> {
    let kept = memory.last.as_ref().filter(|kept| kept.capture.chain.first() == Some(address))?;
    Some(Conditional { at: kept.capture.document.clone(), validators: kept.validators.clone()? })
}
