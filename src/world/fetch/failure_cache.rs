//! Recent failures of origins that cannot be reached.
//!
//! Fifty links to one dead host must not wait fifty times for its timeout.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::address::Address;
use crate::domain::visit::Failure;

/// After this many failures in a row, the next request is answered from the cache.
const FAILURES_TO_CACHE: u32 = 2;

/// The last failure of each origin, and the number of failures in a row.
#[derive(Default)]
pub(super) struct FailureCache(Mutex<HashMap<String, (Failure, u32)>>);

impl FailureCache {
    /// The cached failure of the origin, if it has failed often enough.
    pub(super) fn get(&self, address: &Address) -> Option<Failure> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .get(&origin(address))
            .filter(|(_, times)| *times >= FAILURES_TO_CACHE)
            .map(|(failure, _)| *failure)
    }

    /// Records a failure if it concerns the whole origin.
    pub(super) fn record(&self, address: &Address, failure: Failure) {
        match failure {
            Failure::NoSuchHost
            | Failure::NameServer
            | Failure::Connect
            | Failure::Certificate(_)
            | Failure::Tls
            | Failure::TlsVersion
            | Failure::TlsCipher => self.add(address, failure, 1),
            Failure::TimedOut
            | Failure::Reset
            | Failure::Truncated
            | Failure::Protocol
            | Failure::RedirectLoop
            | Failure::TooManyRedirects
            | Failure::BadRedirect
            | Failure::TooLarge
            | Failure::Encoding => {}
        }
    }

    /// An origin that times out on its robots.txt is not requested again in this run.
    pub(super) fn record_timeout(&self, address: &Address) {
        self.add(address, Failure::TimedOut, FAILURES_TO_CACHE);
    }

    pub(super) fn clear_origin(&self, address: &Address) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&origin(address));
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn add(&self, address: &Address, failure: Failure, times: u32) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = failures.entry(origin(address)).or_insert((failure, 0));
        let before = if entry.0 == failure { entry.1 } else { 0 };
        *entry = (failure, before.saturating_add(times));
    }
}

/// Scheme, host and port (RFC 6454).
pub(super) fn origin(address: &Address) -> String {
    address.url().origin().ascii_serialization()
}
