//! Sentinels: after the visits, addresses that the operator trusts to work are
//! requested, to find out whether our own network works.

use crate::domain::address::Address;
use crate::domain::evidence::classify::classify;
use crate::domain::evidence::probe::{Probe, ProbeResult};
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::verdict::breaker::Sentinels;
use crate::world::World;
use crate::world::fetch::{Accept, FetchRequest};

/// Requests each sentinel, and a second time if it does not answer.
pub(super) async fn ask(world: &World) -> anyhow::Result<Sentinels> {
    let mut sentinels = Sentinels::default();
    for address in &world.sentinels {
        sentinels.asked += 1;
        if !answers(address, false, world).await? && !answers(address, true, world).await? {
            sentinels.failed += 1;
        }
    }
    Ok(sentinels)
}

/// Whether the host answers at all. A refusal counts as an answer.
async fn answers(address: &Address, fresh_connection: bool, world: &World) -> anyhow::Result<bool> {
    let request = FetchRequest {
        address: address.clone(),
        conditional: None,
        fresh_connection,
        accept: Accept::Page,
        accept_datetime: None,
    };
    let exchange = world.fetch.exchange(&request).await?.exchange;
    let answer = ProbeResult {
        probe: Probe::FrontPage(address.clone()),
        exchange,
        document: None,
        is_known: false,
        signatures: FoundSignatures::default(),
    };
    Ok(answer.exchange.status().is_some() || classify(&answer).is_answer())
}
