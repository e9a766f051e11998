//! Sign-ins on their way: begun here, not yet come back from the provider.
//!
//! Each is taken once, by the browser that began it, within a few minutes.
//! They are few enough to be remembered; when there are too many, whoever has
//! begun another one loses theirs first, so that nobody can push others out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::throttle::Client;

/// Somebody may have to look for their second factor.
pub(super) const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// A few hundred bytes each.
const MOST: usize = 4096;

/// What is remembered of a sign-in, until it comes back.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub course: CourseId,
    /// The page to go on to; not looked at yet.
    pub next: String,
    pub nonce: String,
    /// What proves at the provider that we began it (RFC 7636).
    pub verifier: String,
    /// Of what the browser holds that began it.
    pub browser: Digest,
    pub client: Client,
    pub begun_at: Timestamp,
}

/// By the digest of their state, so that looking one up tells nothing of others.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Digest, Flight>>);

impl Flights {
    pub(super) fn begin(&self, state: &str, flight: Flight) {
        let mut flights = self.lock();
        let now = flight.begun_at;
        flights.retain(|_, flight| flight.is_on_its_way(now));
        if flights.len() >= MOST {
            let first = |of: Option<Client>| {
                let these =
                    flights.iter().filter(|(_, known)| of.is_none_or(|client| known.client == client));
                these.min_by_key(|(_, known)| known.begun_at).map(|(state, _)| *state)
            };
            if let Some(lost) = first(Some(flight.client)).or_else(|| first(None)) {
                flights.remove(&lost);
            }
        }
        flights.insert(Digest::of(state.as_bytes()), flight);
    }

    /// Takes a sign-in that came back; it is over then, whatever becomes of it.
    pub(super) fn take(&self, state: &str, browser: &str, now: Timestamp) -> Option<Flight> {
        let flight = self.lock().remove(&Digest::of(state.as_bytes()))?;
        let is_theirs = flight.browser == Digest::of(browser.as_bytes());
        (is_theirs && flight.is_on_its_way(now)).then_some(flight)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn is_on_its_way(&self, now: Timestamp) -> bool {
        now.duration_since(self.begun_at).abs() <= LASTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(client: &str, second: i64) -> Flight {
        Flight {
            course: "dgm".parse().unwrap(),
            next: String::new(),
            nonce: String::new(),
            verifier: String::new(),
            browser: Digest::of(b"browser"),
            client: Client::of(client.parse().unwrap()),
            begun_at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn one_is_taken_once_in_time_and_by_its_browser() {
        let flights = Flights::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for state in ["a", "b", "c"] {
            flights.begin(state, flight("203.0.113.9", 0));
        }
        assert!(flights.take("a", "browser", at(600)).is_some());
        assert!(flights.take("a", "browser", at(1)).is_none(), "once");
        assert!(flights.take("b", "another", at(1)).is_none());
        assert!(flights.take("b", "browser", at(1)).is_none(), "whoever tried spent it");
        assert!(flights.take("c", "browser", at(601)).is_none());
        assert!(flights.take("d", "browser", at(1)).is_none());
    }

    #[test]
    fn whoever_begins_very_many_pushes_nobody_else_out() {
        let flights = Flights::default();
        flights.begin("student", flight("203.0.113.9", 0));
        for number in 0..MOST + 50 {
            flights.begin(&number.to_string(), flight("198.51.100.1", 1));
        }
        assert_eq!(flights.lock().len(), MOST);
        assert!(flights.take("student", "browser", Timestamp::from_second(2).unwrap()).is_some());
    }
}
