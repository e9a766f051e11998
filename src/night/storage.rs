//! The storage that the copies use tonight, against the quotas.

use std::collections::HashSet;
use std::sync::Mutex;

use crate::domain::address::Address;
use crate::domain::capture::KeptRequisite;
use crate::domain::policy::quota::{StorageQuotas, StorageUse, StoredBody};
use crate::night::capture_select::NewCapture;
use crate::world::World;

/// What is stored, with the new captures of the night.
#[derive(Debug)]
pub(super) struct StorageTonight {
    quotas: StorageQuotas,
    used: Mutex<StorageUse>,
}

impl StorageTonight {
    /// Reads what is stored; `None` without a quota.
    pub(super) async fn read(world: &World) -> anyhow::Result<Option<Self>> {
        if world.quotas.is_unlimited() {
            return Ok(None);
        }
        let mut courses = Vec::new();
        for (course, _) in world.catalogue.courses().await? {
            let readings = world.catalogue.readings(&course).await?;
            let mentions = readings.iter().flat_map(|(_, page)| &page.mentions);
            let links: HashSet<Address> = mentions.filter_map(|mention| mention.address().cloned()).collect();
            courses.push(links);
        }
        let used = StorageUse::new(courses, &world.catalogue.stored_bodies().await?);
        Ok(Some(Self { quotas: world.quotas, used: Mutex::new(used) }))
    }

    /// Whether a new capture fits. If it does, it counts from now on.
    pub(super) fn takes(&self, link: &Address, new: &NewCapture) -> bool {
        let body = &new.body.body;
        let rendered = new.rendering.iter().flat_map(|rendering| &rendering.bodies);
        let bytes = rendered.map(|other| other.body.bytes).sum::<u64>().saturating_add(body.bytes);
        let stored = StoredBody { link: link.clone(), sha256: body.sha256, bytes };
        // A thread that panicked while it added a body stops the night.
        self.used.lock().is_ok_and(|mut used| used.try_add(&stored, &self.quotas))
    }

    /// The bytes that the requisites of a link may have.
    pub(super) fn left(&self, link: &Address) -> u64 {
        self.used.lock().map_or(0, |used| used.left(link, &self.quotas))
    }

    /// Counts the requisites of a link from now on.
    pub(super) fn add_requisites(&self, link: &Address, requisites: &[KeptRequisite]) {
        let Ok(mut used) = self.used.lock() else { return };
        for KeptRequisite { sha256, bytes, .. } in requisites {
            used.add(&StoredBody { link: link.clone(), sha256: *sha256, bytes: *bytes });
        }
    }
}
