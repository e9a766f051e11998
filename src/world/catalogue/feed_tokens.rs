//! The secret addresses of calendars and feeds: digests of their tokens, never the tokens.

use jiff::Timestamp;
use sqlx::Row as _;

use super::value::{decoded, time, time_from};
use super::{Catalogue, Error};
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;

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
        let row = sqlx::query("SELECT course, basis, given_at, until FROM feed_token WHERE token = ?")
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

    /// Stores a new token, and deletes the expired ones.
    pub async fn add_feed_token(&self, token: &FeedToken) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM feed_token WHERE until <= ?")
            .bind(time(token.given_at))
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO feed_token (token, course, basis, given_at, until) VALUES (?, ?, ?, ?, ?)")
            .bind(token.token.to_string())
            .bind(token.course.as_str())
            .bind(token.basis.to_string())
            .bind(time(token.given_at))
            .bind(time(token.until))
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "DELETE FROM feed_token WHERE course = ?1 AND token NOT IN \
             (SELECT token FROM feed_token WHERE course = ?1 ORDER BY given_at DESC LIMIT ?2)",
        )
        .bind(token.course.as_str())
        .bind(OF_A_COURSE)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Withdraws a token; false if there is none.
    pub async fn withdraw_feed_token(&self, course: &CourseId, token: Digest) -> Result<bool, Error> {
        let done = sqlx::query("DELETE FROM feed_token WHERE course = ? AND token = ?")
            .bind(course.as_str())
            .bind(token.to_string())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Withdraws all tokens of a course; returns their number.
    pub async fn withdraw_feed_tokens(&self, course: &CourseId) -> Result<u64, Error> {
        let done = sqlx::query("DELETE FROM feed_token WHERE course = ?")
            .bind(course.as_str())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}
