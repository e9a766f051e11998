//! Opens a catalogue in `PostgreSQL`, and keeps its tables at the version of this program.

use std::cmp::Ordering;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqlSafeStr as _};

use super::advisory_lock::AdvisoryLock;
use super::database::{BEGIN, Pool, PostgresPool, query_scalar};
use super::{Catalogue, CatalogueLocation, Error, PostgresUrl};

/// The first one creates the tables as `SQLite` has them at its version.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("src/world/catalogue/postgres_migrations");

/// How long a migration waits for a table that another transaction uses. Others wait behind it.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '30s'";
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 8;

/// The oldest version of programs that go on working with the tables after a migration: it only
/// adds what they do not need. For any other migration it is the version itself, and all older
/// processes must be stopped before. So it is for 21: older programs read no runs of visits, and
/// would judge by a part of the history.
fn oldest_program(version: i64) -> i64 {
    match version {
        19 | 20 => 18,
        22 => 21,
        _ => version,
    }
}

/// Whether a migration since the version in a parameter changed what programs of that version
/// need, in SQL.
macro_rules! is_outdated {
    ($parameter:literal) => {
        concat!("EXISTS (SELECT 1 FROM catalogue_version WHERE coalesce(oldest, version) > ", $parameter, ")")
    };
}
pub(super) use is_outdated;

/// The version of the tables that this program knows.
#[expect(clippy::expect_used, reason = "the program has migrations")]
pub(super) fn newest_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().expect("there are migrations")
}

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
    let mut transaction = connection.begin_with(BEGIN).await.map_err(unusable)?;
    if tables == Tables::Migrate {
        let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(AdvisoryLock::Tables.number());
        lock.execute(&mut *transaction).await.map_err(unusable)?;
    }
    let version = version(&mut transaction).await.map_err(unusable)?;
    let location = || CatalogueLocation::Postgres(url.clone()).into();
    match version.cmp(&Some(newest_version())) {
        Ordering::Greater if is_for_this_program(&mut transaction).await.map_err(unusable)? => {
            tracing::info!("the catalogue is of a newer version of onreserve, which this version can use");
        }
        Ordering::Greater => return Err(Error::Newer { location: location() }),
        Ordering::Less if tables == Tables::AsTheyAre => return Err(Error::Older { location: location() }),
        Ordering::Less => {
            migrate(&mut transaction, version).await.map_err(unusable)?;
            let processes = older_processes(&mut transaction).await.map_err(unusable)?;
            if !processes.is_empty() {
                return Err(Error::OlderAtWork { location: location(), processes: processes.join(", ") });
            }
        }
        Ordering::Equal => {}
    }
    transaction.commit().await.map_err(unusable)?;
    connection.close().await.map_err(unusable)?;
    let connections = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(TIMEOUT)
        .after_connect(|connection, _| Box::pin(set_planner(connection)))
        .connect_lazy_with(options);
    let pool = Pool::Postgres(PostgresPool { connections, writes: std::sync::Arc::default() });
    Ok(Catalogue {
        log: None,
        pool,
        outbox: std::sync::Arc::default(),
        batches: std::sync::Arc::default(),
        duty: std::sync::Arc::default(),
        counted_requests: std::sync::Arc::default(),
        _copy: None,
    })
}

/// Sets how the server plans statements. It cannot know how few values a JSON array has, so it
/// would compile statements, which takes far longer than to run them, and read whole tables
/// instead of a few rows by their index. Behind a pooler the settings reach some connections only,
/// which changes nothing but times.
async fn set_planner(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SET jit = off; SET random_page_cost = 1.1").execute(connection).await?;
    Ok(())
}

/// Runs the newer migrations in the transaction of their versions, so all count or none.
async fn migrate(on: &mut PgConnection, version: Option<i64>) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(LOCK_TIMEOUT).execute(&mut *on).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS catalogue_version (version BIGINT PRIMARY KEY); \
         ALTER TABLE catalogue_version ADD COLUMN IF NOT EXISTS oldest BIGINT",
    )
    .execute(&mut *on)
    .await?;
    for migration in MIGRATIONS.iter().filter(|migration| Some(migration.version) > version) {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut *on).await?;
        let (version, oldest) = (migration.version, oldest_program(migration.version));
        let entry = format!("INSERT INTO catalogue_version (version, oldest) VALUES ({version}, {oldest})");
        sqlx::raw_sql(AssertSqlSafe(entry).into_sql_str()).execute(&mut *on).await?;
    }
    Ok(())
}

/// Whether all newer migrations leave what this program needs. One of an unknown kind does not.
async fn is_for_this_program(on: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let is_known = query_scalar::<bool>(
        "SELECT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'catalogue_version' \
         AND column_name = 'oldest' AND table_schema = current_schema())",
    );
    if !is_known.fetch_one(&mut *on).await? {
        return Ok(false);
    }
    query_scalar::<bool>(concat!("SELECT NOT ", is_outdated!("$1")))
        .bind(newest_version())
        .fetch_one(&mut *on)
        .await
}

