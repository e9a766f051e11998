//! Migrations of the tables. They go forward only, each in a transaction, after a backup
//! of the catalogue was written beside it.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Pool, Sqlite};

use super::{Catalogue, Error};
use crate::world::disk::{self, StorageStep};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("src/world/catalogue/migrations");

/// Migrates the tables to the version of this program.
pub(super) async fn migrate(pool: &Pool<Sqlite>, path: &Path) -> Result<(), Error> {
    let unusable =
        |source: Box<dyn std::error::Error + Send + Sync>| Error::Unusable { path: path.to_owned(), source };
    let version = version(pool).await.map_err(|error| unusable(error.into()))?;
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max();
    if let Some(version) = version
        && Some(version) < newest
    {
        back_up(pool, path, version).await.map_err(unusable)?;
    }
    let migrated = disk::commit(StorageStep::Migration, async { Ok(MIGRATIONS.run(pool).await) }).await;
    match migrated.map_err(|error| unusable(error.into()))? {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
            Err(Error::Newer { path: path.to_owned() })
        }
        Err(error) => Err(unusable(error.into())),
    }
}

/// Whether the tables have the version of this program.
pub(super) async fn check(pool: &Pool<Sqlite>, path: &Path) -> Result<(), Error> {
    let version = version(pool)
        .await
        .map_err(|error| Error::Unusable { path: path.to_owned(), source: error.into() })?;
    match version.cmp(&MIGRATIONS.iter().map(|migration| migration.version).max()) {
        Ordering::Less => Err(Error::Older { path: path.to_owned() }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(Error::Newer { path: path.to_owned() }),
    }
}

/// `None` for a catalogue without tables.
async fn version(pool: &Pool<Sqlite>) -> Result<Option<i64>, sqlx::Error> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(pool)
            .await?;
    if tables == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(pool).await
}

/// Replaces the backup of an earlier attempt that failed before its first migration.
async fn back_up(
    pool: &Pool<Sqlite>,
    path: &Path,
    version: i64,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".before-{version}"));
    let copy = PathBuf::from(copy);
    match std::fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    snapshot(pool, &copy).await?;
    Ok(disk::sync_path(&copy, StorageStep::MigrationCopySync)?)
}

async fn snapshot(pool: &Pool<Sqlite>, to: &Path) -> Result<(), sqlx::Error> {
    sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy()).execute(pool).await?;
    Ok(())
}

impl Catalogue {
    /// The version of the tables; 0 if there are none.
    pub async fn schema(&self) -> Result<i64, Error> {
        Ok(version(&self.pool).await?.unwrap_or(0))
    }

    /// Writes a consistent copy of the catalogue to a new file, while it stays in use.
    pub async fn snapshot(&self, to: &Path) -> Result<(), Error> {
        Ok(snapshot(&self.pool, to).await?)
    }

    /// The first damage that `SQLite` finds in the file.
    pub async fn damage(&self) -> Result<Option<String>, Error> {
        let result: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&self.pool).await?;
        Ok((result != "ok").then_some(result))
    }
}
