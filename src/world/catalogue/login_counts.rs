//! The recent attempts to log in with a password, of all processes that serve pages. They need
//! `PostgreSQL`: beside `SQLite` one process serves the pages and keeps them in its memory.
//!
//! A row is written only for an attempt that is admitted, and the throttle admits few of them an
//! hour, so the table is small.

use std::collections::HashMap;

use jiff::Timestamp;

use super::advisory_lock::AdvisoryLock;
use super::database::query;
use super::value::{decoded, from_json, json, time};
use super::{Catalogue, Error};
use crate::domain::capture::Digest;
use crate::domain::policy::login_throttle::{AttemptCounts, StoredCounts};

impl Catalogue {
    /// Changes some counts; no other process changes any meanwhile. Forgets those whose last attempt
    /// was before `forgotten`.
    pub async fn change_login_counts<T>(
        &self,
        counters: &[Digest],
        forgotten: Timestamp,
        change: impl FnOnce(&StoredCounts) -> (T, StoredCounts),
    ) -> Result<T, Error> {
        let mut transaction = self.pool.begin().await?;
        AdvisoryLock::LoginCounts.take(&mut transaction).await?;
        query("DELETE FROM login_count WHERE last < $1")
            .bind(time(forgotten))
            .execute(&mut transaction)
            .await?;
        let names: Vec<String> = counters.iter().map(Digest::to_string).collect();
        let rows = query(
            "SELECT counter, counts FROM login_count WHERE counter IN (SELECT value FROM json_each($1))",
        )
        .bind(json(&names)?)
        .fetch_all(&mut transaction)
        .await?;
        let known = rows.iter().map(|row| Ok((decoded(row.get(0))?, from_json(row.get(1))?)));
        let (result, counts) = change(&known.collect::<Result<HashMap<Digest, AttemptCounts>, Error>>()?);
        for (counter, counts) in counts {
            query(
                "INSERT INTO login_count (counter, counts, last) VALUES ($1, $2, $3) \
                 ON CONFLICT (counter) DO UPDATE SET counts = excluded.counts, last = excluded.last",
            )
            .bind(counter.to_string())
            .bind(json(&counts)?)
            .bind(time(counts.last()))
            .execute(&mut transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(result)
    }
}
