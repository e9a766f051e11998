//! The part of bulk interfaces in a night that is planned: which visits their lists can replace.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::{BulkInterface, ListCandidate};
use crate::domain::link::Kind;
use crate::domain::policy::night_plan::ListedLinks;
use crate::night::pages::LINKS_AT_ONCE;
use crate::world::catalogue::Catalogue;
use crate::world::fetch::InterfaceAccess;

/// The links whose visits at this time lists replace if nothing has changed, and the requests
/// for the lists.
///
/// # Errors
///
/// The catalogue cannot be read.
pub async fn listed(
    links: &BTreeMap<&Address, Kind>,
    interfaces: &BTreeMap<BulkInterface, InterfaceAccess>,
    at: Timestamp,
    catalogue: &Catalogue,
) -> anyhow::Result<ListedLinks> {
    let mut listed = ListedLinks::default();
    for (interface, access) in interfaces {
        let is_listed = |link: &&&Address| interface.work_of(link).is_some();
        let of_interface: Vec<Address> = links.keys().filter(is_listed).copied().cloned().collect();
        for addresses in of_interface.chunks(LINKS_AT_ONCE) {
            let records = catalogue.link_records(addresses).await?;
            let may_replace = |link: &&Address| {
                let (Some(record), Some(kind)) = (records.get(link), links.get(link)) else { return false };
                let history = &record.history;
                ListCandidate { interface: *interface, link, kind: *kind, history }.may_replace_visit(at)
            };
            let replaced: Vec<&Address> = addresses.iter().filter(may_replace).collect();
            let named =
                if interface.lists_versions() { addresses.iter().collect() } else { replaced.clone() };
            let works: BTreeSet<_> = named.into_iter().filter_map(|link| interface.work_of(link)).collect();
            listed.links.extend(replaced.into_iter().cloned());
            if !works.is_empty() {
                *listed.lists.entry(access.address.host().to_owned()).or_default() +=
                    works.len().div_ceil(interface.works_at_once());
            }
        }
    }
    Ok(listed)
}
