//! Compaction: the visits of old nights become runs, so that a link whose evidence does not
//! change adds some bytes for each night instead of a row.
//!
//! It writes the runs of some links at a time, then removes the rows of the nights. An
//! interrupted compaction leaves visits in both; they are read once, and the next compaction
//! goes on.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::advisory_lock::AdvisoryLock;
use super::database::{Transaction, query, query_scalar};
use super::remembered_visits::NotCounted;
use super::value::{from_json, json, time, time_from};
use super::visit_runs::{self, NewRun, NightVisit, VisitRun};
use super::{Catalogue, Error, visits};
use crate::world::disk::{self, StorageStep};

/// The visits of the last days stay rows: nights in progress, resumed nights and replays of the
/// journal change these only.
const ROWS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A compaction begins when there are older rows than this. Each writes the last run of every
/// link again, so it takes the visits of a week at once.
const ROWS_OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);
/// The visits of one compaction, about. The next night goes on.
const VISITS: u64 = 1_500_000;
/// The visits that are in memory at the same time, about.
const VISITS_AT_ONCE: usize = 5000;

/// Old visits that are compacted together.
struct OldNights {
    nights: Vec<i64>,
}

impl OldNights {
    fn first(&self) -> i64 {
        self.nights.first().copied().unwrap_or(0)
    }

    /// How many links have at most so many visits that they are in memory together.
    fn links_at_once(&self) -> usize {
        (VISITS_AT_ONCE / self.nights.len().max(1)).max(1)
    }
}

impl Catalogue {
    /// Compacts the visits of old nights, at most about a million and a half, and returns their
    /// number.
    ///
    /// # Errors
    ///
    /// The catalogue cannot be used. What was compacted before stays so.
    pub async fn compact_visits(&self) -> Result<u64, Error> {
        let Some(old) = self.oldest_nights().await? else { return Ok(0) };
        let not_counted = self.nights_not_counted().await?;
        let mut compacted: HashMap<i64, u64> = HashMap::new();
        let mut after = 0;
        while let Some(until) = self.link_after(after, old.links_at_once()).await? {
            for night in self.compact_links(&old, (after, until), &not_counted).await? {
                *compacted.entry(night).or_default() += 1;
            }
            after = until;
        }
        let mut removed = 0;
        for night in &old.nights {
            removed += self.remove_rows(*night, compacted.get(night).copied().unwrap_or(0)).await?;
        }
        Ok(removed)
    }

    /// `None` if no visits are old enough.
    async fn oldest_nights(&self) -> Result<Option<OldNights>, Error> {
        let newest = query("SELECT id, started FROM night ORDER BY id DESC LIMIT 1");
        let Some(newest) = newest.fetch_optional(&self.pool).await? else { return Ok(None) };
        let (newest, started): (i64, Timestamp) = (newest.get(0), time_from(newest.get(1))?);
        let before = |age| started.saturating_sub(age).map(time).unwrap_or_default();
        let rows = query(
            "SELECT id, started FROM night WHERE id >= (SELECT min(night) FROM visit) AND id < $1 \
             AND started < $2 AND EXISTS (SELECT 1 FROM visit WHERE visit.night = night.id) ORDER BY id",
        )
        .bind(newest)
        .bind(before(ROWS_KEPT))
        .fetch_all(&self.pool)
        .await?;
        let oldest = before(ROWS_OLDEST);
        if !rows.iter().any(|row| row.get::<String>(1) < oldest) {
            return Ok(None);
        }
        let (mut nights, mut visits) = (Vec::new(), 0);
        for row in rows {
            let night: i64 = row.get(0);
            visits += self.row_count(night).await?;
            if visits > VISITS && !nights.is_empty() {
                break;
            }
            nights.push(night);
        }
        Ok(Some(OldNights { nights }))
    }

