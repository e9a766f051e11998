//! The records of links: what the next night knows of them.

use std::collections::HashMap;

use super::database::{ResultRow, query, query_scalar};
use super::remembered_visits::{
    NIGHTS_REMEMBERED, NotCounted, RUNS_AT_FIRST, RememberedVisit, RememberedVisits, last_runs, last_visits,
    nights_not_counted,
};
use super::value::{from_json, json};
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, PageSource};
use crate::domain::evidence::Evidence;
use crate::domain::evidence::link_history::{LinkHistory, StoredCapture};
use crate::domain::page::Page;
use crate::domain::verdict::Verdict;
use crate::domain::verdict::breaker::{self, LinkResult};

/// The links of one query; their rows are in memory at the same time.
const LINKS_AT_ONCE: usize = 200;

/// Whether the night of a capture counts. In a void night the response may be the page of
/// a firewall or a captive portal.
macro_rules! of_a_valid_night {
    () => {
        "NOT EXISTS (SELECT 1 FROM night WHERE night.id = capture.night AND (void IS NOT NULL OR is_withdrawn))"
    };
}

/// The records of the links in a JSON array of addresses ($2), in one query, with the last $1
/// visits and the last $3 runs.
const RECORDS: &str = concat!(
    "SELECT link.address, verdict.verdict, (SELECT kept FROM capture WHERE capture.id = baseline.capture AND ",
    of_a_valid_night!(),
    "), EXISTS (SELECT 1 FROM takedown WHERE takedown.link = link.id AND undone_at IS NULL), ",
    last_visits!(),
    ", (SELECT kept FROM capture WHERE capture.link = link.id AND ",
    of_a_valid_night!(),
    " ORDER BY id DESC LIMIT 1), ",
    last_runs!(),
    ", ",
    nights_not_counted!(),
    " \
     FROM json_each($2) AS wanted CROSS JOIN link \
     LEFT JOIN verdict ON verdict.link = link.id LEFT JOIN baseline ON baseline.link = link.id \
     WHERE link.address = wanted.value"
);

/// The record of a link in the catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkRecord {
    pub history: LinkHistory,
    pub verdict: Option<Verdict>,
    /// Evidence of void nights since the last valid one, newest first.
    pub voids: Vec<Evidence>,
}

impl LinkRecord {
    /// The latest void nights in a row on which the link failed in ways that our own side
    /// can cause.
    pub fn failed_void_nights(&self) -> u32 {
        breaker::failed_void_nights(&self.voids)
    }

    /// The input of the breaker, with tonight's evidence.
    pub fn tonight<'a>(&'a self, link: &'a Address, evidence: &'a Evidence) -> LinkResult<'a> {
        let failed_void_nights = self.failed_void_nights();
        LinkResult { link, evidence, before: self.history.evidence.last(), failed_void_nights }
    }
}

impl Catalogue {
    /// The records of some links. Links that were never visited are left out.
    pub async fn link_records(&self, links: &[Address]) -> Result<HashMap<Address, LinkRecord>, Error> {
        let mut known = HashMap::new();
        for links in links.chunks(LINKS_AT_ONCE) {
            let mut wanted: Vec<&str> = links.iter().map(Address::as_str).collect();
            let mut found: HashMap<String, LinkRecord> = HashMap::new();
            let mut runs = RUNS_AT_FIRST;
            // Most links have few runs.
            while !wanted.is_empty() {
                let mut incomplete = Vec::new();
                let rows = self.record_rows(&wanted, runs).await?;
                // Each row has the same.
                let not_counted = rows.first().map(|row| NotCounted::nights(row.get(7))).transpose()?;
                let not_counted = not_counted.unwrap_or_default();
                for row in rows {
                    let remembered = RememberedVisits {
                        visits: row.get::<Option<String>>(4),
                        runs: row.get::<Option<String>>(6),
                        most_runs: runs,
                    };
                    match remembered.read(&not_counted)? {
                        Some(visits) => drop(found.insert(row.get(0), link_record(&row, visits)?)),
                        None => incomplete.push(row.get::<String>(0)),
                    }
                }
                wanted.retain(|link| incomplete.iter().any(|it| it == link));
                runs = runs.saturating_mul(8);
            }
            known.extend(links.iter().filter_map(|link| Some((link.clone(), found.remove(link.as_str())?))));
        }
        Ok(known)
    }

