//! The last scheduled night of each course.

use std::collections::HashMap;

use jiff::Timestamp;

use super::database::query;
use super::value::{time, time_from};
use super::{Catalogue, Error};
use crate::domain::course::CourseId;

/// The last night of a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastNight {
    /// When it ended, or when it began if it has not ended. For a course without a night,
    /// when the course was first seen.
    pub at: Timestamp,
    /// False for an interrupted night.
    pub is_over: bool,
}

impl Catalogue {
    /// A night with a stored report has ended, even if the service was killed before it
    /// recorded the end.
    pub async fn last_nights(&self) -> Result<HashMap<CourseId, LastNight>, Error> {
        let rows = query(
            "SELECT course, at, is_over OR EXISTS (SELECT 1 FROM report JOIN night ON night.id = report.night \
             WHERE report.course = course_night.course AND night.finished IS NOT NULL \
             AND night.started >= course_night.at) FROM course_night",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut nights = HashMap::new();
        for row in rows {
            if let Ok(course) = row.get::<String>(0).parse() {
                nights.insert(course, LastNight { at: time_from(row.get(1))?, is_over: row.get(2) });
            }
        }
        Ok(nights)
    }

    /// Records the last night of several courses in one transaction.
    pub async fn set_last_nights(&self, courses: &[CourseId], night: LastNight) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        for course in courses {
            query(
                "INSERT INTO course_night (course, at, is_over) VALUES ($1, $2, $3) \
                 ON CONFLICT (course) DO UPDATE SET at = excluded.at, is_over = excluded.is_over",
            )
            .bind(course.as_str())
            .bind(time(night.at))
            .bind(night.is_over)
            .execute(&mut transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }
}
