//! Bodies whose removal by a takedown is not finished.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqlitePool};

use super::database::{Pool, query, query_scalar};
use super::value::{decoded, json};
use super::{Catalogue, Error, OpenMode, bulk, connect, postgres};
use crate::domain::capture::Digest;
use crate::world::clock::Clock;
use crate::world::disk::{self, StorageStep};

/// How often, and with which pause, the log is truncated while another process reads it.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);
const DELETE_TEXTS: &str = "DELETE FROM document_text WHERE sha256 IN (SELECT value FROM json_each($1))";

impl Catalogue {
    /// The bodies whose removal is not finished.
    pub async fn unfinished_removals(&self) -> Result<Vec<Digest>, Error> {
        let rows = query_scalar::<String>("SELECT sha256 FROM removal WHERE NOT is_finished")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|sha256| decoded(sha256)).collect()
    }

    /// Records that the removal of these bodies is not finished.
    pub async fn begin_removal(&self, bodies: &[Digest]) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        bulk::removed(bodies, &mut transaction).await?;
        Ok(disk::commit(StorageStep::RemovalBegin, transaction.commit()).await?)
    }

    /// Records that these bodies are completely removed.
    pub async fn set_removed(&self, bodies: &[Digest]) -> Result<(), Error> {
        let update =
            query("UPDATE removal SET is_finished = TRUE WHERE sha256 IN (SELECT value FROM json_each($1))")
                .bind(json(&bodies)?)
                .execute(&self.pool);
        disk::commit(StorageStep::RemovalEnd, update).await?;
        Ok(())
    }

    /// Removes the texts of documents, and every trace of them in the files. Returns false
    /// if the log still has traces, because another process reads it. The log and the
    /// backups of a `PostgreSQL` server are not ours; they lose the traces in their own time.
    pub async fn forget_texts(&self, bodies: &[Digest], clock: Clock) -> Result<bool, Error> {
        match &self.pool {
            Pool::Sqlite(pool) => forget_in_file(bodies, pool, clock).await,
            Pool::Postgres(pool) => {
                let delete = query(DELETE_TEXTS).bind(json(&bodies)?).execute(&self.pool);
                disk::commit(StorageStep::RemovalTexts, delete).await?;
                postgres::erase_freed(pool).await?;
                Ok(true)
            }
        }
    }

    /// The same in a catalogue of an earlier version or one that was replaced. Nothing else
    /// of it changes.
    pub async fn forget_texts_in(path: &Path, bodies: &[Digest]) -> Result<(), Error> {
        let old = connect(path, OpenMode::Existing).await?;
        let mut connection = old.acquire().await?;
        let has_texts: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'document_text')")
                .fetch_one(&mut *connection)
                .await?;
        if has_texts {
            delete_texts(bodies, &mut connection).await?;
            erase_freed(&mut connection).await?;
        }
        drop(connection);
        old.close().await;
        Ok(())
    }

    /// Moves the content of a catalogue's log into its file, so that the file is whole without it.
    pub async fn empty_log(path: &Path) -> Result<(), Error> {
        let pool = connect(path, OpenMode::Existing).await?;
        truncate_log(&mut pool.acquire().await?).await?;
        pool.close().await;
        Ok(())
    }
}

async fn forget_in_file(bodies: &[Digest], pool: &SqlitePool, clock: Clock) -> Result<bool, Error> {
    let mut connection = pool.acquire().await?;
    delete_texts(bodies, &mut connection).await?;
    // Each attempt delays writers, so it must not wait for readers.
    sqlx::query("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
    let mut is_erased = erase_freed(&mut connection).await?;
    for _ in 1..ATTEMPTS {
        if is_erased {
            break;
        }
        clock.sleep(PAUSE).await;
        is_erased = erase_freed(&mut connection).await?;
    }
    // Its timeout is not that of the pool.
    connection.close().await?;
    Ok(is_erased)
}

/// Writes the database anew and truncates its log: pages that were freed before, as the
/// full-text index frees them when it is merged, keep their old contents. Returns false
/// if another process uses the database.
async fn erase_freed(on: &mut PoolConnection<Sqlite>) -> Result<bool, Error> {
    if unless_busy(sqlx::query("VACUUM").execute(&mut **on).await)?.is_none() {
        return Ok(false);
    }
    truncate_log(on).await
}

/// Returns false if another process uses the log. A log that is busy is reported in a row,
/// or as an error while another process writes.
async fn truncate_log(on: &mut PoolConnection<Sqlite>) -> Result<bool, Error> {
    let truncated =
        sqlx::query_scalar::<_, bool>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut **on).await;
    Ok(unless_busy(truncated)?.is_some_and(|is_busy| !is_busy))
}

/// `None` if another process uses the database.
fn unless_busy<T>(result: Result<T, sqlx::Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("5" | "6" | "261" | "517")) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn delete_texts(bodies: &[Digest], on: &mut PoolConnection<Sqlite>) -> Result<(), Error> {
    sqlx::query("PRAGMA secure_delete = ON").execute(&mut **on).await?;
    let delete = sqlx::query(DELETE_TEXTS).bind(json(&bodies)?).execute(&mut **on);
    disk::commit(StorageStep::RemovalTexts, delete).await?;
    Ok(())
}
