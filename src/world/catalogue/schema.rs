//! Migrations of the tables in a file. They go forward only, each in a transaction, after a
//! backup of the catalogue was written beside it.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use sqlx::SqlitePool;
use sqlx::migrate::{MigrateError, Migrator};

use super::database::Pool;
use super::{Catalogue, CatalogueLocation, Error, postgres, unusable};
use crate::world::disk::{self, StorageStep};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("src/world/catalogue/migrations");

/// Migrates the tables to the version of this program.
pub(super) async fn migrate(pool: &SqlitePool, path: &Path) -> Result<(), Error> {
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| unusable(path, source);
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
            Err(Error::Newer { location: in_file(path).into() })
        }
        Err(error) => Err(unusable(error.into())),
    }
}

/// Whether the tables have the version of this program.
pub(super) async fn check(pool: &SqlitePool, path: &Path) -> Result<(), Error> {
    let version = version(pool).await.map_err(|error| unusable(path, error.into()))?;
    match version.cmp(&MIGRATIONS.iter().map(|migration| migration.version).max()) {
        Ordering::Less => Err(Error::Older { location: in_file(path).into() }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(Error::Newer { location: in_file(path).into() }),
    }
}

fn in_file(path: &Path) -> CatalogueLocation {
    CatalogueLocation::Sqlite(path.to_owned())
}

/// `None` for a catalogue without tables.
async fn version(pool: &SqlitePool) -> Result<Option<i64>, sqlx::Error> {
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
    pool: &SqlitePool,
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

async fn snapshot(pool: &SqlitePool, to: &Path) -> Result<(), sqlx::Error> {
    sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy()).execute(pool).await?;
    Ok(())
}

impl Catalogue {
    /// The version of the tables; 0 if there are none.
    pub async fn schema(&self) -> Result<i64, Error> {
        let version = match &self.pool {
            Pool::Sqlite(pool) => version(pool).await?,
            Pool::Postgres(pool) => postgres::version(&mut *pool.connections.begin().await?).await?,
        };
        Ok(version.unwrap_or(0))
    }

    /// Writes a consistent copy of the catalogue to a new file, while it stays in use.
    pub async fn snapshot(&self, to: &Path) -> Result<(), Error> {
        match &self.pool {
            Pool::Sqlite(pool) => snapshot(pool, to).await?,
            Pool::Postgres(_) => {
                let copy = Self::open(to).await?;
                copy.take_all_from(self).await?;
                copy.close().await;
                Self::empty_log(to).await?;
            }
        }
        Ok(())
    }

    /// The first damage that `SQLite` finds in the file. A server checks its files itself.
    pub async fn damage(&self) -> Result<Option<String>, Error> {
        let Pool::Sqlite(pool) = &self.pool else { return Ok(None) };
        let result: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(pool).await?;
        Ok((result != "ok").then_some(result))
    }
}
