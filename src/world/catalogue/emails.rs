//! Letters: queued with their night, then waiting until a relay took them.

use jiff::Timestamp;
use sqlx::{Row as _, Sqlite, Transaction};
use tokio::sync::MutexGuard;

use super::value::{decoded, from_json, json, time, time_from};
use super::{Catalogue, Error, NightRef};
use crate::domain::course::{CourseId, EmailAddress};
use crate::domain::report::due::{PendingReport, ReportOccasion};

/// A letter to be queued.
#[derive(Clone, Debug)]
pub struct NewEmail {
    pub recipient: EmailAddress,
    pub telling: PendingReport,
    /// The first night it tells of, where that is not its own.
    pub first_night: Option<i64>,
    pub not_before: Timestamp,
}

/// What a night changes in the outbox.
#[derive(Clone, Debug, Default)]
pub struct OutboxChanges {
    pub queued: Vec<NewEmail>,
    /// Letters never told, whose news the queued ones carry, or which are no news any more.
    pub superseded: Vec<i64>,
}

/// What passed between a course and one reader.
#[derive(Clone, Debug, Default)]
pub struct EmailHistory {
    /// When letters were told, or may have been, by occasion: the last of each.
    pub told: Vec<(ReportOccasion, Timestamp)>,
    /// Never told, oldest first.
    pub untold: Vec<UnsentEmail>,
    /// Never told, and written by a version that we cannot read.
    pub unreadable: Vec<i64>,
}

#[derive(Clone, Debug)]
pub struct UnsentEmail {
    pub id: i64,
    pub first_night: i64,
    pub telling: PendingReport,
}

/// A letter that waits for the relay.
#[derive(Clone, Debug)]
pub struct QueuedEmail {
    pub id: i64,
    pub recipient: EmailAddress,
    pub telling: PendingReport,
    pub queued_at: Timestamp,
    /// How often it was tried in vain.
    pub tries: u32,
}

/// How a letter's wait went on, with the relay's words.
#[derive(Clone, Debug)]
pub enum DeliveryResult {
    Told,
    Postponed { until: Timestamp, is_unanswered: bool },
    Refused,
    Expired,
}

/// The outbox at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxStatus {
    pub waiting: u32,
    /// The night of the oldest news that waits. A letter that stands in for
    /// others is younger than what it tells.
    pub oldest: Option<Timestamp>,
    /// When a letter is to be tried next.
    pub next_try: Option<Timestamp>,
    pub troubles: Vec<FailedEmail>,
}

/// A letter that the operator has to know of: refused, given up, or tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedEmail {
    pub course: CourseId,
    pub recipient: EmailAddress,
    pub state: String,
    pub queued_at: Timestamp,
    pub tries: u32,
    pub answer: String,
}

