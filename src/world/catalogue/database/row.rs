//! A row of either engine.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};

/// A row of a result.
pub(in super::super) enum ResultRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A type that both engines have.
pub(in super::super) trait EngineType<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T> EngineType<'r> for T where
    T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl ResultRow {
    /// The value of a column, counted from 0.
    pub(in super::super) fn get<'r, T: EngineType<'r>>(&'r self, column: usize) -> T {
        match self {
            Self::Sqlite(row) => row.get(column),
            Self::Postgres(row) => row.get(column),
        }
    }
}
