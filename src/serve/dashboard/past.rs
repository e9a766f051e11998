//! How many links of a course were in which state, night by night.
//!
//! A report never changes once it is kept, so each is counted once.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::Mutex;

use crate::domain::course::CourseId;
use crate::domain::verdict::StateName;
use crate::world::catalogue::{self, Catalogue};

/// Nights that fit into a chart.
const NIGHTS: usize = 60;

/// The nights counted so far.
#[derive(Debug, Default)]
pub(in crate::serve) struct Past {
    counted: Mutex<HashMap<CourseId, Vec<(i64, Tally)>>>,
}

/// One night of a course.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Tally {
    pub started: Timestamp,
    /// Nothing was judged: what was believed before still stood.
    pub is_void: bool,
    pub links: BTreeMap<StateName, usize>,
}

impl Tally {
    pub(in crate::serve) fn count(&self, states: &[StateName]) -> usize {
        states.iter().filter_map(|state| self.links.get(state)).sum()
    }
}

/// As much of a kept report as is counted.
#[derive(Deserialize)]
struct Kept {
    started: Timestamp,
    void: Option<IgnoredAny>,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    verdict: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    state: State,
}

#[derive(Deserialize)]
struct State {
    state: StateName,
}

impl Past {
    /// The newest nights of a course, oldest first.
    pub(in crate::serve) async fn of(
        &self,
        course: &CourseId,
        catalogue: &Catalogue,
    ) -> Result<Vec<Tally>, catalogue::Error> {
        let mut counted = self.counted.lock().await;
        let nights = counted.entry(course.clone()).or_default();
        let last = nights.last().map_or(0, |(night, _)| *night);
        let most = u32::try_from(NIGHTS).unwrap_or(u32::MAX);
        let fresh = catalogue.reports_after::<Kept>(course, last, most).await?;
        nights.extend(fresh.into_iter().map(|(night, kept)| (night, tally(&kept))));
        let surplus = nights.len().saturating_sub(NIGHTS);
        nights.drain(..surplus);
        Ok(nights.iter().map(|(_, tally)| tally.clone()).collect())
    }
}

fn tally(kept: &Kept) -> Tally {
    let mut links = BTreeMap::new();
    for item in &kept.items {
        *links.entry(item.verdict.state.state).or_default() += 1;
    }
    Tally { started: kept.started, is_void: kept.void.is_some(), links }
}
