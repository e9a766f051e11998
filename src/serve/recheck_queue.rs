//! The queue of requested rechecks.
//!
//! The pages never send requests to the web. The daemon takes requests from
//! the queue between nights and checks the links with its own polite fetcher.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::course::CourseId;

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
    sender: Option<mpsc::Sender<RecheckRequest>>,
    statuses: RecheckStatuses,
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
        let queue = Self { sender: Some(sender), statuses: RecheckStatuses::default() };
        (queue, RecheckReceiver { receiver })
    }

    /// Whether requests reach a receiver.
    pub(in crate::serve) fn is_connected(&self) -> bool {
        self.sender.is_some()
    }

    /// Adds the links, except those that were requested within the last minutes.
    pub(in crate::serve) fn enqueue<'a>(
        &self,
        course: &CourseId,
        links: impl IntoIterator<Item = &'a Address>,
        now: Timestamp,
    ) {
        let Some(sender) = &self.sender else { return };
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.retain(|_, status| now.duration_since(status.requested_at) < MIN_INTERVAL);
        for link in links {
            let statuses_of_request = Arc::clone(&self.statuses);
            let request =
                RecheckRequest { course: course.clone(), link: link.clone(), statuses: statuses_of_request };
            if !statuses.contains_key(link) && sender.try_send(request).is_ok() {
                statuses.insert(link.clone(), RecheckStatus { requested_at: now, outcome: None });
            }
        }
    }

    /// The latest request for a link, if it is recent.
    pub(in crate::serve) fn status(&self, link: &Address) -> Option<RecheckStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).get(link).copied()
    }
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
