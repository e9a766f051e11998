//! Requests to the running service, from the pages and from commands in other processes.
//!
//! Only the service takes them. They are no part of the archive's history, so the
//! journal does not have them.

use jiff::{SignedDuration, Timestamp};

use super::advisory_lock::AdvisoryLock;
use super::database::{ResultRow, Transaction, query, query_scalar};
use super::value::time;
use super::{Catalogue, Error};
use crate::domain::course::CourseId;

/// Requests are deleted after this time.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the service is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceTask {
    /// Run a night of this course now.
    Night(CourseId),
    /// Read the configuration again.
    Reload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRequestId(i64);

/// A request that the service has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRequest {
    pub id: ServiceRequestId,
    pub task: ServiceTask,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestProgress {
    Waiting,
    Running,
    /// With the reason if it failed.
    Ended(Result<(), String>),
}

impl Catalogue {
    /// Adds a request, and deletes old ones.
    pub async fn request_service(
        &self,
        task: &ServiceTask,
        now: Timestamp,
    ) -> Result<ServiceRequestId, Error> {
        let mut transaction = self.pool.begin().await?;
        query("DELETE FROM service_request WHERE requested_at < $1")
            .bind(time(now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN)))
            .execute(&mut transaction)
            .await?;
        let course = match task {
            ServiceTask::Night(course) => Some(course.as_str()),
            ServiceTask::Reload => None,
        };
        let id =
            query_scalar("INSERT INTO service_request (course, requested_at) VALUES ($1, $2) RETURNING id")
                .bind(course)
                .bind(time(now))
                .fetch_one(&mut transaction)
                .await?;
        transaction.commit().await?;
        Ok(ServiceRequestId(id))
    }

    /// Requests a night of a course, unless one was requested since a moment or is waiting or
    /// running. Of several requests at the same time one counts.
    pub async fn request_night(
        &self,
        course: &CourseId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        if let Transaction::Postgres { .. } = transaction {
            AdvisoryLock::Requests.take(&mut transaction).await?;
        }
        query(
            "INSERT INTO service_request (course, requested_at) SELECT $1, $2 WHERE NOT EXISTS \
             (SELECT 1 FROM service_request WHERE course = $1 AND (ended_at IS NULL OR requested_at >= $3))",
        )
        .bind(course.as_str())
        .bind(time(now))
        .bind(time(since))
        .execute(&mut transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// The last request to read the configuration again; `None` if there was none lately.
    pub async fn last_reload(&self) -> Result<Option<ServiceRequestId>, Error> {
        let id = query_scalar::<Option<i64>>("SELECT max(id) FROM service_request WHERE course IS NULL")
            .fetch_one(&self.pool)
            .await?;
        Ok(id.map(ServiceRequestId))
    }

    /// The requests that wait, oldest first.
    pub async fn waiting_requests(&self) -> Result<Vec<ServiceRequest>, Error> {
        let rows = query("SELECT id, course FROM service_request WHERE taken_at IS NULL ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        let request = |row: &ResultRow| {
            let task = match row.get::<Option<String>>(1) {
                Some(course) => ServiceTask::Night(course.parse().ok()?),
                None => ServiceTask::Reload,
            };
            Some(ServiceRequest { id: ServiceRequestId(row.get(0)), task })
        };
        Ok(rows.iter().filter_map(request).collect())
    }

    /// Whether a night of the course was requested since a moment, or is waiting or running.
    pub async fn is_night_requested(&self, course: &CourseId, since: Timestamp) -> Result<bool, Error> {
        Ok(query_scalar(
            "SELECT EXISTS (SELECT 1 FROM service_request WHERE course = $1 \
             AND (ended_at IS NULL OR requested_at >= $2))",
        )
        .bind(course.as_str())
        .bind(time(since))
        .fetch_one(&self.pool)
        .await?)
    }

    pub async fn request_progress(&self, id: ServiceRequestId) -> Result<RequestProgress, Error> {
        let row = query(
            "SELECT taken_at IS NOT NULL, ended_at IS NOT NULL, error FROM service_request WHERE id = $1",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(RequestProgress::Ended(Err("the request was withdrawn".to_owned())));
        };
        Ok(match (row.get(0), row.get(1)) {
            (_, true) => RequestProgress::Ended(row.get::<Option<String>>(2).map_or(Ok(()), Err)),
            (true, false) => RequestProgress::Running,
            (false, false) => RequestProgress::Waiting,
        })
    }

    /// Records that the service begins with a request.
    pub async fn take_request(&self, id: ServiceRequestId, now: Timestamp) -> Result<(), Error> {
        query("UPDATE service_request SET taken_at = $1 WHERE id = $2")
            .bind(time(now))
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Records the end of a request, with the reason if it failed.
    pub async fn end_request(
        &self,
        id: ServiceRequestId,
        outcome: Result<(), String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        query(
            "UPDATE service_request SET taken_at = coalesce(taken_at, $1), ended_at = $1, error = $2 \
             WHERE id = $3",
        )
        .bind(time(now))
        .bind(outcome.err())
        .bind(id.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Ends the requests that a service took and did not finish before it stopped.
    pub async fn end_interrupted_requests(&self, now: Timestamp) -> Result<(), Error> {
        query(
            "UPDATE service_request SET ended_at = $1, error = 'the service stopped before the end' \
             WHERE taken_at IS NOT NULL AND ended_at IS NULL",
        )
        .bind(time(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Withdraws a request that the service has not taken.
    pub async fn withdraw_request(&self, id: ServiceRequestId) -> Result<(), Error> {
        query("DELETE FROM service_request WHERE id = $1 AND taken_at IS NULL")
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::catalogue::each_engine::on_each_engine;

    #[tokio::test]
    async fn a_request_waits_runs_and_ends() {
        on_each_engine(async |catalogue| {
            let now: Timestamp = "2026-09-14T14:00:00Z".parse().unwrap();
            let course: CourseId = "dgm".parse().unwrap();
            let night = ServiceTask::Night(course.clone());
            let id = catalogue.request_service(&night, now).await.unwrap();
            let reload = catalogue.request_service(&ServiceTask::Reload, now).await.unwrap();
            let waiting = catalogue.waiting_requests().await.unwrap();
            assert_eq!(waiting.iter().map(|it| &it.task).collect::<Vec<_>>(), [&night, &ServiceTask::Reload]);
            catalogue.withdraw_request(reload).await.unwrap();
            catalogue.take_request(id, now).await.unwrap();
            catalogue.withdraw_request(id).await.unwrap();
            assert_eq!(catalogue.request_progress(id).await.unwrap(), RequestProgress::Running);
            let later = now + SignedDuration::from_hours(1);
            assert!(catalogue.is_night_requested(&course, later).await.unwrap(), "it is running");
            catalogue.request_night(&course, later, later).await.unwrap();
            assert_eq!(catalogue.waiting_requests().await.unwrap(), [], "it is not requested twice");
            catalogue.end_interrupted_requests(now).await.unwrap();
            let ended = catalogue.request_progress(id).await.unwrap();
            assert!(matches!(ended, RequestProgress::Ended(Err(_))), "{ended:?}");
            assert!(!catalogue.is_night_requested(&course, later).await.unwrap());
            assert!(catalogue.is_night_requested(&course, now).await.unwrap());
            assert_eq!(catalogue.waiting_requests().await.unwrap(), []);
            let (one, two) = tokio::join!(
                catalogue.request_night(&course, later, later),
                catalogue.request_night(&course, later, later)
            );
            one.unwrap();
            two.unwrap();
            assert_eq!(catalogue.waiting_requests().await.unwrap().len(), 1, "of two at the same time one");
        })
        .await;
    }
}
