//! How much of the desk one client may hold: so many answers at the same time.
//!
//! An answer under way cannot be cut off for the sake of another reader, so
//! whoever took many and read them slowly would keep everybody out. A whole
//! school may stand behind one address, hence the share is a large one; what
//! comes through a proxy of ours comes from many, and is not counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::policy::throttle::Client;

/// Who holds how many answers. Nobody is remembered who holds none, so there
/// are never more entries than places.
#[derive(Debug)]
pub(in crate::serve) struct Shares {
    most: usize,
    held: Mutex<HashMap<Client, usize>>,
}

/// As long as this is kept, one answer more counts for its client.
#[derive(Debug)]
pub(in crate::serve) struct Share(Option<(Arc<Shares>, Client)>);

impl Shares {
    /// Half of all places for any one client.
    pub(in crate::serve) fn of(places: usize) -> Arc<Self> {
        Arc::new(Self { most: places.div_ceil(2), held: Mutex::default() })
    }

    /// `None` while the client holds as much as it may.
    pub(in crate::serve) fn take(self: &Arc<Self>, client: Client) -> Option<Share> {
        let mut held = self.held();
        let count = held.get(&client).copied().unwrap_or_default();
        if count >= self.most {
            return None;
        }
        held.insert(client, count + 1);
        Some(Share(Some((Arc::clone(self), client))))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Client, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// For those who are many behind one address.
    pub(in crate::serve) fn uncounted() -> Self {
        Self(None)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, client)) = self.0.take() else { return };
        let mut held = shares.held();
        match held.get(&client).copied().unwrap_or_default() {
            0 | 1 => {
                held.remove(&client);
            }
            count => {
                held.insert(client, count - 1);
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
    fn one_client_holds_half_and_another_still_comes_in() {
        let shares = Shares::of(5);
        let mut held: Vec<Share> = (0..3).filter_map(|_| shares.take(client("203.0.113.9"))).collect();
        assert_eq!(held.len(), 3);
        assert!(shares.take(client("203.0.113.9")).is_none());
        assert!(shares.take(client("203.0.113.10")).is_some());
        held.pop();
        assert!(shares.take(client("203.0.113.9")).is_some());
        assert!(Shares::of(1).take(client("::1")).is_some(), "somebody is always answered");
    }

    proptest! {
        #[test]
        fn nobody_is_remembered_who_holds_nothing(steps in prop::collection::vec((0_u8..4, any::<bool>()), 0..60)) {
            let shares = Shares::of(6);
            let mut held: Vec<(u8, Share)> = Vec::new();
            for (who, takes) in steps {
                if takes {
                    held.extend(shares.take(client(&format!("203.0.113.{who}"))).map(|share| (who, share)));
                } else if let Some(at) = held.iter().position(|(of, _)| *of == who) {
                    held.remove(at);
                }
                let holders: std::collections::HashSet<u8> = held.iter().map(|(who, _)| *who).collect();
                prop_assert_eq!(shares.held().len(), holders.len());
                prop_assert_eq!(shares.held().values().sum::<usize>(), held.len());
                prop_assert!(shares.held().values().all(|count| (1..=3).contains(count)));
            }
        }
    }
}
