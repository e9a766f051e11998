//! The visits of a link or a night, of any age.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::database::{ResultRow, query, query_scalar};
use super::nights::night_ref;
use super::value::{from_json, json, time_from};
use super::visit_runs::VisitRun;
use super::{Catalogue, EndedNight, Error};
use crate::domain::address::Address;
use crate::domain::evidence::Evidence;
use crate::domain::verdict::breaker::Void;

/// The links whose runs are in memory at the same time.
const LINKS_AT_ONCE: usize = 1000;

/// What one night found at a link.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVisit {
    /// When the night began.
    pub night: Timestamp,
    pub void: Option<Void>,
    pub is_withdrawn: bool,
    pub evidence: Evidence,
}

impl Catalogue {
    /// Every night of a link, oldest first.
    pub async fn visits(&self, link: &Address) -> Result<Vec<StoredVisit>, Error> {
        // A compaction in between moves visits from the rows to the runs.
        let rows = query(
            "SELECT visit.night, visit.evidence FROM visit JOIN link ON link.id = visit.link \
             WHERE link.address = $1",
        )
        .bind(link.as_str())
        .fetch_all(&self.pool)
        .await?;
        let mut visits: BTreeMap<i64, Evidence> = BTreeMap::new();
        for run in self.runs_of(link).await? {
            visits.extend(run.visits()?.map(|visit| (visit.night, visit.evidence)));
        }
        for row in rows {
            let (night, evidence): (i64, String) = (row.get(0), row.get(1));
            if let Entry::Vacant(place) = visits.entry(night) {
                place.insert(from_json(&evidence)?);
            }
        }
        let nights: Vec<i64> = visits.keys().copied().collect();
        let rows = query(
            "SELECT night.id, night.started, night.void, night.is_withdrawn FROM json_each($1) AS wanted \
             CROSS JOIN night WHERE night.id = CAST(wanted.value AS BIGINT) ORDER BY night.id",
        )
        .bind(json(&nights)?)
        .fetch_all(&self.pool)
        .await?;
        let stored = |row: &ResultRow| {
            let Some(evidence) = visits.remove(&row.get(0)) else { return Ok(None) };
            let void = row.get::<Option<String>>(2).map(|text| from_json(&text)).transpose()?;
            let night = time_from(row.get(1))?;
            Ok(Some(StoredVisit { night, void, is_withdrawn: row.get(3), evidence }))
        };
        rows.iter().map(stored).filter_map(Result::transpose).collect()
    }

    /// The last night that has ended and visited a link.
    pub async fn last_visit(&self, link: &Address) -> Result<Option<EndedNight>, Error> {
        let row = query(
            "SELECT night.id, night.started, night.finished FROM visit JOIN night ON night.id = visit.night \
             JOIN link ON link.id = visit.link WHERE link.address = $1 AND night.finished IS NOT NULL \
             AND NOT night.is_withdrawn ORDER BY visit.night DESC LIMIT 1",
        )
        .bind(link.as_str())
        .fetch_optional(&self.pool)
        .await?;
        let row = match row {
            Some(row) => Some(row),
            None => self.last_night_of_runs(link).await?,
        };
        row.map(|row| Ok(EndedNight { row: night_ref(&row)?, finished: time_from(row.get(2))? })).transpose()
    }

    /// The last night of the runs of a link that has ended: its number, start and end.
    async fn last_night_of_runs(&self, link: &Address) -> Result<Option<ResultRow>, Error> {
        for run in self.runs_of(link).await? {
            let newest = query(
                "SELECT night.id, night.started, night.finished FROM json_each($1) AS wanted \
                 CROSS JOIN night WHERE night.id = CAST(wanted.value AS BIGINT) \
                 AND night.finished IS NOT NULL AND NOT night.is_withdrawn ORDER BY night.id DESC LIMIT 1",
            )
            .bind(json(&run.nights()?)?)
            .fetch_optional(&self.pool)
            .await?;
            if newest.is_some() {
                return Ok(newest);
            }
        }
        Ok(None)
    }

    /// The links that a night visited. Of an old night they are looked for in the runs of all
    /// links.
    pub async fn links_of_night(&self, night: i64) -> Result<Vec<Address>, Error> {
        let rows = query(
            "SELECT link.id, link.address FROM visit JOIN link ON link.id = visit.link WHERE visit.night = $1",
        )
        .bind(night)
        .fetch_all(&self.pool)
        .await?;
        let mut links: HashMap<i64, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let mut after = 0;
        while let Some(until) = self.link_after(after, LINKS_AT_ONCE).await? {
            let rows = query(
                "SELECT link.id, link.address, visit_run.last_night, visit_run.earlier, visit_run.evidence \
                 FROM visit_run JOIN link ON link.id = visit_run.link \
                 WHERE visit_run.link > $1 AND visit_run.link <= $2 AND first_night <= $3 AND last_night >= $3",
            )
            .bind(after)
            .bind(until)
            .bind(night)
            .fetch_all(&self.pool)
            .await?;
            for row in rows {
                if run(&row, 2)?.nights()?.contains(&night) {
                    links.insert(row.get(0), row.get(1));
                }
            }
            after = until;
        }
        let mut links: Vec<String> = links.into_values().collect();
        links.sort_unstable();
        Ok(links.iter().filter_map(|link| Address::parse_stored(link).ok()).collect())
    }

    /// The last of the next rows of links after a row; `None` if that is the last. The numbers of
    /// links have gaps.
    pub(super) async fn link_after(&self, row: i64, links: usize) -> Result<Option<i64>, Error> {
        let last = "SELECT max(id) FROM (SELECT id FROM link WHERE id > $1 ORDER BY id LIMIT $2) AS next";
        let links = i64::try_from(links).unwrap_or(i64::MAX);
        Ok(query_scalar(last).bind(row).bind(links).fetch_one(&self.pool).await?)
    }

    /// The runs of a link, newest first.
    async fn runs_of(&self, link: &Address) -> Result<Vec<VisitRun>, Error> {
        let rows = query(
            "SELECT last_night, earlier, evidence FROM visit_run JOIN link ON link.id = visit_run.link \
             WHERE link.address = $1 ORDER BY first_night DESC",
        )
        .bind(link.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| run(row, 0)).collect()
    }
}

/// A run whose columns `last_night`, `earlier` and `evidence` begin here.
pub(super) fn run(row: &ResultRow, column: usize) -> Result<VisitRun, Error> {
    let text: String = row.get(column + 2);
    let evidence = from_json(&text)?;
    Ok(VisitRun { last_night: row.get(column), earlier: row.get(column + 1), evidence, text: Some(text) })
}
