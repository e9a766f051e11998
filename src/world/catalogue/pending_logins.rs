//! Logins that were redirected to the identity provider and have not come back.
//!
//! Each is completed at most once, by any process that serves pages. The number is limited. If
//! there are too many, the client that starts another loses its own oldest one first, so that a
//! client cannot displace the logins of others.

use jiff::Timestamp;

use super::database::{query, query_scalar};
use super::value::{decoded, time, time_from};
use super::{Catalogue, Error};
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;

/// Each takes a few hundred bytes.
const MAX_PENDING: i64 = 4096;

/// A login without its secrets, which are in the cookie of the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLogin {
    /// Of the state that the provider sends back.
    pub state: Digest,
    pub course: CourseId,
    /// The page to go to after the login.
    pub next: String,
    /// Of the cookie in the browser that started the login.
    pub browser: Digest,
    /// The network of the client.
    pub client: String,
    pub started_at: Timestamp,
}

impl Catalogue {
    /// Stores a login, and forgets those that started before `expired`.
    pub async fn begin_login(&self, login: &PendingLogin, expired: Timestamp) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        query("DELETE FROM pending_login WHERE started_at < $1")
            .bind(time(expired))
            .execute(&mut transaction)
            .await?;
        let pending: i64 =
            query_scalar("SELECT count(*) FROM pending_login").fetch_one(&mut transaction).await?;
        if pending >= MAX_PENDING {
            query(
                "DELETE FROM pending_login WHERE state = (SELECT state FROM pending_login \
                 ORDER BY CASE WHEN client = $1 THEN 0 ELSE 1 END, started_at, state LIMIT 1)",
            )
            .bind(&login.client)
            .execute(&mut transaction)
            .await?;
        }
        query(
            "INSERT INTO pending_login (state, course, next, browser, client, started_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(login.state.to_string())
        .bind(login.course.as_str())
        .bind(&login.next)
        .bind(login.browser.to_string())
        .bind(&login.client)
        .bind(time(login.started_at))
        .execute(&mut transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Removes a login that came back. Of several requests at the same time one gets it.
    pub async fn take_login(&self, state: Digest) -> Result<Option<PendingLogin>, Error> {
        let row = query(
            "DELETE FROM pending_login WHERE state = $1 \
             RETURNING course, next, browser, client, started_at",
        )
        .bind(state.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(PendingLogin {
                state,
                course: decoded(row.get(0))?,
                next: row.get(1),
                browser: decoded(row.get(2))?,
                client: row.get(3),
                started_at: time_from(row.get(4))?,
            })
        })
        .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::each_engine::on_each_engine;

    fn login(state: &str, client: &str, second: i64) -> PendingLogin {
        PendingLogin {
            state: Digest::of(state.as_bytes()),
            course: "dgm".parse().unwrap(),
            next: "/c/dgm/".to_owned(),
            browser: Digest::of(b"browser"),
            client: client.to_owned(),
            started_at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_login_completes_once_and_expires() {
        on_each_engine(async |catalogue| {
            let (a, b) = (login("a", "203.0.113.9/32", 0), login("b", "203.0.113.9/32", 60));
            catalogue.begin_login(&a, Timestamp::MIN).await.unwrap();
            assert_eq!(catalogue.take_login(a.state).await.unwrap(), Some(a.clone()));
            assert_eq!(catalogue.take_login(a.state).await.unwrap(), None, "once");
            catalogue.begin_login(&a, Timestamp::MIN).await.unwrap();
            catalogue.begin_login(&b, Timestamp::from_second(1).unwrap()).await.unwrap();
            assert_eq!(catalogue.take_login(a.state).await.unwrap(), None, "it is too old");
            assert_eq!(catalogue.take_login(b.state).await.unwrap(), Some(b));
        })
        .await;
    }

    #[tokio::test]
    async fn a_client_with_many_logins_displaces_only_its_own() {
        on_each_engine(async |catalogue| {
            let student = login("student", "203.0.113.9/32", 0);
            catalogue.begin_login(&student, Timestamp::MIN).await.unwrap();
            let states: Vec<String> = (1..MAX_PENDING).map(|n| Digest::of(&n.to_le_bytes()).to_string()).collect();
            query(
                "INSERT INTO pending_login (state, course, next, browser, client, started_at) \
                 SELECT value, 'dgm', '', '', '198.51.100.1/32', '1970-01-01T00:00:01.000000Z' FROM json_each($1)",
            )
            .bind(serde_json::to_string(&states).unwrap())
            .execute(&catalogue.pool)
            .await
            .unwrap();
            catalogue.begin_login(&login("more", "198.51.100.1/32", 2), Timestamp::MIN).await.unwrap();
            let pending: i64 =
                query_scalar("SELECT count(*) FROM pending_login").fetch_one(&catalogue.pool).await.unwrap();
            assert_eq!(pending, MAX_PENDING);
            assert_eq!(catalogue.take_login(student.state).await.unwrap(), Some(student));
        })
        .await;
    }
}
