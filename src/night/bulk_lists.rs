//! The lists of bulk interfaces: they replace the visits of links whose works have not changed.
//! `domain::evidence::bulk_interface` decides.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::{self, BulkInterface, ListedWorks, WorkId};
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::probe::CheckedLink;
use crate::night::capture_select::{self, VisitResult};
use crate::night::pages::LINKS_AT_ONCE;
use crate::night::progress::Watcher;
use crate::night::record::{self, RunningNight};
use crate::night::rota::NightScope;
use crate::world::World;
use crate::world::fetch::{Accept, FetchRequest, Fetched};

/// The longest list that is read.
const LIST_BYTES: u64 = 16 << 20;

/// A link that a list may keep from being requested.
struct ListedLink {
    link: Address,
    history: LinkHistory,
    work: WorkId,
}

/// Stores tonight's evidence of the links whose works have not changed, by the lists of their
/// hosts. A list that cannot be had changes nothing: its links are visited.
pub(super) async fn read(
    links: &[CheckedLink],
    scope: NightScope<'_>,
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<()> {
    if !matches!(scope, NightScope::WithinBudgets { .. }) || world.bulk_interfaces.is_empty() {
        return Ok(());
    }
    let visited = world.catalogue.visited(night.row.id).await?;
    for (interface, address) in &world.bulk_interfaces {
        let of_host: Vec<Address> = links
            .iter()
            .map(|link| link.address.clone())
            .filter(|link| !visited.contains_key(link) && interface.work_of(link).is_some())
            .collect();
        for links in of_host.chunks(LINKS_AT_ONCE) {
            let candidates = candidates(*interface, links, world).await?;
            let Some(listed) = ask(*interface, address, &candidates, world).await? else { break };
            let now = world.clock.now();
            let (sender, receiver) = mpsc::channel(candidates.len().max(1));
            for candidate in candidates {
                let evidence = listed.get(&candidate.work).and_then(|submitted| {
                    bulk_interface::evidence(&candidate.link, &candidate.history, *submitted, now)
                });
                if let Some(evidence) = evidence {
                    // The channel has room for all of them.
                    let _ = sender.send(VisitResult::listed(candidate.link, evidence)).await;
                }
            }
            drop(sender);
            let spared = record::each(receiver, night, world, watch).await?.len();
            tracing::debug!(host = address.host(), spared, "a list of works has been read");
        }
    }
    Ok(())
}

/// The links whose visits a list may replace.
async fn candidates(
    interface: BulkInterface,
    links: &[Address],
    world: &World,
) -> anyhow::Result<Vec<ListedLink>> {
    let mut records = world.catalogue.link_records(links).await?;
    let now = world.clock.now();
    let mut candidates = Vec::new();
    for link in links {
        let (Some(record), Some(work)) = (records.remove(link), interface.work_of(link)) else { continue };
        let history = capture_select::without_lost_captures(&record.history, world)?.into_owned();
        if bulk_interface::may_replace_visit(link, &history, now) {
            candidates.push(ListedLink { link: link.clone(), history, work });
        }
    }
    Ok(candidates)
}

/// The lists of these works; `None` if the host does not give them.
async fn ask(
    interface: BulkInterface,
    address: &Address,
    candidates: &[ListedLink],
    world: &World,
) -> anyhow::Result<Option<ListedWorks>> {
    let works: BTreeSet<WorkId> = candidates.iter().map(|candidate| candidate.work.clone()).collect();
    let works: Vec<WorkId> = works.into_iter().collect();
    let mut listed = ListedWorks::new();
    for works in works.chunks(interface.works_at_once()) {
        let works: BTreeSet<WorkId> = works.iter().cloned().collect();
        let Some(list) = interface.list_of(address, &works) else { return Ok(None) };
        let request = FetchRequest {
            address: list,
            conditional: None,
            fresh_connection: false,
            accept: Accept::Anything,
            accept_datetime: None,
        };
        let Fetched { exchange, body } = world.fetch.exchange(&request).await?;
        let body = body.filter(|_| exchange.status() == Some(200));
        let text = body.map(|body| body.text(LIST_BYTES)).transpose()?.unwrap_or_default();
        match interface.read(&text, &works) {
            Ok(some) => listed.extend(some),
            Err(error) => {
                let status = exchange.status();
                tracing::warn!(%address, ?status, %error, "this bulk interface gives no list, so its links are visited one by one; if this goes on, remove it from [fetch.bulk_interfaces]");
                return Ok(None);
            }
        }
    }
    Ok(Some(listed))
}