/// The processes at work whose program cannot go on with the tables as they are after a migration
/// in this transaction. No other process begins its lease before the end of the transaction.
async fn older_processes(on: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::raw_sql("LOCK TABLE process_lease IN SHARE ROW EXCLUSIVE MODE").execute(&mut *on).await?;
    query_scalar::<String>(
        "SELECT name FROM process_lease WHERE lease_until > clock_timestamp() \
         AND version < (SELECT max(coalesce(oldest, version)) FROM catalogue_version) ORDER BY name",
    )
    .fetch_all(&mut *on)
    .await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::service_role::ServiceRole;
    use crate::world::catalogue::each_engine::new_database;

    const MINUTE: Duration = Duration::from_mins(1);

    /// The tables as version 18 has them.
    const TO_18: &str = "DROP TABLE login_count; DROP TABLE visit_run; DROP INDEX night_not_counted; \
         ALTER TABLE process_lease DROP COLUMN role, DROP COLUMN version; \
         ALTER TABLE night_shard DROP COLUMN offered_at, DROP COLUMN lost; \
         ALTER TABLE catalogue_version DROP COLUMN oldest; \
         DROP TABLE pending_login, recheck_request, scheduler_activity, journal_head, pending_segment, capture_lock; \
         DELETE FROM catalogue_version WHERE version > 18";

    async fn run(catalogue: &Catalogue, statements: &'static str) {
        let Pool::Postgres(pool) = &catalogue.pool else { panic!("it is in PostgreSQL") };
        sqlx::raw_sql(statements).execute(&pool.connections).await.unwrap();
    }

    #[tokio::test]
    async fn two_versions_work_together_if_the_newer_one_leaves_what_the_older_one_needs() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let begin = async || catalogue.begin_lease("this", ServiceRole::Web, MINUTE).await;
        let process = begin().await.unwrap();
        run(&catalogue, "INSERT INTO catalogue_version SELECT 999, max(version) FROM catalogue_version")
            .await;
        Catalogue::open_at(&location).await.unwrap().close().await;
        Catalogue::open_at_as_it_is(&location).await.unwrap().close().await;
        begin().await.unwrap();
        assert!(catalogue.renew_lease(process, MINUTE).await.unwrap());

        run(&catalogue, "INSERT INTO catalogue_version VALUES (1000, 1000)").await;
        assert!(matches!(Catalogue::open_at(&location).await, Err(Error::Newer { .. })));
        assert!(matches!(begin().await, Err(Error::Outdated)));
        assert!(!catalogue.renew_lease(process, MINUTE).await.unwrap(), "it must not go on");
    }

    #[tokio::test]
    async fn tables_are_not_migrated_under_processes_that_could_not_go_on() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        run(&catalogue, "DELETE FROM catalogue_version WHERE version > 19").await;
        run(&catalogue, "INSERT INTO process_lease (name, lease_until) VALUES ('18', clock_timestamp() + interval '1 minute')").await;

        // The same process would be too old, if version 19 had changed what it needs.
        let Pool::Postgres(pool) = &catalogue.pool else { panic!("it is in PostgreSQL") };
        let older = async || {
            let mut transaction = pool.connections.begin().await.unwrap();
            older_processes(&mut transaction).await.unwrap()
        };
        assert_eq!(older().await, [""; 0]);
        run(&catalogue, "UPDATE catalogue_version SET oldest = 19 WHERE version = 19").await;
        assert_eq!(older().await, ["18"]);
        run(&catalogue, "UPDATE process_lease SET lease_until = clock_timestamp()").await;
        assert_eq!(older().await, [""; 0], "it has stopped");
    }

    #[tokio::test]
    async fn a_migration_is_undone_if_an_older_process_is_at_work() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        run(&catalogue, TO_18).await;
        // Programs of version 18 would not see the visits that version 21 compacts.
        run(&catalogue, "INSERT INTO process_lease (name, lease_until) VALUES ('old', clock_timestamp() + interval '1 minute')").await;
        let refused = Catalogue::open_at(&location).await.unwrap_err();
        assert!(matches!(refused, Error::OlderAtWork { .. }), "{refused}");
        assert!(refused.to_string().contains("old; stop them"), "{refused}");
        assert_eq!(catalogue.schema().await.unwrap(), 18, "nothing has changed");
        run(&catalogue, "UPDATE process_lease SET lease_until = clock_timestamp()").await;
        Catalogue::open_at(&location).await.unwrap().close().await;
        assert_eq!(catalogue.schema().await.unwrap(), newest_version());
    }

    /// A server with its usual settings takes a hundred milliseconds to compile a statement over a
    /// JSON array, and reads whole tables of some ten thousand rows for one with a few values.
    #[tokio::test]
    async fn statements_are_planned_for_few_values() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let compiles: String = query_scalar("SHOW jit").fetch_one(&catalogue.pool).await.unwrap();
        assert_eq!(compiles, "off");
        run(&catalogue, "INSERT INTO link (address) SELECT 'https://h.example/' || n FROM generate_series(1, 30000) AS n; ANALYZE link").await;
        let plan = "EXPLAIN SELECT link.id FROM json_each('[]') AS wanted CROSS JOIN link WHERE link.address = wanted.value";
        let Pool::Postgres(pool) = &catalogue.pool else { panic!("it is in PostgreSQL") };
        let plan: Vec<String> = sqlx::query_scalar(plan).fetch_all(&pool.connections).await.unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains("Index Scan") && !plan.contains("Seq Scan"), "{plan}");
    }
}
