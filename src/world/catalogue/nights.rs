//! Nights: their start, their resumption, and their end in one transaction.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::database::{ResultRow, Transaction, query, query_scalar};
use super::emails::{self, OutboxChanges};
use super::link_id::link_id;
use super::night_ref::NightRef;
use super::value::{from_json, json, time, time_from};
use super::{Catalogue, Error, LapsedDecision, ServerStart, bulk, decisions, server_start};
use crate::domain::address::Address;
use crate::domain::course::CourseId;
use crate::domain::evidence::Evidence;
use crate::domain::report::{self, Event};
use crate::domain::verdict::Verdict;
use crate::domain::verdict::breaker::Void;
use crate::world::disk::{self, StorageStep};

/// Most of what a night writes are reports. Old reports are not read, because the
/// histories of the links have the same facts.
const REPORTS_KEPT: u32 = 100;

/// A night that has ended; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndedNight {
    pub row: NightRef,
    pub finished: Timestamp,
}

/// The results of a night, stored in one transaction.
#[derive(Clone, Debug)]
pub struct NightRecord<'a> {
    pub night: NightRef,
    /// The server on which the night began. On another one it does not end.
    pub server: Option<ServerStart>,
    pub finished: Timestamp,
    pub void: Option<Void>,
    pub verdicts: Vec<(&'a Address, &'a Verdict)>,
    pub events: Vec<(CourseId, Event)>,
    /// The report of each course, so that it can be shown again.
    pub reports: &'a [report::CourseReport],
    pub outbox: OutboxChanges,
    /// Decisions that lapsed; the reports mention them.
    pub lapsed: Vec<LapsedDecision>,
    pub requests: u64,
    pub bytes: u64,
}

impl Catalogue {
    /// The newest night without an end, if it began after `since`.
    pub async fn unfinished(&self, since: Timestamp) -> Result<Option<NightRef>, Error> {
        let row = query(
            "SELECT id, started FROM night WHERE finished IS NULL AND NOT is_withdrawn AND started > $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(time(since))
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| night_ref(&row)).transpose()
    }