    async fn record_rows(&self, links: &[&str], runs: u32) -> Result<Vec<ResultRow>, Error> {
        let query = query(RECORDS).bind(NIGHTS_REMEMBERED).bind(json(&links)?).bind(runs);
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// `None` if the link was never visited.
    pub async fn link_record(&self, link: &Address) -> Result<Option<LinkRecord>, Error> {
        Ok(self.link_records(std::slice::from_ref(link)).await?.remove(link))
    }

    /// The current verdict of a link.
    pub async fn verdict(&self, link: &Address) -> Result<Option<Verdict>, Error> {
        let text = query_scalar::<String>(
            "SELECT verdict FROM verdict JOIN link ON link.id = verdict.link WHERE link.address = $1",
        )
        .bind(link.as_str())
        .fetch_optional(&self.pool)
        .await?;
        text.map(|text| from_json(&text)).transpose()
    }

    /// Every capture of a link except those of void and withdrawn nights, oldest first.
    pub async fn captures(&self, link: &Address) -> Result<Vec<StoredCapture>, Error> {
        let rows = query_scalar::<String>(concat!(
            "SELECT kept FROM capture JOIN link ON link.id = capture.link WHERE link.address = $1 AND ",
            of_a_valid_night!(),
            " ORDER BY capture.id"
        ))
        .bind(link.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|kept| from_json(kept)).collect()
    }

    /// The same of several links. Links without a capture are left out.
    pub async fn captures_of_links(
        &self,
        links: &[Address],
    ) -> Result<HashMap<Address, Vec<StoredCapture>>, Error> {
        let mut captures: HashMap<Address, Vec<StoredCapture>> = HashMap::new();
        for links in links.chunks(LINKS_AT_ONCE) {
            let wanted: Vec<&str> = links.iter().map(Address::as_str).collect();
            let rows = query_scalar::<String>(concat!(
                "SELECT kept FROM capture JOIN link ON link.id = capture.link \
                 WHERE link.address IN (SELECT value FROM json_each($1)) AND ",
                of_a_valid_night!(),
                " ORDER BY capture.id"
            ))
            .bind(json(&wanted)?)
            .fetch_all(&self.pool)
            .await?;
            for kept in rows {
                let kept: StoredCapture = from_json(&kept)?;
                captures.entry(kept.capture.link.clone()).or_default().push(kept);
            }
        }
        Ok(captures)
    }

    /// Whether a link was ever visited.
    pub async fn has_link(&self, link: &Address) -> Result<bool, Error> {
        let row = query("SELECT 1 FROM link WHERE address = $1").bind(link.as_str());
        Ok(row.fetch_optional(&self.pool).await?.is_some())
    }

    /// All links that were ever visited.
    pub async fn links(&self) -> Result<Vec<Address>, Error> {
        let rows =
            query_scalar::<String>("SELECT address FROM link ORDER BY address").fetch_all(&self.pool).await?;
        Ok(rows.iter().filter_map(|text| Address::parse_stored(text).ok()).collect())
    }

    /// The courses with a stored page, and their titles.
    pub async fn courses(&self) -> Result<Vec<(CourseId, String)>, Error> {
        let rows = query("SELECT id, title FROM course ORDER BY id").fetch_all(&self.pool).await?;
        Ok(rows.iter().filter_map(|row| Some((row.get::<String>(0).parse().ok()?, row.get(1)))).collect())
    }

    /// The last good reading of a page, and the digest of its bytes.
    pub async fn last_reading(
        &self,
        course: &CourseId,
        source: &PageSource,
    ) -> Result<Option<(Digest, Page)>, Error> {
        let row = query("SELECT sha256, page FROM reading WHERE course = $1 AND source = $2")
            .bind(course.as_str())
            .bind(json(source)?)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            let digest = row
                .get::<String>(0)
                .parse()
                .map_err(|error| Error::Query(sqlx::Error::Decode(Box::new(error))))?;
            Ok((digest, from_json(row.get(1))?))
        })
        .transpose()
    }
}

fn link_record(row: &ResultRow, visits: Vec<RememberedVisit>) -> Result<LinkRecord, Error> {
    let text = |column: usize| row.get::<Option<String>>(column);
    let (mut history, mut voids): (Vec<Evidence>, Vec<Evidence>) = (Vec::new(), Vec::new());
    for visit in visits {
        if !visit.is_void {
            history.push(visit.evidence);
        } else if history.is_empty() {
            voids.push(visit.evidence);
        }
    }
    history.reverse();
    Ok(LinkRecord {
        voids,
        verdict: text(1).map(|text| from_json(&text)).transpose()?,
        history: LinkHistory {
            evidence: history,
            baseline: text(2).map(|text| from_json(&text)).transpose()?,
            last: text(5).map(|text| from_json(&text)).transpose()?,
            is_taken_down: row.get(3),
        },
    })
}
