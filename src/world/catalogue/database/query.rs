//! A statement with its values, for either engine.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use sqlx::{Database, Postgres, SqlSafeStr, SqlStr, Sqlite};

use super::Executor;
use super::row::{EngineType, ResultRow};

/// A statement with its values `$1`, `$2` and so on.
pub(in super::super) struct Query<'q> {
    statement: SqlStr,
    values: Vec<Value<'q>>,
}

/// A statement whose rows have one column.
pub(in super::super) struct Scalar<'q, T> {
    query: Query<'q>,
    column: PhantomData<T>,
}

/// A value of a statement.
pub(in super::super) enum Value<'q> {
    Text(Option<Cow<'q, str>>),
    Number(i64),
    Flag(bool),
}

pub(in super::super) fn query<'q>(statement: impl SqlSafeStr) -> Query<'q> {
    Query { statement: statement.into_sql_str(), values: Vec::new() }
}

pub(in super::super) fn query_scalar<'q, T>(statement: impl SqlSafeStr) -> Scalar<'q, T> {
    Scalar { query: query(statement), column: PhantomData }
}

impl<'q> Query<'q> {
    pub(in super::super) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The number of rows that it changed.
    pub(in super::super) async fn execute<'c>(self, on: impl Into<Executor<'c>>) -> Result<u64, sqlx::Error> {
        // Callers would hold the space of both engines.
        Box::pin(self.changed_rows(on.into())).await
    }

    async fn changed_rows(self, on: Executor<'_>) -> Result<u64, sqlx::Error> {
        Ok(match on {
            Executor::SqlitePool(pool) => self.sqlite().execute(pool).await?.rows_affected(),
            Executor::Sqlite(connection) => self.sqlite().execute(connection).await?.rows_affected(),
            Executor::Postgres(connection) => self.postgres().execute(connection).await?.rows_affected(),
            Executor::PostgresPool(pool) => {
                let mut transaction = pool.begin().await?;
                let rows = self.postgres().execute(&mut *transaction).await?.rows_affected();
                transaction.commit().await?;
                pool.writes.fetch_add(1, Ordering::Release);
                rows
            }
        })
    }

    pub(in super::super) async fn fetch_all<'c>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> Result<Vec<ResultRow>, sqlx::Error> {
        Box::pin(self.rows(on.into())).await
    }

    async fn rows(self, on: Executor<'_>) -> Result<Vec<ResultRow>, sqlx::Error> {
        Ok(match on {
            Executor::SqlitePool(pool) => sqlite_rows(self.sqlite().fetch_all(pool).await?),
            Executor::Sqlite(connection) => sqlite_rows(self.sqlite().fetch_all(connection).await?),
            Executor::Postgres(connection) => postgres_rows(self.postgres().fetch_all(connection).await?),
            Executor::PostgresPool(pool) => {
                let mut transaction = pool.begin().await?;
                let rows = self.postgres().fetch_all(&mut *transaction).await?;
                transaction.commit().await?;
                postgres_rows(rows)
            }
        })
    }

    pub(in super::super) async fn fetch_optional<'c>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> Result<Option<ResultRow>, sqlx::Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    pub(in super::super) async fn fetch_one<'c>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> Result<ResultRow, sqlx::Error> {
        self.fetch_optional(on).await?.ok_or(sqlx::Error::RowNotFound)
    }

    fn sqlite(self) -> sqlx::query::Query<'q, Sqlite, <Sqlite as Database>::Arguments> {
        let query = sqlx::query::<Sqlite>(self.statement);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
        })
    }

    fn postgres(self) -> sqlx::query::Query<'q, Postgres, <Postgres as Database>::Arguments> {
        let query = sqlx::query::<Postgres>(self.statement).persistent(false);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text.map(without_nul)),
            Value::Number(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
        })
    }
}

impl<'q, T> Scalar<'q, T>
where
    T: for<'r> EngineType<'r>,
{
    pub(in super::super) fn bind(self, value: impl Into<Value<'q>>) -> Self {
        Self { query: self.query.bind(value), ..self }
    }

    pub(in super::super) async fn fetch_all<'c>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> Result<Vec<T>, sqlx::Error> {
        Ok(self.query.fetch_all(on).await?.iter().map(|row| row.get(0)).collect())
    }

    pub(in super::super) async fn fetch_optional<'c>(
        self,
        on: impl Into<Executor<'c>>,
    ) -> Result<Option<T>, sqlx::Error> {
        Ok(self.query.fetch_optional(on).await?.map(|row| row.get(0)))
    }

    pub(in super::super) async fn fetch_one<'c>(self, on: impl Into<Executor<'c>>) -> Result<T, sqlx::Error> {
        Ok(self.query.fetch_one(on).await?.get(0))
    }
}

/// `PostgreSQL` has no texts with NUL characters.
fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { text }
}

fn sqlite_rows(rows: Vec<sqlx::sqlite::SqliteRow>) -> Vec<ResultRow> {
    rows.into_iter().map(ResultRow::Sqlite).collect()
}

fn postgres_rows(rows: Vec<sqlx::postgres::PgRow>) -> Vec<ResultRow> {
    rows.into_iter().map(ResultRow::Postgres).collect()
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(text: &'q str) -> Self {
        Self::Text(Some(Cow::Borrowed(text)))
    }
}

impl<'q> From<&'q String> for Value<'q> {
    fn from(text: &'q String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(Cow::Owned(text)))
    }
}

impl<'q> From<Option<&'q str>> for Value<'q> {
    fn from(text: Option<&'q str>) -> Self {
        Self::Text(text.map(Cow::Borrowed))
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(Cow::Owned))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&i64> for Value<'_> {
    fn from(number: &i64) -> Self {
        Self::Number(*number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
