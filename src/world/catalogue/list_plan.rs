//! Which visits of a planned night lists of their hosts can replace, by what is known of the links.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::{BulkInterface, ListCandidate};
use crate::domain::link::Kind;
use crate::domain::policy::night_plan::ListedLinks;

/// Links whose histories are in memory at the same time.
const LINKS_AT_ONCE: usize = 200;

impl Catalogue {
    /// The links whose visits at this time lists replace if nothing has changed, and the requests
    /// for the lists. Each interface has its host.
    ///
    /// # Errors
    ///
    /// The catalogue cannot be read.
    pub async fn listed_links(
        &self,
        links: &BTreeMap<&Address, Kind>,
        interfaces: &BTreeMap<BulkInterface, String>,
        at: Timestamp,
    ) -> Result<ListedLinks, Error> {
        let mut listed = ListedLinks::default();
        for (interface, host) in interfaces {
            let is_listed = |link: &&&Address| interface.work_of(link).is_some();
            let of_interface: Vec<Address> = links.keys().filter(is_listed).copied().cloned().collect();
            for addresses in of_interface.chunks(LINKS_AT_ONCE) {
                let records = self.link_records(addresses).await?;
                let may_replace = |link: &&Address| {
                    let (Some(record), Some(kind)) = (records.get(link), links.get(link)) else {
                        return false;
                    };
                    let history = &record.history;
                    ListCandidate { interface: *interface, link, kind: *kind, history }.may_replace_visit(at)
                };
                let replaced: Vec<&Address> = addresses.iter().filter(may_replace).collect();
                let named =
                    if interface.lists_versions() { addresses.iter().collect() } else { replaced.clone() };
                let works: BTreeSet<_> =
                    named.into_iter().filter_map(|link| interface.work_of(link)).collect();
                listed.links.extend(replaced.into_iter().cloned());
                if !works.is_empty() {
                    *listed.lists.entry(host.clone()).or_default() +=
                        works.len().div_ceil(interface.works_at_once());
                }
            }
        }
        Ok(listed)
    }
}
