//! Logins that were redirected to the identity provider and have not come back.
//!
//! Each is completed at most once, by the browser that started it, within a few
//! minutes. The number is limited. If there are too many, the client that starts
//! another loses its own oldest one first, so that a client cannot displace the
//! logins of others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::client_network::ClientNetwork;

/// Enough time to find a second factor.
pub(in crate::serve) const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Each takes a few hundred bytes.
const MAX_PENDING: usize = 4096;

/// What is stored of a login until the provider sends the browser back.
#[derive(Clone, Debug)]
pub(in crate::serve) struct PendingLogin {
    pub course: CourseId,
    /// The page to go to after the login.
    pub next: String,
    pub nonce: String,
    /// The PKCE verifier, which proves to the provider that we started the login (RFC 7636).
    pub verifier: String,
    /// Digest of the cookie in the browser that started the login.
    pub browser: Digest,
    pub client: ClientNetwork,
    pub started_at: Timestamp,
}

/// Keyed by the digest of the state, so that the time of a lookup reveals nothing about other states.
#[derive(Debug, Default)]
pub(in crate::serve) struct PendingLogins(Mutex<HashMap<Digest, PendingLogin>>);

impl PendingLogins {
    pub(in crate::serve) fn insert(&self, state: &str, login: PendingLogin) {
        let mut logins = self.lock();
        let now = login.started_at;
        logins.retain(|_, login| login.is_current(now));
        if logins.len() >= MAX_PENDING {
            let oldest = |of: Option<ClientNetwork>| {
                let candidates =
                    logins.iter().filter(|(_, known)| of.is_none_or(|client| known.client == client));
                candidates.min_by_key(|(_, known)| known.started_at).map(|(state, _)| *state)
            };
            if let Some(dropped) = oldest(Some(login.client)).or_else(|| oldest(None)) {
                logins.remove(&dropped);
            }
        }
        logins.insert(Digest::of(state.as_bytes()), login);
    }

    /// Removes a login that came back. `browser` is the cookie that the browser sent.
    /// A failed attempt ends the pending login too.
    pub(in crate::serve) fn take(&self, state: &str, browser: &str, now: Timestamp) -> Option<PendingLogin> {
        let login = self.lock().remove(&Digest::of(state.as_bytes()))?;
        let is_same_browser = login.browser == Digest::of(browser.as_bytes());
        (is_same_browser && login.is_current(now)).then_some(login)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, PendingLogin>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingLogin {
    fn is_current(&self, now: Timestamp) -> bool {
        now.duration_since(self.started_at).abs() <= LIFETIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(client: &str, second: i64) -> PendingLogin {
        PendingLogin {
            course: "dgm".parse().unwrap(),
            next: String::new(),
            nonce: String::new(),
            verifier: String::new(),
            browser: Digest::of(b"browser"),
            client: ClientNetwork::household(client.parse().unwrap()),
            started_at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn a_login_completes_once_in_time_and_in_its_browser() {
        let logins = PendingLogins::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for state in ["a", "b", "c"] {
            logins.insert(state, login("203.0.113.9", 0));
        }
        assert!(logins.take("a", "browser", at(600)).is_some());
        assert!(logins.take("a", "browser", at(1)).is_none(), "once");
        assert!(logins.take("b", "another", at(1)).is_none());
        assert!(logins.take("b", "browser", at(1)).is_none(), "the failed attempt ended it");
        assert!(logins.take("c", "browser", at(601)).is_none());
        assert!(logins.take("d", "browser", at(1)).is_none());
    }

    #[test]
    fn a_client_with_many_logins_displaces_only_its_own() {
        let logins = PendingLogins::default();
        logins.insert("student", login("203.0.113.9", 0));
        for number in 0..MAX_PENDING + 50 {
            logins.insert(&number.to_string(), login("198.51.100.1", 1));
        }
        assert_eq!(logins.lock().len(), MAX_PENDING);
        assert!(logins.take("student", "browser", Timestamp::from_second(2).unwrap()).is_some());
    }
}
