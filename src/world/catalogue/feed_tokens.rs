//! The secret addresses of calendars and feeds: digests of their tokens, never the tokens.

use jiff::Timestamp;

use super::database::{Transaction, query};
use super::value::{decoded, time, time_from};
use super::{Catalogue, Error};
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::journal::Entry;

/// The most addresses of one course; the oldest are withdrawn for new ones.
const OF_A_COURSE: u32 = 1000;

/// A token that reads the calendar and the feed of a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedToken {
    pub token: Digest,
    pub course: CourseId,
    /// A digest of the settings that say who may read the course.
    pub basis: Digest,
    pub given_at: Timestamp,
    pub until: Timestamp,
}

impl Catalogue {
    pub async fn feed_token(&self, token: Digest) -> Result<Option<FeedToken>, Error> {
        let row = query("SELECT course, basis, given_at, until FROM feed_token WHERE token = $1")
            .bind(token.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(FeedToken {
                token,
                course: decoded(row.get(0))?,
                basis: decoded(row.get(1))?,
                given_at: time_from(row.get(2))?,
                until: time_from(row.get(3))?,
            })
        })
        .transpose()
    }

    /// The number of tokens of a course, expired ones included.
    pub async fn feed_tokens(&self, course: &CourseId) -> Result<u64, Error> {
        let row = query("SELECT count(*) FROM feed_token WHERE course = $1")
            .bind(course.as_str())
            .fetch_one(&self.pool)
            .await?;
        Ok(row.get::<i64>(0).unsigned_abs())
    }
}

/// Stores a new token, and deletes the expired ones.
pub(super) async fn issue(entry: &Entry, on: &mut Transaction) -> Result<(), Error> {
    let Entry::FeedTokenIssued { at, course, token, basis, until } = entry else { return Ok(()) };
    query("DELETE FROM feed_token WHERE until <= $1").bind(time(*at)).execute(&mut *on).await?;
    query(
        "INSERT INTO feed_token (token, course, basis, given_at, until) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(token.to_string())
    .bind(course.as_str())
    .bind(basis.to_string())
    .bind(time(*at))
    .bind(time(*until))
    .execute(&mut *on)
    .await?;
    query(
        "DELETE FROM feed_token WHERE course = $1 AND token NOT IN \
         (SELECT token FROM feed_token WHERE course = $1 ORDER BY given_at DESC LIMIT $2)",
    )
    .bind(course.as_str())
    .bind(OF_A_COURSE)
    .execute(&mut *on)
    .await?;
    Ok(())
}

/// Withdraws a token of a course, or all of them.
pub(super) async fn withdraw(
    course: &CourseId,
    token: Option<Digest>,
    on: &mut Transaction,
) -> Result<(), Error> {
    query("DELETE FROM feed_token WHERE course = $1 AND ($2 IS NULL OR token = $2)")
        .bind(course.as_str())
        .bind(token.map(|token| token.to_string()))
        .execute(&mut *on)
        .await?;
    Ok(())
}
