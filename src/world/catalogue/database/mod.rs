//! The two engines of a catalogue, behind one way to run a statement.
//!
//! A statement has one text for both engines. `PostgreSQL` gets the few functions of
//! `SQLite` that it lacks from its first migration. What only one engine can do is in the
//! modules named after it.
//!
//! `PostgreSQL` may be behind a pooler in transaction mode, which gives each transaction
//! another connection of the server. So each statement runs in a transaction, without a
//! prepared statement that outlives it.

mod query;
mod row;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool};
use tokio::time::timeout;

pub(super) use query::{query, query_scalar};
pub(super) use row::ResultRow;

/// The connections to a database.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PostgresPool),
}

/// The connections to a server.
#[derive(Clone, Debug)]
pub(super) struct PostgresPool {
    pub connections: PgPool,
    /// The writes of this process.
    pub writes: Arc<AtomicU64>,
}

/// The server ends a transaction that does nothing for 15 seconds, and with it its locks, for which
/// other processes wait: its own process is frozen or cut off. One process may have several
/// transactions that wait for the same lock, and they end one after the other.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '15s'";
/// How often a transaction that waits for other work runs a statement.
const KEEPALIVE: Duration = Duration::from_secs(4);

/// A transaction; it is rolled back if it is not committed.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres { transaction: sqlx::Transaction<'static, Postgres>, writes: Arc<AtomicU64> },
}

/// Where a statement runs.
pub(super) enum Executor<'c> {
    SqlitePool(&'c SqlitePool),
    Sqlite(&'c mut SqliteConnection),
    PostgresPool(&'c PostgresPool),
    Postgres(&'c mut PgConnection),
}

impl Pool {
    pub(super) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => {
                Transaction::Postgres { transaction: pool.begin().await?, writes: Arc::clone(&pool.writes) }
            }
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.connections.close().await,
        }
    }
}

impl PostgresPool {
    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, Postgres>, sqlx::Error> {
        self.connections.begin_with(BEGIN).await
    }
}

impl Transaction {
    /// Waits for work that others do. Meanwhile the server sees that this process is not frozen.
    pub(super) async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> Result<T, sqlx::Error> {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout(KEEPALIVE, &mut work).await {
                return Ok(done);
            }
            query("SELECT 1").execute(&mut *self).await?;
        }
    }

    /// The server lets the transaction do nothing for as long as its own settings say.
    pub(super) async fn set_default_limit(&mut self) -> Result<(), sqlx::Error> {
        if let Self::Postgres { .. } = self {
            query("SET LOCAL idle_in_transaction_session_timeout TO DEFAULT").execute(self).await?;
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres { transaction, writes } => {
                transaction.commit().await?;
                writes.fetch_add(1, Ordering::Release);
                Ok(())
            }
        }
    }
}

impl<'c> From<&'c Pool> for Executor<'c> {
    fn from(pool: &'c Pool) -> Self {
        match pool {
            Pool::Sqlite(pool) => Self::SqlitePool(pool),
            Pool::Postgres(pool) => Self::PostgresPool(pool),
        }
    }
}

impl<'c> From<&'c mut Transaction> for Executor<'c> {
    fn from(transaction: &'c mut Transaction) -> Self {
        match transaction {
            Transaction::Sqlite(transaction) => Self::Sqlite(transaction),
            Transaction::Postgres { transaction, .. } => Self::Postgres(transaction),
        }
    }
}

impl<'c> From<&'c mut PgConnection> for Executor<'c> {
    fn from(connection: &'c mut PgConnection) -> Self {
        Self::Postgres(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::each_engine::new_database;
    use crate::world::catalogue::{Catalogue, Error};

    const LIMIT: &str = "SELECT current_setting('idle_in_transaction_session_timeout')";

    #[tokio::test]
    async fn no_transaction_does_nothing_for_longer_than_its_limit() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let alone: String = query_scalar(LIMIT).fetch_one(&catalogue.pool).await.unwrap();
        let mut transaction = catalogue.pool.begin().await.unwrap();
        let within: String = query_scalar(LIMIT).fetch_one(&mut transaction).await.unwrap();
        assert_eq!([alone, within], ["15s", "15s"]);

        query("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
            .execute(&mut transaction)
            .await
            .unwrap();
        let ended = loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Err(error) = query("SELECT 1").execute(&mut transaction).await {
                break Error::from(error);
            }
        };
        assert!(ended.is_away(), "it is tried again: {ended}");
    }

    #[tokio::test]
    async fn a_transaction_that_waits_for_long_work_goes_on() {
        let Some(location) = new_database().await else { return };
        let catalogue = Catalogue::open_at(&location).await.unwrap();
        let mut transaction = catalogue.pool.begin().await.unwrap();
        query("SET LOCAL idle_in_transaction_session_timeout = '6s'")
            .execute(&mut transaction)
            .await
            .unwrap();
        transaction.wait_for(tokio::time::sleep(Duration::from_secs(7))).await.unwrap();
        query("SELECT 1").execute(&mut transaction).await.unwrap();
    }
}