    /// The last night with a report.
    pub async fn last_reported(&self) -> Result<Option<NightRef>, Error> {
        let row = query(
            "SELECT id, started FROM night WHERE finished IS NOT NULL AND id IN (SELECT night FROM report) \
             ORDER BY id DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| night_ref(&row)).transpose()
    }

    /// The last night that was not withdrawn.
    pub async fn last_night(&self) -> Result<Option<NightRef>, Error> {
        let row = query("SELECT id, started FROM night WHERE NOT is_withdrawn ORDER BY id DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| night_ref(&row)).transpose()
    }

    /// Whether a night began at this time.
    pub async fn has_night(&self, started: Timestamp) -> Result<bool, Error> {
        Ok(query_scalar("SELECT EXISTS (SELECT 1 FROM night WHERE started = $1)")
            .bind(time(started))
            .fetch_one(&self.pool)
            .await?)
    }

    pub async fn night(&self, started: Timestamp) -> Result<NightRef, Error> {
        let id = query_scalar("SELECT id FROM night WHERE started = $1")
            .bind(time(started))
            .fetch_one(&self.pool)
            .await?;
        Ok(NightRef { id, started })
    }

    /// The links that a night in progress has visited already.
    pub async fn visited(&self, night: i64) -> Result<HashMap<Address, Evidence>, Error> {
        let rows = query(
            "SELECT link.address, visit.evidence FROM visit JOIN link ON link.id = visit.link WHERE visit.night = $1",
        )
        .bind(night)
        .fetch_all(&self.pool)
        .await?;
        let mut visited = HashMap::new();
        for row in rows {
            if let Ok(address) = Address::parse_stored(row.get(0)) {
                visited.insert(address, from_json(row.get(1))?);
            }
        }
        Ok(visited)
    }

    /// Stores a report of a course for a night that has ended.
    pub async fn store_report(&self, course_report: &report::CourseReport, night: i64) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        store_report(course_report, night, &mut transaction).await?;
        Ok(disk::commit(StorageStep::ReportCommit, transaction.commit()).await?)
    }

    /// Whether a night has ended here.
    pub async fn has_ended(&self, started: Timestamp) -> Result<bool, Error> {
        Ok(query_scalar("SELECT EXISTS (SELECT 1 FROM night WHERE started = $1 AND finished IS NOT NULL)")
            .bind(time(started))
            .fetch_one(&self.pool)
            .await?)
    }

    /// Ends a night in one transaction: verdicts, events, reports, emails and the end itself.
    ///
    /// # Errors
    ///
    /// [`Error::ServerRestarted`] if the night began on another server.
    pub async fn finish_night(&self, record: &NightRecord<'_>) -> Result<(), Error> {
        self.commit_night_in(self.pool.begin().await?, record).await
    }

    /// The same at the end of a transaction.
    pub(super) async fn commit_night_in(
        &self,
        mut transaction: Transaction,
        record: &NightRecord<'_>,
    ) -> Result<(), Error> {
        server_start::check(record.server, &mut transaction).await?;
        bulk::verdicts(&record.verdicts, &mut transaction).await?;
        for (course, event) in &record.events {
            let link = link_id(&event.link, &mut transaction).await?;
            query(
                "INSERT INTO event (course, night, link, event) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            )
            .bind(course.as_str())
            .bind(record.night.id)
            .bind(link)
            .bind(json(event)?)
            .execute(&mut transaction)
            .await?;
        }
        for course_report in record.reports {
            store_report(course_report, record.night.id, &mut transaction).await?;
        }
        for lapse in &record.lapsed {
            decisions::lapse(lapse, &mut transaction).await?;
        }
        emails::queue(&record.outbox, record.night, record.finished, &mut transaction).await?;
        query("UPDATE night SET finished = $1, void = $2, requests = $3, bytes = $4 WHERE id = $5")
            .bind(time(record.finished))
            .bind(record.void.as_ref().map(json).transpose()?)
            .bind(record.requests.cast_signed())
            .bind(record.bytes.cast_signed())
            .bind(record.night.id)
            .execute(&mut transaction)
            .await?;
        disk::commit(StorageStep::NightCommit, transaction.commit()).await?;
        if !record.outbox.queued.is_empty() {
            self.outbox.queued.notify_one();
        }
        Ok(())
    }

    /// Stores verdicts without a night.
    pub async fn set_verdicts(&self, verdicts: &[(&Address, &Verdict)]) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        bulk::verdicts(verdicts, &mut transaction).await?;
        Ok(disk::commit(StorageStep::VerdictsCommit, transaction.commit()).await?)
    }

    /// The newest report of a course.
    pub async fn last_report<T: DeserializeOwned>(&self, course: &CourseId) -> Result<Option<T>, Error> {
        let text =
            query_scalar::<String>("SELECT report FROM report WHERE course = $1 ORDER BY night DESC LIMIT 1")
                .bind(course.as_str())
                .fetch_optional(&self.pool)
                .await?;
        text.map(|text| from_json(&text)).transpose()
    }

    /// Changes of state of a course, oldest first.
    pub async fn events(&self, course: &CourseId) -> Result<Vec<Event>, Error> {
        let rows = query_scalar::<String>("SELECT event FROM event WHERE course = $1 ORDER BY id")
            .bind(course.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|event| from_json(event)).collect()
    }
}

pub(super) fn night_ref(row: &ResultRow) -> Result<NightRef, Error> {
    Ok(NightRef { id: row.get(0), started: time_from(row.get(1))? })
}

/// A night that was interrupted at its end stores its report again.
async fn store_report(
    course_report: &report::CourseReport,
    night: i64,
    on: &mut Transaction,
) -> Result<(), Error> {
    // The journal has no page of a course that was never read.
    query("INSERT INTO course (id, title) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        .bind(course_report.facts.course.as_str())
        .bind(&course_report.facts.title)
        .execute(&mut *on)
        .await?;
    query(
        "INSERT INTO report (course, night, report) VALUES ($1, $2, $3) \
         ON CONFLICT (course, night) DO UPDATE SET report = excluded.report",
    )
    .bind(course_report.facts.course.as_str())
    .bind(night)
    .bind(json(course_report)?)
    .execute(&mut *on)
    .await?;
    // While a page does not change, each night has the same patch. Only the newest is needed.
    // A report without one is not parsed: it may be long.
    query(
        "UPDATE report SET report = json_remove(report, '$.patch') WHERE course = $1 AND night = \
         (SELECT night FROM report WHERE course = $2 AND night < $3 ORDER BY night DESC LIMIT 1) \
         AND instr(report, '\"patch\":null') = 0",
    )
    .bind(course_report.facts.course.as_str())
    .bind(course_report.facts.course.as_str())
    .bind(night)
    .execute(&mut *on)
    .await?;
    query(
        "DELETE FROM report WHERE course = $1 AND night <= \
         (SELECT night FROM report WHERE course = $2 ORDER BY night DESC LIMIT 1 OFFSET $3)",
    )
    .bind(course_report.facts.course.as_str())
    .bind(course_report.facts.course.as_str())
    .bind(REPORTS_KEPT)
    .execute(&mut *on)
    .await?;
    Ok(())
}
