//! What the workers of a night count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::visit::LocalFault;
use crate::night::execute::UnopenedPage;

/// What a worker counted since the end of its shard before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ShardTotals {
    pub requests: u64,
    pub bytes: u64,
    pub local_faults: BTreeMap<LocalFault, u32>,
    pub without_room: usize,
    pub over_quota: usize,
    pub unopened: Vec<UnopenedPage>,
}

impl ShardTotals {
    pub(super) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.bytes += other.bytes;
        for (fault, count) in other.local_faults {
            *self.local_faults.entry(fault).or_default() += count;
        }
        self.without_room += other.without_room;
        self.over_quota += other.over_quota;
        self.unopened.extend(other.unopened);
    }

    /// What was counted since `before`, which is a part of these totals.
    pub(super) fn since(mut self, before: &Self) -> Self {
        self.requests = self.requests.saturating_sub(before.requests);
        self.bytes = self.bytes.saturating_sub(before.bytes);
        for (fault, count) in &mut self.local_faults {
            *count = count.saturating_sub(before.local_faults.get(fault).copied().unwrap_or(0));
        }
        self.local_faults.retain(|_, count| *count > 0);
        self.without_room = self.without_room.saturating_sub(before.without_room);
        self.over_quota = self.over_quota.saturating_sub(before.over_quota);
        self.unopened.drain(..before.unopened.len().min(self.unopened.len()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(requests: u64, faults: &[(LocalFault, u32)]) -> ShardTotals {
        ShardTotals { requests, local_faults: faults.iter().copied().collect(), ..ShardTotals::default() }
    }

    #[test]
    fn the_totals_of_shards_add_up() {
        let first = totals(3, &[(LocalFault::NoRoute, 1)]);
        let all = totals(10, &[(LocalFault::NoRoute, 1), (LocalFault::DiskFull, 2)]);
        let second = all.clone().since(&first);
        assert_eq!(second, totals(7, &[(LocalFault::DiskFull, 2)]));
        let mut sum = first;
        sum.add(second);
        assert_eq!(sum, all);
    }
}
