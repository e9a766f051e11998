//! Queries for the pages and figures: the newest reports, the captures of a digest, sizes.

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::database::{ResultRow, query, query_scalar};
use super::value::{from_json, json, time_from};
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, PageSource};
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::link::Mention;
use crate::domain::page::Page;
use crate::domain::report::CourseReport;

/// A night that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinishedNight {
    pub started: Timestamp,
    pub finished: Timestamp,
    pub is_void: bool,
}

/// A capture's row, and the size of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureSize {
    pub row: i64,
    pub bytes: u64,
}

/// The newest rows from which the view of a course was read. If they differ later, the
/// view is out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseRevision {
    report: i64,
    decision: Option<i64>,
    /// Of any course; it may be a daytime recheck.
    night: Option<i64>,
    /// Takedowns of any link, and withdrawn takedowns.
    takedowns: i64,
    /// The number of lost copies, and when the last one was found to be.
    lost_copies: i64,
    last_lost_at: Option<String>,
}

impl Catalogue {
    /// The newest night that has ended.
    pub async fn last_finished(&self) -> Result<Option<FinishedNight>, Error> {
        let row = query(
            "SELECT started, finished, void IS NOT NULL FROM night \
             WHERE finished IS NOT NULL AND NOT is_withdrawn ORDER BY id DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(FinishedNight {
                started: time_from(row.get(0))?,
                finished: time_from(row.get(1))?,
                is_void: row.get(2),
            })
        })
        .transpose()
    }

    /// When the last night that judged a course ended.
    pub async fn last_successes(&self) -> Result<Vec<(CourseId, Timestamp)>, Error> {
        let rows = query(
            "SELECT last.course, night.finished FROM night JOIN \
             (SELECT report.course, max(night.id) AS night FROM report JOIN night ON night.id = report.night \
              WHERE night.finished IS NOT NULL AND night.void IS NULL GROUP BY report.course) AS last \
             ON last.night = night.id ORDER BY last.course",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut successes = Vec::new();
        for row in rows {
            if let Ok(course) = row.get::<String>(0).parse() {
                successes.push((course, time_from(row.get(1))?));
            }
        }
        Ok(successes)
    }

    /// The newest rows of each course.
    pub async fn course_revisions(&self) -> Result<Vec<(CourseId, CourseRevision)>, Error> {
        let rows = query(
            "SELECT course, MAX(night), \
             (SELECT MAX(id) FROM decision WHERE decision.course = report.course), \
             (SELECT MAX(id) FROM night WHERE finished IS NOT NULL), \
             (SELECT COUNT(*) + COUNT(undone_at) FROM takedown), \
             (SELECT COUNT(*) FROM fixity WHERE NOT is_sound), \
             (SELECT MAX(verified_at) FROM fixity WHERE NOT is_sound) FROM report GROUP BY course",
        )
        .fetch_all(&self.pool)
        .await?;
        let newest = |row: &ResultRow| CourseRevision {
            report: row.get(1),
            decision: row.get(2),
            night: row.get(3),
            takedowns: row.get(4),
            lost_copies: row.get(5),
            last_lost_at: row.get(6),
        };
        Ok(rows.iter().filter_map(|row| Some((row.get::<String>(0).parse().ok()?, newest(row)))).collect())
    }

    /// The reports of a course after a night, oldest first; at most the newest `most`.
    pub async fn reports_after<T: DeserializeOwned>(
        &self,
        course: &CourseId,
        night: i64,
        most: u32,
    ) -> Result<Vec<(i64, T)>, Error> {
        let rows = query(
            "SELECT night, report FROM report WHERE course = $1 AND night > $2 ORDER BY night DESC LIMIT $3",
        )
        .bind(course.as_str())
        .bind(night)
        .bind(most)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().rev().map(|row| Ok((row.get(0), from_json(row.get(1))?))).collect()
    }

    /// The last good reading of every page of a course, the page that was read first comes first.
    pub async fn readings(&self, course: &CourseId) -> Result<Vec<(PageSource, Page)>, Error> {
        let rows = query("SELECT source, page FROM reading WHERE course = $1 ORDER BY rowid")
            .bind(course.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok((from_json(row.get(0))?, from_json(row.get(1))?))).collect()
    }

    /// The mentions of a link in the last readings of all pages, each with its page.
    pub async fn mentions_of(&self, link: &Address) -> Result<Vec<(PageSource, Mention)>, Error> {
        let rows = query("SELECT source, page FROM reading ORDER BY rowid").fetch_all(&self.pool).await?;
        let mut found = Vec::new();
        for row in &rows {
            let source: PageSource = from_json(row.get(0))?;
            let page: Page = from_json(row.get(1))?;
            let of_link = page.mentions.into_iter().filter(|mention| mention.address() == Some(link));
            found.extend(of_link.map(|mention| (source.clone(), mention)));
        }
        Ok(found)
    }

    /// The newest report of each course that lists a link.
    pub async fn last_reports_with(&self, link: &Address) -> Result<Vec<CourseReport>, Error> {
        let rows = query_scalar::<String>(
            "SELECT report FROM report AS newest WHERE instr(report, $1) > 0 AND night = \
             (SELECT max(night) FROM report WHERE course = newest.course) ORDER BY course",
        )
        .bind(json(link)?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|report| from_json(report)).collect()
    }

    /// The captures whose body has this digest, newest first.
    pub async fn captures_of(&self, sha256: Digest) -> Result<Vec<StoredCapture>, Error> {
        let rows = query_scalar::<String>("SELECT kept FROM capture WHERE sha256 = $1 ORDER BY id DESC")
            .bind(sha256.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|kept| from_json(kept)).collect()
    }

    /// The sizes of captures after a row, in order; at most `most`.
    pub async fn capture_sizes_after(&self, row: i64, most: u32) -> Result<Vec<CaptureSize>, Error> {
        let rows = query("SELECT id, kept FROM capture WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(row)
            .bind(most)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let kept: StoredCapture = from_json(row.get(1))?;
                Ok(CaptureSize { row: row.get(0), bytes: kept.capture.bytes })
            })
            .collect()
    }
}
