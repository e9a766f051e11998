//! Sign-in sessions: digests of their tokens, never the tokens.

use jiff::Timestamp;

use super::database::{Transaction, query};
use super::value::{decoded, time, time_from};
use super::{Catalogue, Error};
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::course_access::Role;

/// A session token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub token: Digest,
    /// The first token of the same sign-in.
    pub family: Digest,
    pub course: CourseId,
    pub role: Role,
    /// A digest of the settings that the session depends on: the hash of the password, or
    /// the lists of people whom the identity provider may sign in.
    pub password: Digest,
    pub given_at: Timestamp,
    pub until: Timestamp,
    /// When a newer token replaced it.
    pub replaced_at: Option<Timestamp>,
    /// The name of the person, if the identity provider gave one.
    pub person: Option<String>,
}

impl Catalogue {
    pub async fn session(&self, token: Digest) -> Result<Option<Session>, Error> {
        let row = query(
            "SELECT family, course, role, password, given_at, until, replaced_at, person FROM session WHERE token = $1",
        )
        .bind(token.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Session {
                token,
                family: decoded(row.get(0))?,
                course: decoded(row.get(1))?,
                role: if row.get::<&str>(2) == STAFF { Role::Staff } else { Role::Reader },
                password: decoded(row.get(3))?,
                given_at: time_from(row.get(4))?,
                until: time_from(row.get(5))?,
                replaced_at: row.get::<Option<String>>(6).map(|text| time_from(&text)).transpose()?,
                person: row.get(7),
            })
        })
        .transpose()
    }

    /// Stores a new session, and deletes the expired ones.
    pub async fn begin_session(&self, session: &Session, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        query("DELETE FROM session WHERE until <= $1").bind(time(now)).execute(&mut transaction).await?;
        insert(session, &mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Replaces a token by a new one; false if another request did it first.
    pub async fn renew_session(&self, old: Digest, new: &Session) -> Result<bool, Error> {
        let mut transaction = self.pool.begin().await?;
        let replaced = query("UPDATE session SET replaced_at = $1 WHERE token = $2 AND replaced_at IS NULL")
            .bind(time(new.given_at))
            .bind(old.to_string())
            .execute(&mut transaction)
            .await?;
        if replaced == 0 {
            return Ok(false);
        }
        insert(new, &mut transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Deletes a session with all its tokens.
    pub async fn end_session(&self, family: Digest) -> Result<(), Error> {
        query("DELETE FROM session WHERE family = $1").bind(family.to_string()).execute(&self.pool).await?;
        Ok(())
    }
}

const STAFF: &str = "staff";
const READER: &str = "reader";

async fn insert(session: &Session, on: &mut Transaction) -> Result<(), Error> {
    query(
        "INSERT INTO session (token, family, course, role, password, given_at, until, person) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(session.token.to_string())
    .bind(session.family.to_string())
    .bind(session.course.as_str())
    .bind(match session.role {
        Role::Reader => READER,
        Role::Staff => STAFF,
    })
    .bind(session.password.to_string())
    .bind(time(session.given_at))
    .bind(time(session.until))
    .bind(session.person.as_deref())
    .execute(&mut *on)
    .await?;
    Ok(())
}
