//! The outbox in the catalogue: emails that a night queues, and the results of
//! sending them. The table keeps its first name, `letter`.

use std::io;

use jiff::Timestamp;
use tokio::sync::MutexGuard;

use super::database::{Transaction, query, query_scalar};
use super::night_ref::NightRef;
use super::value::{count, decoded, from_json, json, time, time_from};
use super::{Catalogue, Error};
use crate::domain::course::{CourseId, Recipient};
use crate::domain::report::due::{PendingReport, ReportOccasion};
use crate::world::disk::{self, StorageStep};

/// An email to queue.
#[derive(Clone, Debug)]
pub struct NewEmail {
    pub recipient: Recipient,
    pub pending: PendingReport,
    /// The first night that the report covers, if it is an earlier one.
    pub first_night: Option<i64>,
    pub not_before: Timestamp,
}

/// The changes that a night makes in the outbox.
#[derive(Clone, Debug, Default)]
pub struct OutboxChanges {
    pub queued: Vec<NewEmail>,
    /// Undelivered emails whose news is in a new email or is no news any more.
    pub superseded: Vec<i64>,
}

/// The emails about a course to one recipient.
#[derive(Clone, Debug, Default)]
pub struct EmailHistory {
    /// When the last email of each occasion was delivered, or may have been.
    pub delivered: Vec<(ReportOccasion, Timestamp)>,
    /// Emails that were not delivered, oldest first.
    pub undelivered: Vec<UnsentEmail>,
    /// Undelivered emails in a form that this version cannot read.
    pub unreadable: Vec<i64>,
}

#[derive(Clone, Debug)]
pub struct UnsentEmail {
    pub id: i64,
    pub first_night: i64,
    pub pending: PendingReport,
}

/// An email that waits for the relay.
#[derive(Clone, Debug)]
pub struct QueuedEmail {
    pub id: i64,
    pub recipient: Recipient,
    pub pending: PendingReport,
    pub queued_at: Timestamp,
    /// The number of failed tries.
    pub tries: u32,
}

/// The result of a try to send an email.
#[derive(Clone, Debug)]
pub enum DeliveryResult {
    Delivered,
    Postponed { until: Timestamp, is_unanswered: bool },
    Refused,
    Expired,
}

/// A summary of the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxStatus {
    pub waiting: u32,
    /// The night of the oldest news that waits. An email that replaces others is
    /// younger than its news.
    pub oldest: Option<Timestamp>,
    /// The time of the next try.
    pub next_try: Option<Timestamp>,
    pub failed: Vec<FailedEmail>,
}

/// An email that was refused, has expired, or waits after a failed try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedEmail {
    pub course: CourseId,
    pub recipient: Recipient,
    pub state: FailureState,
    pub queued_at: Timestamp,
    pub tries: u32,
    pub answer: String,
}

/// What happens to an email after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureState {
    /// It is tried again.
    Waiting,
    Refused,
    Expired,
}

impl FailureState {
    /// The name in the catalogue, on pages and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }

    fn from_sql(text: &str) -> Result<Self, Error> {
        [Self::Waiting, Self::Refused, Self::Expired]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| {
                Error::Query(sqlx::Error::Decode(format!("the email state `{text}` is unknown").into()))
            })
    }
}

