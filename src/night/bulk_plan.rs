//! The part of bulk interfaces in a night that is planned: which visits their lists can replace.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::{self, BulkInterface};
use crate::domain::policy::night_plan::ListedLinks;
use crate::night::pages::LINKS_AT_ONCE;
use crate::world::catalogue::Catalogue;

/// The links whose visits at this time lists replace if nothing has changed, and the requests
/// for the lists.
///
/// # Errors
///
/// The catalogue cannot be read.
pub async fn listed(
    links: &[&Address],
    interfaces: &BTreeMap<BulkInterface, Address>,
    at: Timestamp,
    catalogue: &Catalogue,
) -> anyhow::Result<ListedLinks> {
    let mut listed = ListedLinks::default();
    for (interface, address) in interfaces {
        let of_interface: BTreeSet<&Address> =
            links.iter().copied().filter(|link| interface.work_of(link).is_some()).collect();
        let of_interface: Vec<Address> = of_interface.into_iter().cloned().collect();
        for links in of_interface.chunks(LINKS_AT_ONCE) {
            let records = catalogue.link_records(links).await?;
            let replaced = records
                .iter()
                .filter(|(link, record)| bulk_interface::may_replace_visit(link, &record.history, at))
                .map(|(link, _)| link);
            let works: BTreeSet<_> = replaced.clone().filter_map(|link| interface.work_of(link)).collect();
            listed.links.extend(replaced.cloned());
            if !works.is_empty() {
                *listed.lists.entry(address.host().to_owned()).or_default() +=
                    works.len().div_ceil(interface.works_at_once());
            }
        }
    }
    Ok(listed)
}
