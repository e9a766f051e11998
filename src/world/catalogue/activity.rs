//! What the scheduler does at the moment, for the pages of web processes. It needs `PostgreSQL`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::{query, query_scalar};
use super::process_leases::ProcessId;
use super::value::{from_json, json};
use super::{Catalogue, Error};

impl Catalogue {
    /// Shows what a scheduler does, as long as its lease lasts.
    pub async fn set_activity(&self, scheduler: ProcessId, activity: &impl Serialize) -> Result<(), Error> {
        query(
            "INSERT INTO scheduler_activity (id, process, activity) VALUES (1, $1, $2) \
             ON CONFLICT (id) DO UPDATE SET process = excluded.process, activity = excluded.activity",
        )
        .bind(scheduler.number)
        .bind(json(activity)?)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What the scheduler does; `None` if no scheduler runs.
    pub async fn activity<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let activity = query_scalar::<String>(
            "SELECT activity FROM scheduler_activity WHERE EXISTS (SELECT 1 FROM process_lease \
             WHERE id = scheduler_activity.process AND lease_until > clock_timestamp())",
        )
        .fetch_all(&self.pool)
        .await?;
        activity.first().map(|text| from_json(text)).transpose()
    }
}