impl Catalogue {
    /// Whoever decides what to queue, or hands a letter on, holds this: a
    /// letter must not be told while a night makes it part of another.
    pub async fn outbox_lock(&self) -> MutexGuard<'_, ()> {
        self.outbox.lock().await
    }

    pub async fn email_history(
        &self,
        course: &CourseId,
        recipient: &EmailAddress,
    ) -> Result<EmailHistory, Error> {
        let told = sqlx::query(
            "SELECT occasion, max(coalesce(ended_at, queued_at)) FROM letter WHERE course = ? AND recipient = ? \
             AND (state = 'told' OR state = 'waiting' AND is_unanswered) GROUP BY occasion",
        )
        .bind(course.as_str())
        .bind(recipient.as_str())
        .fetch_all(&self.pool)
        .await?;
        let untold = sqlx::query(
            "SELECT id, first_night, content FROM letter WHERE course = ? AND recipient = ? \
             AND (state IN ('refused', 'expired') OR state = 'waiting' AND NOT is_unanswered) ORDER BY night",
        )
        .bind(course.as_str())
        .bind(recipient.as_str())
        .fetch_all(&self.pool)
        .await?;
        let mut with = EmailHistory {
            told: told
                .iter()
                .map(|row| Ok((from_json(row.get(0))?, time_from(row.get(1))?)))
                .collect::<Result<_, Error>>()?,
            ..EmailHistory::default()
        };
        for row in &untold {
            let (id, first_night) = (row.get(0), row.get(1));
            match from_json(row.get(2)) {
                Ok(telling) => with.untold.push(UnsentEmail { id, first_night, telling }),
                Err(_) => with.unreadable.push(id),
            }
        }
        Ok(with)
    }

    /// Letters of a course, never told, to those who are no reader of it any more.
    pub async fn unsent_to_others(
        &self,
        course: &CourseId,
        readers: &[EmailAddress],
    ) -> Result<Vec<i64>, Error> {
        let rows = sqlx::query(
            "SELECT id, recipient FROM letter WHERE course = ? AND state IN ('waiting', 'refused', 'expired')",
        )
        .bind(course.as_str())
        .fetch_all(&self.pool)
        .await?;
        let is_reader = |to: &str| readers.iter().any(|reader| reader.as_str() == to);
        Ok(rows.iter().filter(|row| !is_reader(row.get(1))).map(|row| row.get(0)).collect())
    }

    /// The letters whose turn it is, oldest first. One whose next try is far
    /// away was postponed by a clock that was wrong.
    pub async fn due_emails(&self, now: Timestamp, far: Timestamp) -> Result<Vec<i64>, Error> {
        Ok(sqlx::query_scalar(
            "SELECT id FROM letter WHERE state = 'waiting' AND (next_try <= ? OR next_try > ?) ORDER BY night, id",
        )
        .bind(time(now))
        .bind(time(far))
        .fetch_all(&self.pool)
        .await?)
    }

    /// `None` if the letter waits no longer.
    pub async fn queued_email(&self, id: i64) -> Result<Option<QueuedEmail>, Error> {
        let row = sqlx::query(
            "SELECT recipient, content, queued_at, tries FROM letter WHERE id = ? AND state = 'waiting'",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(QueuedEmail {
                id,
                recipient: decoded(row.get(0))?,
                telling: from_json(row.get(1))?,
                queued_at: time_from(row.get(2))?,
                tries: row.get(3),
            })
        })
        .transpose()
    }

    /// Takes a letter out that cannot be read any more.
    pub async fn drop_email(&self, id: i64, at: Timestamp) -> Result<(), Error> {
        sqlx::query("UPDATE letter SET state = 'superseded', content = NULL, ended_at = ? WHERE id = ?")
            .bind(time(at))
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Notes that a letter is being handed on, which is undone by its turn: whoever
    /// finds it after a crash knows that the relay may have the letter.
    pub async fn begin_delivery(&self, id: i64) -> Result<(), Error> {
        sqlx::query("UPDATE letter SET is_unanswered = is_unanswered | 2 WHERE id = ?")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Enters what came of a try, unless its reader stopped the letters meanwhile.
    pub async fn record_delivery(
        &self,
        id: i64,
        at: Timestamp,
        turn: &DeliveryResult,
        answer: &str,
    ) -> Result<(), Error> {
        let (state, next_try, is_unanswered) = match turn {
            DeliveryResult::Told => ("told", at, false),
            DeliveryResult::Postponed { until, is_unanswered } => ("waiting", *until, *is_unanswered),
            DeliveryResult::Refused => ("refused", at, false),
            DeliveryResult::Expired => ("expired", at, false),
        };
        let has_ended = state != "waiting";
        sqlx::query(
            "UPDATE letter SET state = ?, next_try = ?, is_unanswered = is_unanswered & 1 | ?, tries = tries + 1, \
             answer = ?, ended_at = iif(?, ?, NULL), content = iif(? = 'told', NULL, content) \
             WHERE id = ? AND state = 'waiting'",
        )
        .bind(state)
        .bind(time(next_try))
        .bind(is_unanswered)
        .bind(answer)
        .bind(has_ended)
        .bind(time(at))
        .bind(state)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub async fn outbox(&self) -> Result<OutboxStatus, Error> {
        let row =
            sqlx::query(
                "SELECT count(*), min(night.started), min(next_try) FROM letter JOIN night ON night.id = first_night \
                 WHERE state = 'waiting'",
            )
            .fetch_one(&self.pool)
            .await?;
        let at =
            |column: usize| row.get::<Option<String>, _>(column).map(|text| time_from(&text)).transpose();
        let troubles = sqlx::query(
            "SELECT course, recipient, state, queued_at, tries, answer FROM letter \
             WHERE state IN ('refused', 'expired') OR state = 'waiting' AND tries > 0 ORDER BY night, id",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(OutboxStatus {
            waiting: row.get(0),
            oldest: at(1)?,
            next_try: at(2)?,
            troubles: troubles
                .iter()
                .map(|row| {
                    Ok(FailedEmail {
                        course: decoded(row.get(0))?,
                        recipient: decoded(row.get(1))?,
                        state: row.get(2),
                        queued_at: time_from(row.get(3))?,
                        tries: row.get(4),
                        answer: row.get::<Option<String>, _>(5).unwrap_or_default(),
                    })
                })
                .collect::<Result<_, Error>>()?,
        })
    }
}

/// Queues the letters of a night within its transaction.
pub(super) async fn post(
    post: &OutboxChanges,
    night: NightRef,
    at: Timestamp,
    on: &mut Transaction<'_, Sqlite>,
) -> Result<(), Error> {
    for id in &post.superseded {
        sqlx::query(
            "UPDATE letter SET state = 'superseded', content = NULL, ended_at = ? WHERE id = ? AND state <> 'told'",
        )
        .bind(time(at))
        .bind(id)
        .execute(&mut **on)
        .await?;
    }
    for letter in &post.queued {
        sqlx::query(
            "INSERT INTO letter (course, recipient, night, first_night, occasion, state, queued_at, content, next_try) \
             VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(letter.telling.night.facts.course.as_str())
        .bind(letter.recipient.as_str())
        .bind(night.id)
        .bind(letter.first_night.unwrap_or(night.id))
        .bind(json(&letter.telling.due.occasion)?)
        .bind(time(at))
        .bind(json(&letter.telling)?)
        .bind(time(letter.not_before))
        .execute(&mut **on)
        .await?;
    }
    Ok(())
}
