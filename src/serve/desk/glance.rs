//! What the catalogue says, looked up once for all who ask at about the same time.
//!
//! A reader's browser asks again for each copy it has, and a class opens the
//! same paper in the same minute. Reports are read once and shared; a new
//! night, look or decision is noticed by its number, and at once: the file that
//! every writer of the catalogue appends to, of whatever process, tells of it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::shelf::Shelf;
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::evidence::link_history::StoredCapture;
use crate::serve::settings::CourseRules;
use crate::world::catalogue::{self, Catalogue, CourseRevision, WalState};
use crate::world::clock::Clock;

/// How long one look is good for at most, whatever the catalogue's file says.
const GOOD_FOR: Duration = Duration::from_millis(100);

/// The captures with one digest.
type Holders = Arc<[Arc<StoredCapture>]>;

/// What one look at the catalogue showed.
#[derive(Debug)]
pub(super) struct Glance {
    pub shelves: Vec<Arc<Shelf>>,
    /// The captures with a digest, of those that were asked for.
    holders: std::sync::Mutex<HashMap<Digest, Holders>>,
}

/// The newest glance, and what it was a glance at.
#[derive(Debug, Default)]
pub(super) struct Glances {
    newest: Mutex<Option<(Arc<Glance>, Taken)>>,
}

/// When a glance was taken, and the state of the catalogue's file before it.
#[derive(Clone, Copy, Debug)]
struct Taken {
    at: Instant,
    written: Option<WalState>,
}

impl Glances {
    /// Of all who come while a look is under way, nobody looks a second time.
    pub(super) async fn newest(
        &self,
        catalogue: &Catalogue,
        courses: &[CourseRules],
        clock: Clock,
    ) -> Result<Arc<Glance>, catalogue::Error> {
        let mut newest = self.newest.lock().await;
        let now = Taken { at: clock.instant(), written: catalogue.wal_state() };
        if let Some((glance, taken)) = newest.as_ref()
            && now.at.duration_since(taken.at) < GOOD_FOR
            && now.written == taken.written
        {
            return Ok(Arc::clone(glance));
        }
        let before = newest.as_ref().map(|(glance, _)| glance.shelves.as_slice()).unwrap_or_default();
        let fresh = Arc::new(Glance::take(catalogue, courses, before).await?);
        *newest = Some((Arc::clone(&fresh), now));
        Ok(fresh)
    }
}

impl Glance {
    async fn take(
        catalogue: &Catalogue,
        courses: &[CourseRules],
        before: &[Arc<Shelf>],
    ) -> Result<Self, catalogue::Error> {
        let newest: HashMap<CourseId, CourseRevision> =
            catalogue.course_revisions().await?.into_iter().collect();
        let mut shelves = Vec::new();
        for rules in courses {
            let Some(as_of) = newest.get(&rules.id).copied() else { continue };
            let known = before.iter().find(|shelf| shelf.rules.id == rules.id && shelf.as_of == as_of);
            match known {
                Some(known) => shelves.push(Arc::clone(known)),
                None => shelves.extend(Shelf::read(catalogue, rules, as_of).await?.map(Arc::new)),
            }
        }
        Ok(Self { shelves, holders: std::sync::Mutex::default() })
    }

    /// The captures with this digest, the newest first.
    pub(super) async fn holders(
        &self,
        catalogue: &Catalogue,
        sha256: Digest,
    ) -> Result<Holders, catalogue::Error> {
        let known = self.holders.lock().unwrap_or_else(PoisonError::into_inner).get(&sha256).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let holders: Holders = catalogue.captures_of(sha256).await?.into_iter().map(Arc::new).collect();
        let mut all = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(sha256, Arc::clone(&holders));
        Ok(holders)
    }
}
