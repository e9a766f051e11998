//! The lists of bulk interfaces: they replace the visits of links whose works have not changed.
//! `domain::evidence::bulk_interface` decides.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::{
    BulkInterface, ListCandidate, ListedWork, ListedWorks, NotAList, WorkId,
};
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::probe::CheckedLink;
use crate::domain::link::Kind;
use crate::night::capture_select::{self, VisitResult};
use crate::night::pages::LINKS_AT_ONCE;
use crate::night::progress::Watcher;
use crate::night::record::{self, RunningNight};
use crate::night::rota::NightScope;
use crate::world::World;
use crate::world::fetch::{Fetch, Fetched, InterfaceAccess};

/// The longest list that is read.
const LIST_BYTES: u64 = 16 << 20;

/// A link that a list may keep from being requested.
struct KnownLink {
    link: Address,
    kind: Kind,
    history: LinkHistory,
    work: WorkId,
}

impl KnownLink {
    fn candidate(&self, interface: BulkInterface) -> ListCandidate<'_> {
        ListCandidate { interface, link: &self.link, kind: self.kind, history: &self.history }
    }
}

/// Stores tonight's evidence of the links whose works have not changed, by the lists of their
/// hosts, and notes the listed version of the others. A list that cannot be had changes nothing:
/// its links are visited.
pub(super) async fn read(
    links: &mut [CheckedLink],
    scope: NightScope<'_>,
    night: &RunningNight,
    world: &World,
    watch: Watcher<'_>,
) -> anyhow::Result<()> {
    if !matches!(scope, NightScope::WithinBudgets { .. }) || world.bulk_interfaces.is_empty() {
        return Ok(());
    }
    let visited = world.catalogue.visited(night.row.id).await?;
    for (interface, access) in &world.bulk_interfaces {
        let mut of_interface: Vec<(&mut CheckedLink, WorkId)> = links
            .iter_mut()
            .filter(|link| !visited.contains_key(&link.address))
            .filter_map(|link| interface.work_of(&link.address).map(|work| (link, work)))
            .collect();
        for links in of_interface.chunks_mut(LINKS_AT_ONCE) {
            let known = known(links, world).await?;
            let works = works(*interface, links, &known, world);
            let Some(listed) = ask(*interface, access, &works, world).await? else { break };
            for (link, work) in links {
                link.listed_version = match listed.get(work) {
                    Some(ListedWork::Version(version)) => Some(version.clone()),
                    Some(ListedWork::Submitted(_)) | None => None,
                };
            }
            let spared = replaced(*interface, known, &listed, world.clock.now());
            let (sender, receiver) = mpsc::channel(spared.len().max(1));
            for result in spared {
                // The channel has room for all of them.
                let _ = sender.send(result).await;
            }
            drop(sender);
            let spared = record::each(receiver, night, world, watch).await?.len();
            tracing::debug!(host = access.address.host(), spared, "a list of works has been read");
        }
    }
    Ok(())
}

/// The results of the links that need no visit.
fn replaced(
    interface: BulkInterface,
    known: Vec<KnownLink>,
    listed: &ListedWorks,
    now: Timestamp,
) -> Vec<VisitResult> {
    let result = |link: KnownLink| {
        let evidence = link.candidate(interface).evidence(listed.get(&link.work)?, now)?;
        Some(VisitResult::listed(link.link, evidence))
    };
    known.into_iter().filter_map(result).collect()
}

/// The links that were visited before.
async fn known(links: &[(&mut CheckedLink, WorkId)], world: &World) -> anyhow::Result<Vec<KnownLink>> {
    let addresses: Vec<Address> = links.iter().map(|(link, _)| link.address.clone()).collect();
    let mut records = world.catalogue.link_records(&addresses).await?;
    let mut known = Vec::new();
    for (link, work) in links {
        let Some(record) = records.remove(&link.address) else { continue };
        let history = capture_select::without_lost_captures(&record.history, world)?.into_owned();
        let (link, kind, work) = (link.address.clone(), link.kind, work.clone());
        known.push(KnownLink { link, kind, history, work });
    }
    Ok(known)
}

/// The works that the list should name.
fn works(
    interface: BulkInterface,
    links: &[(&mut CheckedLink, WorkId)],
    known: &[KnownLink],
    world: &World,
) -> Vec<WorkId> {
    let now = world.clock.now();
    let works: BTreeSet<&WorkId> = if interface.lists_versions() {
        links.iter().map(|(_, work)| work).collect()
    } else {
        let replaced = known.iter().filter(|link| link.candidate(interface).may_replace_visit(now));
        replaced.map(|link| &link.work).collect()
    };
    works.into_iter().cloned().collect()
}

/// The lists of these works; `None` if the host does not give them.
async fn ask(
    interface: BulkInterface,
    access: &InterfaceAccess,
    works: &[WorkId],
    world: &World,
) -> anyhow::Result<Option<ListedWorks>> {
    let mut listed = ListedWorks::new();
    for works in works.chunks(interface.works_at_once()) {
        let works: BTreeSet<WorkId> = works.iter().cloned().collect();
        match request(interface, access, &works, &world.fetch).await? {
            Ok(some) => listed.extend(some),
            Err(error) => {
                tracing::warn!(%error, "the links of a bulk interface are visited one by one; if this goes on, remove it from [fetch.bulk_interfaces]");
                return Ok(None);
            }
        }
    }
    Ok(Some(listed))
}

/// An interface that gives no list.
#[derive(Debug, thiserror::Error)]
#[error("{address} gives no list of works, {}; check the address in [fetch.bulk_interfaces], and its key or token if it has one", self.response())]
pub struct NoList {
    address: Address,
    /// `None` if the interface did not answer.
    status: Option<u16>,
}

impl NoList {
    fn response(&self) -> String {
        self.status
            .map_or("and does not answer".to_owned(), |status| format!("but answers with status {status}"))
    }
}

/// What one list says of these works, which are not too many for a request.
///
/// # Errors
///
/// A failure on our side.
pub async fn request(
    interface: BulkInterface,
    access: &InterfaceAccess,
    works: &BTreeSet<WorkId>,
    fetch: &Fetch,
) -> anyhow::Result<Result<ListedWorks, NoList>> {
    let no_list = |status| NoList { address: access.address.clone(), status };
    let Some(list) = interface.list_of(&access.address, works) else { return Ok(Err(no_list(None))) };
    let Fetched { exchange, body } = fetch.list(interface, access, &list).await?;
    let body = body.filter(|_| exchange.status() == Some(200));
    let text = body.map(|body| body.text(LIST_BYTES)).transpose()?.unwrap_or_default();
    Ok(interface.read(&text, works).map_err(|NotAList| no_list(exchange.status())))
}
