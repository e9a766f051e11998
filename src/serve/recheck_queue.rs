//! The queue of requested rechecks.
//!
//! The pages never send requests to the web. The daemon takes requests from
//! the queue between nights and checks the links with its own polite fetcher. If it is another
//! process, the queue is in the catalogue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::course::CourseId;
use crate::world::catalogue::{self, Catalogue};

/// Requests that the queue holds; further ones are dropped.
const CAPACITY: usize = 64;

/// The time until a link can be requested again, to spare its host.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// A recent request for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct RecheckStatus {
    pub requested_at: Timestamp,
    /// `None` while the link waits in the queue.
    pub outcome: Option<RecheckOutcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct RecheckOutcome {
    pub checked_at: Timestamp,
    /// The link works.
    pub is_cleared: bool,
}

type RecheckStatuses = Arc<Mutex<HashMap<Address, RecheckStatus>>>;

/// The sending side, used by the pages. By default it is not connected and drops every request.
#[derive(Clone, Debug, Default)]
pub struct RecheckQueue {
    target: Option<RecheckTarget>,
    statuses: RecheckStatuses,
}

/// Where the requests go.
#[derive(Clone, Debug)]
enum RecheckTarget {
    /// To the daemon of this process.
    Daemon(mpsc::Sender<RecheckRequest>),
    /// To the scheduler, another process.
    Scheduler(Catalogue),
}

/// The receiving side, used by the daemon.
#[derive(Debug)]
pub struct RecheckReceiver {
    receiver: mpsc::Receiver<RecheckRequest>,
}

/// A request to check one link again.
#[derive(Debug)]
pub struct RecheckRequest {
    pub course: CourseId,
    pub link: Address,
    statuses: RecheckStatuses,
}

impl RecheckQueue {
    /// A queue and its receiver.
    pub fn connected() -> (Self, RecheckReceiver) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let target = Some(RecheckTarget::Daemon(sender));
        (Self { target, statuses: RecheckStatuses::default() }, RecheckReceiver { receiver })
    }

    /// A queue in the catalogue, which the scheduler reads. [`Self::read_statuses`] reads how far
    /// the requests of all processes are.
    pub fn to_scheduler(catalogue: Catalogue) -> Self {
        Self { target: Some(RecheckTarget::Scheduler(catalogue)), statuses: RecheckStatuses::default() }
    }

    /// Whether requests reach a receiver.
    pub(in crate::serve) fn is_connected(&self) -> bool {
        self.target.is_some()
    }

    /// Adds the links, except those that were requested within the last minutes.
    pub(in crate::serve) async fn enqueue(
        &self,
        course: &CourseId,
        links: &[&Address],
        now: Timestamp,
    ) -> Result<(), catalogue::Error> {
        match &self.target {
            Some(RecheckTarget::Daemon(sender)) => self.send(sender, course, links, now),
            Some(RecheckTarget::Scheduler(catalogue)) => {
                catalogue.request_rechecks(course, links, recent(now), now).await?;
                self.read_statuses(now).await?;
            }
            None => {}
        }
        Ok(())
    }

    /// Reads how far the requests in the catalogue are, if they are there.
    pub async fn read_statuses(&self, now: Timestamp) -> Result<(), catalogue::Error> {
        let Some(RecheckTarget::Scheduler(catalogue)) = &self.target else { return Ok(()) };
        let recent = catalogue.recent_rechecks(recent(now)).await?;
        let read = recent.into_iter().map(|recheck| {
            let outcome =
                recheck.outcome.map(|(checked_at, is_cleared)| RecheckOutcome { checked_at, is_cleared });
            (recheck.link, RecheckStatus { requested_at: recheck.requested_at, outcome })
        });
        *self.statuses.lock().unwrap_or_else(PoisonError::into_inner) = read.collect();
        Ok(())
    }

    fn send(
        &self,
        sender: &mpsc::Sender<RecheckRequest>,
        course: &CourseId,
        links: &[&Address],
        now: Timestamp,
    ) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.retain(|_, status| now.duration_since(status.requested_at) < MIN_INTERVAL);
        for link in links {
            let statuses_of_request = Arc::clone(&self.statuses);
            let link = (*link).clone();
            let request =
                RecheckRequest { course: course.clone(), link: link.clone(), statuses: statuses_of_request };
            if !statuses.contains_key(&link) && sender.try_send(request).is_ok() {
                statuses.insert(link, RecheckStatus { requested_at: now, outcome: None });
            }
        }
    }

    /// The latest request for a link, if it is recent.
    pub(in crate::serve) fn status(&self, link: &Address) -> Option<RecheckStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).get(link).copied()
    }
}

/// A request since then is recent.
fn recent(now: Timestamp) -> Timestamp {
    now.saturating_sub(MIN_INTERVAL).unwrap_or(Timestamp::MIN)
}

impl RecheckReceiver {
    /// Waits for the next request; forever after the queue is dropped.
    pub async fn next(&mut self) -> RecheckRequest {
        match self.receiver.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}

impl RecheckRequest {
    /// Records the result of the check.
    pub fn complete(self, checked_at: Timestamp, is_cleared: bool) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = statuses.get_mut(&self.link) {
            status.outcome = Some(RecheckOutcome { checked_at, is_cleared });
        }
    }
}
