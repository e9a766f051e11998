//! What the service does at the moment, for the pages: the night in progress and the next nights.
//!
//! The daemon writes it, and the pages read it. For the pages of another process it goes through
//! the catalogue as a [`NightActivity`]. Pages without a service, such as an exported site, have
//! none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::ZonedDateTime;
use serde::{Deserialize, Serialize};

use crate::domain::course::CourseId;

#[derive(Clone, Debug, Default)]
pub struct ServiceStatus(Option<Arc<Mutex<Activity>>>);

#[derive(Debug, Default)]
struct Activity {
    running: Option<NightActivity>,
    next_nights: HashMap<CourseId, ZonedDateTime>,
}

/// A night in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightActivity {
    courses: Vec<CourseId>,
    progress: NightProgress,
}

impl NightActivity {
    /// The links that are not visited yet; 0 until the pages are read.
    pub fn links_left(&self) -> usize {
        self.progress.links.saturating_sub(self.progress.visited)
    }
}

/// How far the night in progress is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::serve) struct NightProgress {
    /// Zero until the pages are read.
    pub links: usize,
    pub visited: usize,
}

/// What the service does for a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) enum CourseActivity {
    Running(NightProgress),
    /// `None` if no night is to come.
    Waiting(Option<ZonedDateTime>),
}

impl ServiceStatus {
    /// A status that a service writes.
    pub fn of_service() -> Self {
        Self(Some(Arc::default()))
    }

    fn lock(&self) -> Option<MutexGuard<'_, Activity>> {
        self.0.as_ref().map(|activity| activity.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set_next_nights(&self, next_nights: HashMap<CourseId, ZonedDateTime>) {
        if let Some(mut activity) = self.lock() {
            activity.next_nights = next_nights;
        }
    }

    pub fn begin_night(&self, courses: Vec<CourseId>) {
        if let Some(mut activity) = self.lock() {
            activity.running = Some(NightActivity { courses, progress: NightProgress::default() });
        }
    }

    /// The pages are read, with `known` links that an interrupted night has visited.
    pub fn set_links(&self, links: usize, known: usize) {
        if let Some(running) = self.lock().as_mut().and_then(|activity| activity.running.as_mut()) {
            running.progress = NightProgress { links, visited: known };
        }
    }

    pub fn add_visited(&self) {
        if let Some(running) = self.lock().as_mut().and_then(|activity| activity.running.as_mut()) {
            running.progress.visited += 1;
        }
    }

    pub fn end_night(&self) {
        if let Some(mut activity) = self.lock() {
            activity.running = None;
        }
    }

    /// The night in progress.
    pub fn night(&self) -> Option<NightActivity> {
        self.lock()?.running.clone()
    }

    /// Shows the night that another process runs.
    pub fn set_night(&self, night: Option<NightActivity>) {
        if let Some(mut activity) = self.lock() {
            activity.running = night;
        }
    }

    /// `None` without a service.
    pub(in crate::serve) fn of_course(&self, course: &CourseId) -> Option<CourseActivity> {
        let activity = self.lock()?;
        let running = activity.running.as_ref().filter(|running| running.courses.contains(course));
        Some(match running {
            Some(running) => CourseActivity::Running(running.progress),
            None => CourseActivity::Waiting(activity.next_nights.get(course).cloned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_has_its_progress_only_for_its_courses() {
        let (a, b): (CourseId, CourseId) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert_eq!(ServiceStatus::default().of_course(&a), None);
        let status = ServiceStatus::of_service();
        status.begin_night(vec![a.clone()]);
        status.set_links(40, 2);
        status.add_visited();
        let progress = NightProgress { links: 40, visited: 3 };
        assert_eq!(status.of_course(&a), Some(CourseActivity::Running(progress)));
        assert_eq!(status.of_course(&b), Some(CourseActivity::Waiting(None)));
        status.end_night();
        assert_eq!(status.of_course(&a), Some(CourseActivity::Waiting(None)));
    }
}