impl Catalogue {
    /// The lock for queueing and for sending. An email must not be sent while a
    /// night makes it part of another email.
    pub async fn outbox_lock(&self) -> MutexGuard<'_, ()> {
        self.outbox.lock.lock().await
    }

    /// Returns once this process has queued emails. Those of other processes are not noticed.
    pub async fn emails_queued(&self) {
        self.outbox.queued.notified().await;
    }

    pub async fn email_history(
        &self,
        course: &CourseId,
        recipient: &Recipient,
    ) -> Result<EmailHistory, Error> {
        let delivered = query(
            "SELECT occasion, max(coalesce(ended_at, queued_at)) FROM letter WHERE course = $1 AND recipient = $2 \
             AND (state = 'told' OR state = 'waiting' AND is_unanswered <> 0) GROUP BY occasion",
        )
        .bind(course.as_str())
        .bind(recipient.to_string())
        .fetch_all(&self.pool)
        .await?;
        let undelivered = query(
            "SELECT id, first_night, content FROM letter WHERE course = $1 AND recipient = $2 \
             AND (state IN ('refused', 'expired') OR state = 'waiting' AND is_unanswered = 0) ORDER BY night",
        )
        .bind(course.as_str())
        .bind(recipient.to_string())
        .fetch_all(&self.pool)
        .await?;
        let mut history = EmailHistory {
            delivered: delivered
                .iter()
                .map(|row| Ok((from_json(row.get(0))?, time_from(row.get(1))?)))
                .collect::<Result<_, Error>>()?,
            ..EmailHistory::default()
        };
        for row in &undelivered {
            let (id, first_night) = (row.get(0), row.get(1));
            match from_json(row.get(2)) {
                Ok(pending) => history.undelivered.push(UnsentEmail { id, first_night, pending }),
                Err(_) => history.unreadable.push(id),
            }
        }
        Ok(history)
    }

    /// Undelivered emails of a course to people who are not its recipients any more.
    pub async fn unsent_to_others(
        &self,
        course: &CourseId,
        recipients: &[Recipient],
    ) -> Result<Vec<i64>, Error> {
        let rows = query(
            "SELECT id, recipient FROM letter WHERE course = $1 AND state IN ('waiting', 'refused', 'expired')",
        )
        .bind(course.as_str())
        .fetch_all(&self.pool)
        .await?;
        let recipients: Vec<String> = recipients.iter().map(ToString::to_string).collect();
        let is_reader = |to: &str| recipients.iter().any(|recipient| recipient == to);
        Ok(rows.iter().filter(|row| !is_reader(row.get(1))).map(|row| row.get(0)).collect())
    }

    /// The emails that are due, oldest first. An email whose next try is after
    /// `far` was postponed by a wrong clock and is due too.
    pub async fn due_emails(&self, now: Timestamp, far: Timestamp) -> Result<Vec<i64>, Error> {
        Ok(query_scalar(
            "SELECT id FROM letter WHERE state = 'waiting' AND (next_try <= $1 OR next_try > $2) ORDER BY night, id",
        )
        .bind(time(now))
        .bind(time(far))
        .fetch_all(&self.pool)
        .await?)
    }

    /// `None` if the email does not wait any more.
    pub async fn queued_email(&self, id: i64) -> Result<Option<QueuedEmail>, Error> {
        let row = query(
            "SELECT recipient, content, queued_at, tries FROM letter WHERE id = $1 AND state = 'waiting'",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(QueuedEmail {
                id,
                recipient: decoded(row.get(0))?,
                pending: from_json(row.get(1))?,
                queued_at: time_from(row.get(2))?,
                tries: count(&row, 3)?,
            })
        })
        .transpose()
    }

    /// Removes an email that cannot be read.
    pub async fn drop_email(&self, id: i64, at: Timestamp) -> Result<(), Error> {
        query("UPDATE letter SET state = 'superseded', content = NULL, ended_at = $1 WHERE id = $2")
            .bind(time(at))
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Marks an email as being sent until [`Self::record_delivery`]. If the mark is
    /// still there after a crash, the relay may have the email.
    ///
    /// The email and the mark survive a power cut (`PostgreSQL` syncs each commit), so that the night is not reported again
    /// in another email.
    pub async fn begin_delivery(&self, id: i64) -> Result<(), Error> {
        let mark = query("UPDATE letter SET is_unanswered = is_unanswered | 2 WHERE id = $1")
            .bind(id)
            .execute(&self.pool);
        disk::commit(StorageStep::DeliveryBegin, mark).await?;
        let Some(log) = self.log.clone() else { return Ok(()) };
        let syncing =
            tokio::task::spawn_blocking(move || disk::sync_path(&log, StorageStep::CatalogueLogSync));
        let synced = syncing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        Ok(synced.map_err(sqlx::Error::from)?)
    }

    /// Stores the result of a try, unless the recipient stopped the emails meanwhile.
    pub async fn record_delivery(
        &self,
        id: i64,
        at: Timestamp,
        turn: &DeliveryResult,
        answer: &str,
    ) -> Result<(), Error> {
        let (state, next_try, is_unanswered) = match turn {
            DeliveryResult::Delivered => ("told", at, false),
            DeliveryResult::Postponed { until, is_unanswered } => ("waiting", *until, *is_unanswered),
            DeliveryResult::Refused => ("refused", at, false),
            DeliveryResult::Expired => ("expired", at, false),
        };
        let update = query(
            "UPDATE letter SET state = $1, next_try = $2, is_unanswered = is_unanswered & 1 | $3, tries = tries + 1, \
             answer = $4, ended_at = $5, content = CASE WHEN $1 = 'told' THEN NULL ELSE content END \
             WHERE id = $6 AND state = 'waiting'",
        )
        .bind(state)
        .bind(time(next_try))
        .bind(i64::from(is_unanswered))
        .bind(answer)
        .bind((state != "waiting").then(|| time(at)))
        .bind(id)
        .execute(&self.pool);
        disk::commit(StorageStep::DeliveryResult, update).await?;
        Ok(())
    }

    pub async fn outbox(&self) -> Result<OutboxStatus, Error> {
        let row =
            query(
                "SELECT count(*), min(night.started), min(next_try) FROM letter JOIN night ON night.id = first_night \
                 WHERE state = 'waiting'",
            )
            .fetch_one(&self.pool)
            .await?;
        let at = |column: usize| row.get::<Option<String>>(column).map(|text| time_from(&text)).transpose();
        let failed = query(
            "SELECT course, recipient, state, queued_at, tries, answer FROM letter \
             WHERE state IN ('refused', 'expired') OR state = 'waiting' AND tries > 0 ORDER BY night, id",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(OutboxStatus {
            waiting: count(&row, 0)?,
            oldest: at(1)?,
            next_try: at(2)?,
            failed: failed
                .iter()
                .map(|row| {
                    Ok(FailedEmail {
                        course: decoded(row.get(0))?,
                        recipient: decoded(row.get(1))?,
                        state: FailureState::from_sql(row.get(2))?,
                        queued_at: time_from(row.get(3))?,
                        tries: count(row, 4)?,
                        answer: row.get::<Option<String>>(5).unwrap_or_default(),
                    })
                })
                .collect::<Result<_, Error>>()?,
        })
    }
}

/// Queues the emails of a night within its transaction.
pub(super) async fn queue(
    outbox: &OutboxChanges,
    night: NightRef,
    at: Timestamp,
    on: &mut Transaction,
) -> Result<(), Error> {
    for id in &outbox.superseded {
        query(
            "UPDATE letter SET state = 'superseded', content = NULL, ended_at = $1 WHERE id = $2 AND state <> 'told'",
        )
        .bind(time(at))
        .bind(id)
        .execute(&mut *on)
        .await?;
    }
    for email in &outbox.queued {
        query(
            "INSERT INTO letter (course, recipient, night, first_night, occasion, state, queued_at, content, next_try) \
             VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(email.pending.report.facts.course.as_str())
        .bind(email.recipient.to_string())
        .bind(night.id)
        .bind(email.first_night.unwrap_or(night.id))
        .bind(json(&email.pending.due.occasion)?)
        .bind(time(at))
        .bind(json(&email.pending)?)
        .bind(time(email.not_before))
        .execute(&mut *on)
        .await?;
    }
    Ok(())
}
