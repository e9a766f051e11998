//! Limits the requests in progress per client.
//!
//! A response in progress is never cut off for another client. So a client with many
//! requests that reads slowly could use all slots. The limit is high, because a whole
//! school may share one address. Requests through a trusted proxy come from many clients
//! and are not counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::policy::login_throttle::Client;

/// The requests in progress of each client. A client without any has no entry,
/// so there are never more entries than connections.
#[derive(Debug)]
pub(in crate::serve) struct ClientLimits {
    max_per_client: usize,
    in_progress: Mutex<HashMap<Client, usize>>,
}

/// Counts as one request in progress of its client while it exists.
#[derive(Debug)]
pub(in crate::serve) struct ClientPermit(Option<(Arc<ClientLimits>, Client)>);

impl ClientLimits {
    /// Each client may use half of all connections.
    pub(in crate::serve) fn half_of(connections: usize) -> Arc<Self> {
        Arc::new(Self { max_per_client: connections.div_ceil(2), in_progress: Mutex::default() })
    }

    /// `None` if the client is at its limit.
    pub(in crate::serve) fn acquire(self: &Arc<Self>, client: Client) -> Option<ClientPermit> {
        let mut in_progress = self.in_progress();
        let count = in_progress.get(&client).map_or(0, |count| *count);
        if count >= self.max_per_client {
            return None;
        }
        in_progress.insert(client, count + 1);
        Some(ClientPermit(Some((Arc::clone(self), client))))
    }

    fn in_progress(&self) -> MutexGuard<'_, HashMap<Client, usize>> {
        self.in_progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientPermit {
    /// For clients that are not counted.
    pub(in crate::serve) fn unlimited() -> Self {
        Self(None)
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        let Some((limits, client)) = self.0.take() else { return };
        let mut in_progress = limits.in_progress();
        match in_progress.get_mut(&client) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                in_progress.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(text: &str) -> Client {
        Client::of(text.parse().unwrap())
    }

    #[test]
    fn one_client_gets_half_and_another_is_still_admitted() {
        let limits = ClientLimits::half_of(5);
        let mut permits: Vec<ClientPermit> =
            (0..3).filter_map(|_| limits.acquire(client("203.0.113.9"))).collect();
        assert_eq!(permits.len(), 3);
        assert!(limits.acquire(client("203.0.113.9")).is_none());
        assert!(limits.acquire(client("203.0.113.10")).is_some());
        permits.pop();
        assert!(limits.acquire(client("203.0.113.9")).is_some());
        assert!(ClientLimits::half_of(1).acquire(client("::1")).is_some(), "one request is always admitted");
    }

    proptest! {
        #[test]
        fn a_client_without_requests_has_no_entry(steps in prop::collection::vec((0_u8..4, any::<bool>()), 0..60)) {
            let limits = ClientLimits::half_of(6);
            let mut permits: Vec<(u8, ClientPermit)> = Vec::new();
            for (who, acquires) in steps {
                if acquires {
                    let permit = limits.acquire(client(&format!("203.0.113.{who}")));
                    permits.extend(permit.map(|permit| (who, permit)));
                } else if let Some(at) = permits.iter().position(|(of, _)| *of == who) {
                    permits.remove(at);
                }
                let holders: std::collections::HashSet<u8> = permits.iter().map(|(who, _)| *who).collect();
                prop_assert_eq!(limits.in_progress().len(), holders.len());
                prop_assert_eq!(limits.in_progress().values().sum::<usize>(), permits.len());
                prop_assert!(limits.in_progress().values().all(|count| (1..=3).contains(count)));
            }
        }
    }
}
