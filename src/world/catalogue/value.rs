//! Converts between texts in the database and our types.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::database::ResultRow;

/// Times sort as texts, because all have the same form: UTC, with nanoseconds if there are any.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

pub(super) fn time_from(text: &str) -> Result<Timestamp, Error> {
    text.parse().map_err(|error: jiff::Error| Error::Query(sqlx::Error::Decode(error.into())))
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    Ok(serde_json::to_string(value)?)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    Ok(serde_json::from_str(text)?)
}

/// Parses a name or a number that is stored as text.
pub(super) fn decoded<T: std::str::FromStr>(text: &str) -> Result<T, Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|error| Error::Query(sqlx::Error::Decode(Box::new(error))))
}

/// A number that is not negative; the databases have only signed ones.
pub(super) fn count(row: &ResultRow, column: usize) -> Result<u32, Error> {
    let number: i64 = row.get(column);
    number.try_into().map_err(|error| Error::Query(sqlx::Error::Decode(Box::new(error))))
}

pub(super) fn optional_count(row: &ResultRow, column: usize) -> Result<Option<u32>, Error> {
    row.get::<Option<i64>>(column).map(|_| count(row, column)).transpose()
}

/// A duration in whole milliseconds, rounded up: a pause gets no shorter.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(i64::MAX)
}