    async fn row_count(&self, night: i64) -> Result<u64, Error> {
        let count: i64 = query_scalar("SELECT count(*) FROM visit WHERE night = $1")
            .bind(night)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Stores the visits of some links as runs, in one transaction. Returns the night of each
    /// visit.
    async fn compact_links(
        &self,
        old: &OldNights,
        (after, until): (i64, i64),
        not_counted: &HashMap<i64, NotCounted>,
    ) -> Result<Vec<i64>, Error> {
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction).await?;
        let rows = query(
            "SELECT visit.link, visit.night, visit.evidence FROM link CROSS JOIN visit \
             WHERE link.id > $1 AND link.id <= $2 AND visit.link = link.id \
             AND visit.night >= $3 AND visit.night <= $4",
        )
        .bind(after)
        .bind(until)
        .bind(old.first())
        .bind(old.nights.last().copied().unwrap_or(0))
        .fetch_all(&mut transaction)
        .await?;
        let mut nights = Vec::with_capacity(rows.len());
        let mut links: BTreeMap<i64, BTreeMap<i64, NightVisit>> = BTreeMap::new();
        for row in rows {
            let (link, night, text): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
            // A clock that was wrong may have given a night in between a later start.
            if old.nights.binary_search(&night).is_err() {
                continue;
            }
            let visit = NightVisit { night, evidence: from_json(&text)?, text: Some(text) };
            links.entry(link).or_default().insert(night, visit);
            nights.push(night);
        }
        if nights.is_empty() {
            return Ok(nights);
        }
        let mut old_runs: HashMap<i64, Vec<OldRun>> = HashMap::new();
        for run in last_runs(links.keys(), old.first(), &mut transaction).await? {
            old_runs.entry(run.link).or_default().push(run);
        }
        let (mut new, mut outdated) = (Vec::new(), Vec::new());
        for (link, mut visits) in links {
            let mut firsts = HashSet::new();
            for OldRun { first_night, run, .. } in old_runs.remove(&link).unwrap_or_default() {
                firsts.insert(first_night);
                // The visit of a run was stored first.
                visits.extend(run.visits()?.map(|visit| (visit.night, visit)));
            }
            let counts = |night| !not_counted.contains_key(&night);
            let runs = visit_runs::runs(visits.into_values(), counts);
            for run in &runs {
                firsts.remove(&run.first_night());
                new.push(row(link, run)?);
            }
            outdated.extend(firsts.into_iter().map(|first| (link, first)));
        }
        store(&new, &outdated, &mut transaction).await?;
        disk::commit(StorageStep::EntriesCommit, transaction.commit()).await?;
        Ok(nights)
    }

    /// Removes the rows of a night, if they are as many as were stored as runs. One that came
    /// meanwhile is compacted next time.
    async fn remove_rows(&self, night: i64, compacted: u64) -> Result<u64, Error> {
        let mut transaction = self.pool.begin().await?;
        let removed =
            query("DELETE FROM visit WHERE night = $1").bind(night).execute(&mut transaction).await?;
        if removed != compacted {
            return Ok(0);
        }
        disk::commit(StorageStep::EntriesCommit, transaction.commit()).await?;
        Ok(removed)
    }
}

/// Waits for another compaction. `SQLite` has one writer, which this statement makes of the
/// transaction.
async fn lock(on: &mut Transaction) -> Result<(), Error> {
    if let Transaction::Postgres { .. } = on {
        AdvisoryLock::Compaction.take(on).await?;
    } else {
        query("DELETE FROM visit_run WHERE FALSE").execute(&mut *on).await?;
    }
    Ok(())
}

struct OldRun {
    link: i64,
    first_night: i64,
    run: VisitRun,
}

/// The runs of links that have visits of this night or later, and the run before it.
async fn last_runs(
    links: impl Iterator<Item = &i64>,
    night: i64,
    on: &mut Transaction,
) -> Result<Vec<OldRun>, Error> {
    let rows = query(
        "SELECT visit_run.link, first_night, last_night, earlier, evidence \
         FROM json_each($1) AS wanted CROSS JOIN visit_run \
         WHERE visit_run.link = CAST(wanted.value AS BIGINT) AND first_night >= coalesce( \
         (SELECT max(before.first_night) FROM visit_run AS before \
         WHERE before.link = CAST(wanted.value AS BIGINT) AND before.first_night <= $2), 0)",
    )
    .bind(json(&links.collect::<Vec<_>>())?)
    .bind(night)
    .fetch_all(&mut *on)
    .await?;
    rows.iter()
        .map(|row| Ok(OldRun { link: row.get(0), first_night: row.get(1), run: visits::run(row, 2)? }))
        .collect()
}

/// The columns of a row.
type Row = (i64, i64, i64, String, String);

fn row(link: i64, run: &NewRun) -> Result<Row, Error> {
    Ok((link, run.first_night(), run.last_night(), run.earlier(), run.evidence()?))
}

async fn store(new: &[Row], outdated: &[(i64, i64)], on: &mut Transaction) -> Result<(), Error> {
    if !outdated.is_empty() {
        query(
            "DELETE FROM visit_run WHERE (link, first_night) IN \
             (SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT) FROM json_each($1))",
        )
        .bind(json(&outdated)?)
        .execute(&mut *on)
        .await?;
    }
    query(
        "INSERT INTO visit_run (link, first_night, last_night, earlier, evidence) \
         SELECT CAST(entered.value ->> 0 AS BIGINT), CAST(entered.value ->> 1 AS BIGINT), \
         CAST(entered.value ->> 2 AS BIGINT), entered.value ->> 3, entered.value ->> 4 \
         FROM json_each($1) AS entered WHERE true ON CONFLICT (link, first_night) DO UPDATE \
         SET last_night = excluded.last_night, earlier = excluded.earlier, evidence = excluded.evidence",
    )
    .bind(json(&new)?)
    .execute(&mut *on)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
