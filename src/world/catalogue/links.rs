//! The records of links: their history for the next night, and their visits for display.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row as _;

use super::value::{from_json, time_from};
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, PageSource};
use crate::domain::evidence::Evidence;
use crate::domain::evidence::link_history::{LinkHistory, StoredCapture};
use crate::domain::page::Page;
use crate::domain::verdict::Verdict;
use crate::domain::verdict::breaker::{self, LinkResult, Void};

/// The number of visits that judging uses.
const NIGHTS_REMEMBERED: i64 = 100;

/// The last visits of a link. In one value: every night asks for those of every
/// link, and a row costs more than what is in it. In the order of the key, so
/// that a link of ten years costs no more than one of a term.
pub(super) const REMEMBERED: &str = "SELECT '[' || group_concat('[' || is_void || ',' || evidence || ']', ',' ORDER BY started DESC) || ']' \
     FROM (SELECT evidence, night.void IS NOT NULL AS is_void, night.started FROM visit \
     JOIN night ON night.id = visit.night WHERE visit.link = ? AND night.finished IS NOT NULL \
     ORDER BY visit.night DESC LIMIT ?)";

/// A capture is that of the night that had begun last. What a void one brought
/// may be the page of whatever stands between us and the web.
macro_rules! of_a_valid_night {
    () => {
        "(SELECT void FROM night WHERE started <= capture.captured_at ORDER BY started DESC LIMIT 1) IS NULL"
    };
}

/// What the catalogue records of a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkRecord {
    pub history: LinkHistory,
    pub verdict: Option<Verdict>,
    /// Evidence of void nights since the last valid one, newest first.
    pub voids: Vec<Evidence>,
}

impl LinkRecord {
    /// What the breaker looks at, once tonight's evidence is in.
    pub fn tonight<'a>(&'a self, link: &'a Address, evidence: &'a Evidence) -> LinkResult<'a> {
        let failed_void_nights = breaker::failed_void_nights(&self.voids);
        LinkResult { link, evidence, before: self.history.evidence.last(), failed_void_nights }
    }
}

impl Catalogue {
    pub async fn link_records(&self, links: &[Address]) -> Result<HashMap<Address, LinkRecord>, Error> {
        let mut known = HashMap::new();
        for link in links {
            if let Some(one) = self.link_record(link).await? {
                known.insert(link.clone(), one);
            }
        }
        Ok(known)
    }

    /// `None` if the link was never visited.
    pub async fn link_record(&self, link: &Address) -> Result<Option<LinkRecord>, Error> {
        let row = sqlx::query(concat!(
            "SELECT link.id, verdict.verdict, capture.kept, \
             EXISTS (SELECT 1 FROM takedown WHERE takedown.link = link.id AND undone_at IS NULL) FROM link \
             LEFT JOIN verdict ON verdict.link = link.id LEFT JOIN baseline ON baseline.link = link.id \
             LEFT JOIN capture ON capture.id = baseline.capture AND ",
            of_a_valid_night!(),
            " WHERE link.address = ?"
        ))
        .bind(link.as_str())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id: i64 = row.get(0);
        let (mut history, mut voids): (Vec<Evidence>, Vec<Evidence>) = (Vec::new(), Vec::new());
        let visits = sqlx::query_scalar::<_, Option<String>>(REMEMBERED)
            .bind(id)
            .bind(NIGHTS_REMEMBERED)
            .fetch_one(&self.pool)
            .await?;
        let visits: Vec<(u8, Evidence)> =
            visits.map(|visits| from_json(&visits)).transpose()?.unwrap_or_default();
        for (is_void, evidence) in visits {
            if is_void == 0 {
                history.push(evidence);
            } else if history.is_empty() {
                voids.push(evidence);
            }
        }
        history.reverse();
        let last = sqlx::query_scalar::<_, String>(concat!(
            "SELECT kept FROM capture WHERE link = ? AND ",
            of_a_valid_night!(),
            " ORDER BY captured_at DESC, id DESC LIMIT 1"
        ))
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        let text = |column: usize| row.get::<Option<String>, _>(column);
        Ok(Some(LinkRecord {
            voids,
            verdict: text(1).map(|text| from_json(&text)).transpose()?,
            history: LinkHistory {
                evidence: history,
                baseline: text(2).map(|text| from_json(&text)).transpose()?,
                last: last.map(|text| from_json(&text)).transpose()?,
                is_taken_down: row.get(3),
            },
        }))
    }

    /// The current verdict of a link.
    pub async fn verdict(&self, link: &Address) -> Result<Option<Verdict>, Error> {
        let text = sqlx::query_scalar::<_, String>(
            "SELECT verdict FROM verdict JOIN link ON link.id = verdict.link WHERE link.address = ?",
        )
        .bind(link.as_str())
        .fetch_optional(&self.pool)
        .await?;
        text.map(|text| from_json(&text)).transpose()
    }

    /// Every night of a link, oldest first, void ones marked.
    pub async fn visits(&self, link: &Address) -> Result<Vec<(Timestamp, Option<Void>, Evidence)>, Error> {
        let rows = sqlx::query(
            "SELECT night.started, night.void, visit.evidence FROM visit JOIN night ON night.id = visit.night \
             JOIN link ON link.id = visit.link WHERE link.address = ? ORDER BY night.started",
        )
        .bind(link.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let void = row.get::<Option<String>, _>(1).map(|text| from_json(&text)).transpose()?;
                Ok((time_from(row.get(0))?, void, from_json(row.get(2))?))
            })
            .collect()
    }

    /// Every capture of a link but those of void nights, oldest first.
    pub async fn captures(&self, link: &Address) -> Result<Vec<StoredCapture>, Error> {
        let rows = sqlx::query_scalar::<_, String>(concat!(
            "SELECT kept FROM capture JOIN link ON link.id = capture.link WHERE link.address = ? AND ",
            of_a_valid_night!(),
            " ORDER BY captured_at, capture.id"
        ))
        .bind(link.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|kept| from_json(kept)).collect()
    }

    /// All links ever visited.
    pub async fn links(&self) -> Result<Vec<Address>, Error> {
        let rows = sqlx::query_scalar::<_, String>("SELECT address FROM link ORDER BY address")
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().filter_map(|text| Address::parse_stored(text).ok()).collect())
    }

    /// The courses with a page that was read, and their titles.
    pub async fn courses(&self) -> Result<Vec<(CourseId, String)>, Error> {
        let rows = sqlx::query("SELECT id, title FROM course ORDER BY id").fetch_all(&self.pool).await?;
        Ok(rows.iter().filter_map(|row| Some((row.get::<String, _>(0).parse().ok()?, row.get(1)))).collect())
    }

    /// The last good reading of a page, and the digest of its bytes.
    pub async fn last_reading(
        &self,
        course: &CourseId,
        source: &PageSource,
    ) -> Result<Option<(Digest, Page)>, Error> {
        let row = sqlx::query("SELECT sha256, page FROM reading WHERE course = ? AND source = ?")
            .bind(course.as_str())
            .bind(super::value::json(source)?)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            let digest = row
                .get::<String, _>(0)
                .parse()
                .map_err(|error| Error::Query(sqlx::Error::Decode(Box::new(error))))?;
            Ok((digest, from_json(row.get(1))?))
        })
        .transpose()
    }
}
