//! The number of links of a course in each state, night by night.
//!
//! A stored report never changes, so each is counted only once.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::Mutex;

use crate::domain::course::CourseId;
use crate::domain::report::Revisit;
use crate::domain::verdict::StateName;
use crate::serve::error::Error;
use crate::world::catalogue::Catalogue;

/// Nights in a chart.
const MAX_NIGHTS: u32 = 60;

/// The nights counted so far, by course.
#[derive(Debug, Default)]
pub(in crate::serve) struct NightHistory {
    counted: Mutex<HashMap<CourseId, Vec<CountedNight>>>,
}

#[derive(Debug)]
struct CountedNight {
    id: i64,
    counts: StateCounts,
}

/// One night of a course.
#[derive(Clone, Debug)]
pub(in crate::serve) struct StateCounts {
    pub started: Timestamp,
    /// The night failed on our side, so the states of the night before stayed.
    pub is_void: bool,
    pub links: BTreeMap<StateName, usize>,
}

impl StateCounts {
    pub(in crate::serve) fn count(&self, states: &[StateName]) -> usize {
        states.iter().filter_map(|state| self.links.get(state)).sum()
    }
}

/// The parts of a stored report that are counted.
#[derive(Deserialize)]
struct StoredNight {
    started: Timestamp,
    void: Option<IgnoredAny>,
    items: Vec<StoredItem>,
}

#[derive(Deserialize)]
struct StoredItem {
    verdict: StoredVerdict,
    #[serde(default)]
    revisit: Option<Revisit>,
}

#[derive(Deserialize)]
struct StoredVerdict {
    state: StoredState,
}

#[derive(Deserialize)]
struct StoredState {
    state: StateName,
}

impl NightHistory {
    /// The latest nights of a course, oldest first.
    pub(in crate::serve) async fn of_course(
        &self,
        course: &CourseId,
        catalogue: &Catalogue,
    ) -> Result<Vec<StateCounts>, Error> {
        let mut counted = self.counted.lock().await;
        let nights = counted.entry(course.clone()).or_default();
        let last = nights.last().map_or(0, |night| night.id);
        let new = catalogue.reports_after::<StoredNight>(course, last, MAX_NIGHTS).await?;
        nights.extend(new.into_iter().map(|(id, night)| CountedNight { id, counts: count(&night) }));
        let surplus = nights.len().saturating_sub(MAX_NIGHTS as usize);
        nights.drain(..surplus);
        Ok(nights.iter().map(|night| night.counts.clone()).collect())
    }
}

fn count(night: &StoredNight) -> StateCounts {
    let mut links = BTreeMap::new();
    let has_result = |item: &&StoredItem| item.revisit.is_none_or(|revisit| revisit.last_visit.is_some());
    for link_facts in night.items.iter().filter(has_result) {
        *links.entry(link_facts.verdict.state.state).or_default() += 1;
    }
    StateCounts { started: night.started, is_void: night.void.is_some(), links }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_wait_for_their_first_visit_are_not_counted() {
        let item = |state: &str, more: &str| {
            format!("{{\"verdict\":{{\"state\":{{\"state\":\"{state}\"}}}}{more}}}")
        };
        let revisit = |last: &str| format!(",\"revisit\":{{\"last_visit\":{last},\"interval\":4}}");
        let items = [
            item("ok", ""),
            item("ok", &revisit("\"2026-09-14T02:30:00Z\"")),
            item("unverifiable", ""),
            item("unverifiable", &revisit("null")),
        ];
        let night =
            format!("{{\"started\":\"2026-09-15T02:30:00Z\",\"void\":null,\"items\":[{}]}}", items.join(","));
        let counts = count(&serde_json::from_str(&night).unwrap());
        assert_eq!((counts.count(&[StateName::Ok]), counts.count(&[StateName::Unverifiable])), (2, 1));
    }
}
