//! Limits the requests in progress per client.
//!
//! A response in progress is never cut off for another client, so a client that
//! makes many requests and reads the responses slowly could use all slots. The
//! limit is high because a whole school may share one address, and a request
//! beyond it waits for a moment before it is refused. Requests through a trusted
//! proxy come from many clients and are not counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::policy::client_network::ClientNetwork;

/// How long a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The requests in progress of each client. A client without any has no entry,
/// so there are never more entries than connections.
#[derive(Debug)]
pub(in crate::serve) struct ClientLimits {
    max_in_progress: usize,
    max_waiting: usize,
    longest_wait: Duration,
    clients: Mutex<HashMap<ClientNetwork, ClientRequests>>,
}

#[derive(Debug)]
struct ClientRequests {
    turns: Arc<Semaphore>,
    /// The requests in progress and those that wait.
    count: usize,
}

/// Counts as one request of its client while it exists.
#[derive(Debug)]
struct CountedRequest {
    limits: Arc<ClientLimits>,
    client: ClientNetwork,
}

/// Counts as one request in progress of its client while it exists.
#[derive(Debug)]
pub(in crate::serve) struct ClientPermit {
    /// `None` for clients that are not counted. The turn is returned before the count.
    _turn: Option<OwnedSemaphorePermit>,
    _request: Option<CountedRequest>,
}

impl ClientLimits {
    /// Each client may use half of all connections for requests in progress, and a
    /// quarter for requests that wait.
    pub(in crate::serve) fn share_of(connections: usize) -> Arc<Self> {
        Arc::new(Self {
            max_in_progress: connections.div_ceil(2),
            max_waiting: connections / 4,
            longest_wait: LONGEST_WAIT,
            clients: Mutex::default(),
        })
    }

    /// Waits for the turn of the request. `None` if too many wait, or if it takes too long.
    pub(in crate::serve) async fn acquire(self: &Arc<Self>, client: ClientNetwork) -> Option<ClientPermit> {
        let (request, turns) = self.count(client)?;
        let turn = tokio::time::timeout(self.longest_wait, turns.acquire_owned()).await;
        // The semaphore is never closed.
        let turn = turn.ok()?.ok()?;
        Some(ClientPermit { _turn: Some(turn), _request: Some(request) })
    }

    fn count(self: &Arc<Self>, client: ClientNetwork) -> Option<(CountedRequest, Arc<Semaphore>)> {
        let mut clients = self.clients();
        let requests = clients.entry(client).or_insert_with(|| ClientRequests {
            turns: Arc::new(Semaphore::new(self.max_in_progress)),
            count: 0,
        });
        if requests.count >= self.max_in_progress + self.max_waiting {
            return None;
        }
        requests.count += 1;
        let turns = Arc::clone(&requests.turns);
        Some((CountedRequest { limits: Arc::clone(self), client }, turns))
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<ClientNetwork, ClientRequests>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientPermit {
    /// For clients that are not counted.
    pub(in crate::serve) fn unlimited() -> Self {
        Self { _turn: None, _request: None }
    }
}

impl Drop for CountedRequest {
    fn drop(&mut self) {
        let mut clients = self.limits.clients();
        match clients.get_mut(&self.client) {
            Some(requests) if requests.count > 1 => requests.count -= 1,
            Some(_) | None => {
                clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(text: &str) -> ClientNetwork {
        ClientNetwork::household(text.parse().unwrap())
    }

    /// Nothing waits, so that the test takes no time.
    fn impatient(connections: usize) -> Arc<ClientLimits> {
        let mut limits = ClientLimits::share_of(connections);
        Arc::get_mut(&mut limits).unwrap().longest_wait = Duration::ZERO;
        limits
    }

    #[tokio::test]
    async fn one_client_gets_half_and_another_is_still_admitted() {
        let limits = impatient(5);
        let mut permits = Vec::new();
        for _ in 0..3 {
            permits.extend(limits.acquire(client("203.0.113.9")).await);
        }
        assert_eq!(permits.len(), 3);
        assert!(limits.acquire(client("203.0.113.9")).await.is_none(), "its turn does not come in time");
        assert!(limits.acquire(client("203.0.113.10")).await.is_some());
        permits.pop();
        assert!(limits.acquire(client("203.0.113.9")).await.is_some());
        let one = ClientLimits::share_of(1);
        assert!(one.acquire(client("::1")).await.is_some(), "one request is always admitted");
    }

    #[tokio::test]
    async fn a_request_beyond_the_limit_waits_for_its_turn() {
        let limits = ClientLimits::share_of(4);
        let first = limits.acquire(client("203.0.113.9")).await.unwrap();
        let second = limits.acquire(client("203.0.113.9")).await.unwrap();
        let waiting = tokio::spawn({
            let limits = Arc::clone(&limits);
            async move { limits.acquire(client("203.0.113.9")).await.is_some() }
        });
        while limits.clients().values().all(|requests| requests.count < 3) {
            tokio::task::yield_now().await;
        }
        let refused = tokio::time::timeout(Duration::ZERO, limits.acquire(client("203.0.113.9"))).await;
        assert!(refused.unwrap().is_none(), "the queue is short");
        drop(first);
        assert!(waiting.await.unwrap());
        drop(second);
        assert!(limits.clients().is_empty());
    }

    proptest! {
        #[test]
        fn a_client_without_requests_has_no_entry(steps in prop::collection::vec((0_u8..4, any::<bool>()), 0..60)) {
            let limits = ClientLimits::share_of(6);
            let mut counted: Vec<(u8, CountedRequest)> = Vec::new();
            for (who, acquires) in steps {
                if acquires {
                    let request = limits.count(client(&format!("203.0.113.{who}")));
                    counted.extend(request.map(|(request, _)| (who, request)));
                } else if let Some(at) = counted.iter().position(|(of, _)| *of == who) {
                    counted.remove(at);
                }
                let holders: std::collections::HashSet<u8> = counted.iter().map(|(who, _)| *who).collect();
                prop_assert_eq!(limits.clients().len(), holders.len());
                prop_assert_eq!(limits.clients().values().map(|requests| requests.count).sum::<usize>(), counted.len());
                prop_assert!(limits.clients().values().all(|requests| (1..=4).contains(&requests.count)));
            }
        }
    }
}
