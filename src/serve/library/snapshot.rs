//! A cached read of the catalogue, shared by requests that arrive at about the same time.
//!
//! A browser revalidates each copy that it has, and a class opens the same paper in the
//! same minute. The report of a course is read once and shared until it changes. The
//! catalogue's write-ahead file shows changes by every process
//! immediately. In `PostgreSQL` those of other processes show after [`MAX_AGE`].

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::course::CourseView;
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::evidence::link_history::StoredCapture;
use crate::serve::error::Error;
use crate::serve::settings::CourseRules;
use crate::world::catalogue::{Catalogue, CourseRevision, WalState};
use crate::world::clock::Clock;

/// The longest time that a snapshot is used, even if the catalogue's file did not change.
pub(super) const MAX_AGE: Duration = Duration::from_millis(100);

type SharedCaptures = Arc<[Arc<StoredCapture>]>;

/// The catalogue at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub courses: Vec<Arc<CourseView>>,
    /// The captures by digest, as far as they were requested.
    captures: std::sync::Mutex<HashMap<Digest, SharedCaptures>>,
}

#[derive(Debug, Default)]
pub(super) struct SnapshotCache {
    latest: Mutex<Option<(Arc<Snapshot>, SnapshotStamp)>>,
}

/// When a snapshot was taken, and the state of the catalogue's file before it.
#[derive(Clone, Copy, Debug)]
struct SnapshotStamp {
    at: Instant,
    written: Option<WalState>,
}

impl SnapshotCache {
    /// The current snapshot. Requests that arrive while one is taken wait for it.
    pub(super) async fn current(
        &self,
        catalogue: &Catalogue,
        courses: &[CourseRules],
        clock: Clock,
    ) -> Result<Arc<Snapshot>, Error> {
        let mut latest = self.latest.lock().await;
        let now = SnapshotStamp { at: clock.instant(), written: catalogue.wal_state() };
        if let Some((snapshot, stamp)) = latest.as_ref()
            && now.at.duration_since(stamp.at) < MAX_AGE
            && now.written == stamp.written
        {
            return Ok(Arc::clone(snapshot));
        }
        let previous = latest.as_ref().map_or(&[][..], |(snapshot, _)| snapshot.courses.as_slice());
        let fresh = Arc::new(Snapshot::take(catalogue, courses, previous).await?);
        *latest = Some((Arc::clone(&fresh), now));
        Ok(fresh)
    }
}

impl Snapshot {
    /// Reads the courses that changed since the previous snapshot.
    async fn take(
        catalogue: &Catalogue,
        rules: &[CourseRules],
        previous: &[Arc<CourseView>],
    ) -> Result<Self, Error> {
        let newest: HashMap<CourseId, CourseRevision> =
            catalogue.course_revisions().await?.into_iter().collect();
        let mut courses = Vec::new();
        for rules in rules {
            let Some(as_of) = newest.get(&rules.id).cloned() else { continue };
            let unchanged = previous.iter().find(|view| view.rules.id == rules.id && view.as_of == as_of);
            match unchanged {
                Some(unchanged) => courses.push(Arc::clone(unchanged)),
                None => courses.extend(CourseView::read(catalogue, rules, as_of).await?.map(Arc::new)),
            }
        }
        Ok(Self { courses, captures: std::sync::Mutex::default() })
    }

    /// The captures with this digest, newest first.
    pub(super) async fn captures_of_digest(
        &self,
        catalogue: &Catalogue,
        sha256: Digest,
    ) -> Result<SharedCaptures, Error> {
        let known = self.captures.lock().unwrap_or_else(PoisonError::into_inner).get(&sha256).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let captures: SharedCaptures =
            catalogue.captures_of(sha256).await?.into_iter().map(Arc::new).collect();
        let mut all = self.captures.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(sha256, Arc::clone(&captures));
        Ok(captures)
    }
}
