//! The lock on the captures of an archive in a bucket. It needs `PostgreSQL`.
//!
//! A night, a takedown and a verification have it, one at a time. It is over by itself unless it is
//! extended. Workers store visits only beside a night that admits them: a batch that began to store
//! its bodies in one turn of the lock is not committed in another.

use std::time::Duration;

use super::database::{query, query_scalar};
use super::ordered_batch::OrderedBatch;
use super::value::millis;
use super::{Catalogue, Error};

/// One time that the lock is held, or the time since it was held last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureTurn(i64);

impl Catalogue {
    /// Takes the lock for this time, or returns who holds it.
    pub async fn lock_captures(
        &self,
        holder: &str,
        time: Duration,
    ) -> Result<Result<CaptureTurn, String>, Error> {
        let turn = query_scalar::<i64>(
            "UPDATE capture_lock SET turn = turn + 1, holder = $1, admits_workers = FALSE, \
             locked_until = clock_timestamp() + $2 * interval '1 millisecond' \
             WHERE locked_until <= clock_timestamp() RETURNING turn",
        );
        let turn = turn.bind(holder).bind(millis(time)).fetch_optional(&self.pool).await?;
        if let Some(turn) = turn {
            return Ok(Ok(CaptureTurn(turn)));
        }
        Ok(Err(query_scalar("SELECT holder FROM capture_lock").fetch_one(&self.pool).await?))
    }

    /// Extends the lock from now on. A lock that was over is extended too, if no other process has
    /// taken it. Returns whether this process holds it.
    pub async fn extend_capture_lock(&self, turn: CaptureTurn, time: Duration) -> Result<bool, Error> {
        let extended = query(
            "UPDATE capture_lock SET locked_until = clock_timestamp() + $1 * interval '1 millisecond' \
             WHERE turn = $2 AND locked_until > '-infinity'",
        );
        Ok(extended.bind(millis(time)).bind(turn.0).execute(&self.pool).await? == 1)
    }

    /// From now on workers may store visits beside the holder.
    pub async fn admit_workers(&self, turn: CaptureTurn) -> Result<(), Error> {
        query("UPDATE capture_lock SET admits_workers = TRUE WHERE turn = $1")
            .bind(turn.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn unlock_captures(&self, turn: CaptureTurn) -> Result<(), Error> {
        query("UPDATE capture_lock SET locked_until = '-infinity', admits_workers = TRUE WHERE turn = $1")
            .bind(turn.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends the lock of a process with this name, if it has it. The process is gone.
    pub(super) async fn unlock_captures_of(&self, holder: &str) -> Result<(), Error> {
        query(
            "UPDATE capture_lock SET locked_until = '-infinity', admits_workers = TRUE \
             WHERE holder = $1 AND locked_until > clock_timestamp()",
        )
        .bind(holder)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The turn in which a worker may store bodies; `None` while it may not.
    pub async fn turn_of_workers(&self) -> Result<Option<CaptureTurn>, Error> {
        let turn = query_scalar(
            "SELECT turn FROM capture_lock WHERE admits_workers OR locked_until <= clock_timestamp()",
        );
        Ok(turn.fetch_optional(&self.pool).await?.map(CaptureTurn))
    }
}

impl OrderedBatch {
    /// Whether workers may still store visits in this turn. If so, no other one begins before the
    /// commit.
    pub async fn is_turn_of_workers(&mut self, turn: CaptureTurn) -> Result<bool, Error> {
        let lasts = query_scalar::<i64>(
            "SELECT turn FROM capture_lock WHERE turn = $1 \
             AND (admits_workers OR locked_until <= clock_timestamp()) FOR SHARE",
        );
        Ok(lasts.bind(turn.0).fetch_optional(&mut self.transaction).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::each_engine::new_database;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn workers_store_visits_in_the_turn_in_which_they_began() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let lock = async |holder| catalogue.lock_captures(holder, MINUTE).await.unwrap();
        let before = catalogue.turn_of_workers().await.unwrap().unwrap();
        let is_turn =
            async |turn| catalogue.begin_ordered().await.unwrap().is_turn_of_workers(turn).await.unwrap();
        assert!(is_turn(before).await, "the captures are free");

        let night = lock("a night").await.unwrap();
        assert_eq!(lock("a takedown").await, Err("a night".to_owned()));
        assert_eq!(catalogue.turn_of_workers().await.unwrap(), None);
        assert!(!is_turn(before).await);
        catalogue.admit_workers(night).await.unwrap();
        assert_eq!(catalogue.turn_of_workers().await.unwrap(), Some(night));
        assert!(is_turn(night).await);
        assert!(catalogue.extend_capture_lock(night, MINUTE).await.unwrap());
        catalogue.unlock_captures(night).await.unwrap();
        assert!(!catalogue.extend_capture_lock(night, MINUTE).await.unwrap());
        assert!(is_turn(night).await, "a last batch is still stored");

        let takedown = lock("a takedown").await.unwrap();
        catalogue.unlock_captures(takedown).await.unwrap();
        assert!(!is_turn(night).await, "its bodies may be gone");
        lock("one that crashed").await.unwrap();
        catalogue.end_service("another").await.unwrap();
        assert!(lock("the next").await.is_err());
        catalogue.end_service("one that crashed").await.unwrap();
        lock("one that is lost").await.unwrap();
        query("UPDATE capture_lock SET locked_until = clock_timestamp()")
            .execute(&catalogue.pool)
            .await
            .unwrap();
        lock("the next").await.unwrap();
    }
}
