//! The last visits of a link, for judging: rows of the newest nights, and runs of earlier ones.

use std::collections::HashMap;

use super::database::query_scalar;
use super::value::from_json;
use super::visit_runs::{NightVisit, runs_from};
use super::{Catalogue, Error};
use crate::domain::evidence::Evidence;

/// The number of visits that are read for judging.
pub(super) const NIGHTS_REMEMBERED: u32 = 100;
/// The runs of a link that are read at first: enough if its evidence seldom changes.
pub(super) const RUNS_AT_FIRST: u32 = 3;

/// The last visits of a link among its rows, at most $1, in one value. Every night reads these
/// for every link, and a row costs more than its contents. They are read in the order of the
/// key.
macro_rules! last_visits {
    () => {
        "(SELECT '[' || string_agg('[' || night || ',' || evidence || ']', ',' ORDER BY night DESC) || ']' \
         FROM (SELECT evidence, visit.night FROM visit \
         JOIN night ON night.id = visit.night WHERE visit.link = link.id AND night.finished IS NOT NULL AND NOT night.is_withdrawn \
         ORDER BY visit.night DESC LIMIT $1) AS remembered)"
    };
}
pub(super) use last_visits;

/// The last runs of a link, at most $3, in one value.
macro_rules! last_runs {
    () => {
        "(SELECT '[' || string_agg('[' || last_night || ',\"' || earlier || '\",' || evidence || ']', ',' ORDER BY last_night DESC) || ']' \
         FROM (SELECT last_night, earlier, evidence FROM visit_run WHERE visit_run.link = link.id \
         ORDER BY first_night DESC LIMIT $3) AS remembered_run)"
    };
}
pub(super) use last_runs;

/// The nights whose visits do not count, or not yet, in one value: a query of its own for each link
/// would take as long as that for its visits. The index of the nights has this condition.
macro_rules! nights_not_counted {
    () => {
        "(SELECT '[' || string_agg('[' || id || ',' || \
         CASE WHEN is_withdrawn OR finished IS NULL THEN 'true' ELSE 'false' END || ']', ',') || ']' \
         FROM night WHERE void IS NOT NULL OR is_withdrawn OR finished IS NULL)"
    };
}
pub(super) use nights_not_counted;

/// For a test of its query plan.
#[cfg(test)]
pub(super) const LAST_VISITS: &str = last_visits!();
#[cfg(test)]
pub(super) const LAST_RUNS: &str = last_runs!();

/// Why the visits of a night do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotCounted {
    Void,
    /// Or not finished yet.
    Withdrawn,
}

impl NotCounted {
    /// Reads the value of [`nights_not_counted`].
    pub(super) fn nights(value: Option<String>) -> Result<HashMap<i64, Self>, Error> {
        let nights: Vec<(i64, bool)> = value.as_deref().map(from_json).transpose()?.unwrap_or_default();
        let why = |is_withdrawn| if is_withdrawn { Self::Withdrawn } else { Self::Void };
        Ok(nights.into_iter().map(|(night, is_withdrawn)| (night, why(is_withdrawn))).collect())
    }
}

/// The visit of a night that was not withdrawn.
#[derive(Clone, Debug)]
pub(super) struct RememberedVisit {
    pub is_void: bool,
    pub evidence: Evidence,
}

/// What a query returned of the last visits of a link.
pub(super) struct RememberedVisits {
    pub visits: Option<String>,
    pub runs: Option<String>,
    /// The limit of the runs. If there are as many, there may be more.
    pub most_runs: u32,
}

impl RememberedVisits {
    /// The visits, newest first. `None` if earlier runs are needed for them.
    pub(super) fn read(
        self,
        not_counted: &HashMap<i64, NotCounted>,
    ) -> Result<Option<Vec<RememberedVisit>>, Error> {
        let rows: Vec<(i64, Evidence)> =
            self.visits.as_deref().map(from_json).transpose()?.unwrap_or_default();
        let most = usize::try_from(NIGHTS_REMEMBERED).unwrap_or(usize::MAX);
        let mut visits: Vec<NightVisit> = Vec::new();
        let runs = runs_from(self.runs)?;
        let has_all = runs.len() < usize::try_from(self.most_runs).unwrap_or(usize::MAX);
        'runs: for run in runs {
            for visit in run.visits()? {
                if not_counted.get(&visit.night) != Some(&NotCounted::Withdrawn) {
                    visits.push(visit);
                }
                if visits.len() == most {
                    break 'runs;
                }
            }
        }
        if visits.len() < most && !has_all {
            return Ok(None);
        }
        add_rows(&mut visits, rows);
        visits.sort_by_key(|visit| std::cmp::Reverse(visit.night));
        let visit = |NightVisit { night, evidence, .. }| {
            let is_void = not_counted.get(&night) == Some(&NotCounted::Void);
            RememberedVisit { is_void, evidence }
        };
        Ok(Some(visits.into_iter().take(most).map(visit).collect()))
    }
}

/// Adds the visits that are in no run. A row of one that is may be left by a compaction that
/// was interrupted, or by a replay of the journal, and says the same.
fn add_rows(visits: &mut Vec<NightVisit>, rows: Vec<(i64, Evidence)>) {
    let of_runs = visits.len();
    let newest = visits.first().map(|visit| visit.night);
    for (night, evidence) in rows {
        let may_be_in_run = newest.is_some_and(|newest| night <= newest);
        if !(may_be_in_run && visits[..of_runs].iter().any(|visit| visit.night == night)) {
            visits.push(NightVisit { night, evidence, text: None });
        }
    }
}

impl Catalogue {
    /// The nights whose visits do not count, or not yet.
    pub(super) async fn nights_not_counted(&self) -> Result<HashMap<i64, NotCounted>, Error> {
        let nights = query_scalar::<Option<String>>(concat!("SELECT ", nights_not_counted!()));
        NotCounted::nights(nights.fetch_one(&self.pool).await?)
    }
}
