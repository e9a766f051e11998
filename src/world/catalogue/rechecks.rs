//! Rechecks of single links that people request on the pages of a web process, for the scheduler.
//! They need `PostgreSQL`. They are no part of the archive's history.

use jiff::{SignedDuration, Timestamp};

use super::advisory_lock::AdvisoryLock;
use super::database::{ResultRow, query};
use super::value::{json, time, time_from};
use super::{Catalogue, Error};
use crate::domain::address::Address;
use crate::domain::course::CourseId;

/// Requests are deleted after this time.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The most requests that wait; further ones are dropped.
const MOST: i64 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecheckId(i64);

/// A recheck that the scheduler has not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRecheck {
    pub id: RecheckId,
    pub course: CourseId,
    pub link: Address,
}

/// How far a requested recheck is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecheckProgress {
    pub link: Address,
    pub requested_at: Timestamp,
    /// When it was made, and whether the link works; `None` while it waits.
    pub outcome: Option<(Timestamp, bool)>,
}

impl Catalogue {
    /// Requests rechecks of links, except those that were requested since a moment. Of several
    /// requests for a link at the same time one counts.
    pub async fn request_rechecks(
        &self,
        course: &CourseId,
        links: &[&Address],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        AdvisoryLock::Requests.take(&mut transaction).await?;
        query("DELETE FROM recheck_request WHERE requested_at < $1")
            .bind(time(now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN)))
            .execute(&mut transaction)
            .await?;
        let links: Vec<&str> = links.iter().map(|link| link.as_str()).collect();
        query(
            "INSERT INTO recheck_request (course, link, requested_at) \
             SELECT $1, wanted.value, $2 FROM json_each($3) AS wanted WHERE NOT EXISTS \
             (SELECT 1 FROM recheck_request WHERE link = wanted.value AND requested_at >= $4) \
             ORDER BY wanted.rowid LIMIT greatest(0, $5 - \
             (SELECT count(*) FROM recheck_request WHERE checked_at IS NULL))",
        )
        .bind(course.as_str())
        .bind(time(now))
        .bind(json(&links)?)
        .bind(time(since))
        .bind(MOST)
        .execute(&mut transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// The rechecks that wait, oldest first.
    pub async fn waiting_rechecks(&self) -> Result<Vec<WaitingRecheck>, Error> {
        let rows = query("SELECT id, course, link FROM recheck_request WHERE checked_at IS NULL ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        let waiting = |row: &ResultRow| {
            Some(WaitingRecheck {
                id: RecheckId(row.get(0)),
                course: row.get::<String>(1).parse().ok()?,
                link: Address::parse_stored(row.get(2)).ok()?,
            })
        };
        Ok(rows.iter().filter_map(waiting).collect())
    }

    /// The rechecks that were requested since a moment.
    pub async fn recent_rechecks(&self, since: Timestamp) -> Result<Vec<RecheckProgress>, Error> {
        let rows = query(
            "SELECT link, requested_at, checked_at, is_cleared FROM recheck_request \
             WHERE requested_at >= $1 ORDER BY id",
        )
        .bind(time(since))
        .fetch_all(&self.pool)
        .await?;
        let mut recent = Vec::with_capacity(rows.len());
        for row in rows {
            let Ok(link) = Address::parse_stored(row.get(0)) else { continue };
            let checked_at = row.get::<Option<String>>(2).map(|at| time_from(&at)).transpose()?;
            let is_cleared = row.get(3);
            let outcome = checked_at.map(|at| (at, is_cleared));
            recent.push(RecheckProgress { link, requested_at: time_from(row.get(1))?, outcome });
        }
        Ok(recent)
    }

    /// Records that a recheck was made, and whether its link works.
    pub async fn end_recheck(&self, id: RecheckId, at: Timestamp, is_cleared: bool) -> Result<(), Error> {
        query("UPDATE recheck_request SET checked_at = $1, is_cleared = $2 WHERE id = $3")
            .bind(time(at))
            .bind(is_cleared)
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
