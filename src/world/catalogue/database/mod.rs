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

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool};

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
            Self::Postgres(pool) => Transaction::Postgres {
                transaction: pool.connections.begin().await?,
                writes: Arc::clone(&pool.writes),
            },
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.connections.close().await,
        }
    }
}

impl Transaction {
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
