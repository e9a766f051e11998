//! Opens a catalogue in `PostgreSQL`, and keeps its tables at the version of this program.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqlSafeStr as _};

use super::database::{Pool, PostgresPool, query_scalar};
use super::{Catalogue, CatalogueLocation, Error, PostgresUrl};

/// The first one creates the tables as `SQLite` has them at its version.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("src/world/catalogue/postgres_migrations");

/// Of the lock under which the tables are migrated.
const LOCK: &str = "SELECT pg_advisory_xact_lock(5720346128)";
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 8;

/// What is done with tables of an earlier version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    Migrate,
    /// They must have the version of this program.
    AsTheyAre,
}

/// Connects to a database. Each step fails with advice.
pub(super) async fn open(url: &PostgresUrl, tables: Tables) -> Result<Catalogue, Error> {
    let unusable = |error: sqlx::Error| Error::Unusable {
        location: CatalogueLocation::Postgres(url.clone()).into(),
        source: error.into(),
    };
    let options = url.options().map_err(unusable)?;
    // The pool would try again, and hide why it could not connect.
    let connecting = tokio::time::timeout(TIMEOUT, options.connect()).await;
    let mut connection = connecting.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut)).map_err(unusable)?;
    let mut transaction = connection.begin().await.map_err(unusable)?;
    if tables == Tables::Migrate {
        sqlx::raw_sql(LOCK).execute(&mut *transaction).await.map_err(unusable)?;
    }
    let version = version(&mut transaction).await.map_err(unusable)?;
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max();
    if version > newest {
        return Err(Error::Newer { location: CatalogueLocation::Postgres(url.clone()).into() });
    }
    if version < newest {
        if tables == Tables::AsTheyAre {
            return Err(Error::Older { location: CatalogueLocation::Postgres(url.clone()).into() });
        }
        migrate(&mut transaction, version).await.map_err(unusable)?;
    }
    transaction.commit().await.map_err(unusable)?;
    connection.close().await.map_err(unusable)?;
    let connections =
        PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(TIMEOUT).connect_lazy_with(options);
    let pool = Pool::Postgres(PostgresPool { connections, writes: std::sync::Arc::default() });
    Ok(Catalogue { log: None, pool, outbox: std::sync::Arc::default(), _copy: None })
}

/// Runs the newer migrations in the transaction of their versions, so all count or none.
async fn migrate(on: &mut PgConnection, version: Option<i64>) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS catalogue_version (version BIGINT PRIMARY KEY)")
        .execute(&mut *on)
        .await?;
    for migration in MIGRATIONS.iter().filter(|migration| Some(migration.version) > version) {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut *on).await?;
        let entry = format!("INSERT INTO catalogue_version VALUES ({})", migration.version);
        sqlx::raw_sql(AssertSqlSafe(entry).into_sql_str()).execute(&mut *on).await?;
    }
    Ok(())
}

/// `None` for a database without tables.
pub(super) async fn version(on: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let is_there = query_scalar::<bool>("SELECT to_regclass('catalogue_version') IS NOT NULL");
    if !is_there.fetch_one(&mut *on).await? {
        return Ok(None);
    }
    query_scalar::<Option<i64>>("SELECT max(version) FROM catalogue_version").fetch_one(&mut *on).await
}

/// Frees the room of deleted passages, and overwrites what they held.
pub(super) async fn erase_freed(pool: &PostgresPool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("VACUUM (FULL) passage").execute(&pool.connections).await?;
    Ok(())
}
