//! The memory of the hosts (pauses, stops, robots.txt) across the runs of one night.
//!
//! The nights of several courses and requested rechecks follow one another within
//! minutes. For a host they are the requests of one visitor.

use std::time::{Duration, Instant};

use super::run_log;
use crate::world::World;
use crate::world::fetch;

/// Runs that begin within this time belong to one night.
const ONE_NIGHT: Duration = Duration::from_hours(6);

/// The purpose of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunKind {
    Night,
    Recheck,
}

/// When the fetcher last started without memory of the hosts, and for which run.
#[derive(Debug, Default)]
pub(super) struct HostMemory(Option<(Instant, RunKind)>);

impl HostMemory {
    /// Prepares the fetcher for a run.
    pub(super) fn begin(&mut self, kind: RunKind, world: &mut World, settings: &fetch::FetchSettings) {
        let now = world.clock.instant();
        if self.is_current(kind, now) {
            world.fetch.begin_run();
            return;
        }
        match world.renew_fetch(settings) {
            Ok(()) => self.0 = Some((now, kind)),
            // For example, the certificate file was replaced by a broken one.
            Err(error) => {
                let error = run_log::one_line(&error.into());
                tracing::error!(%error, "the fetch settings cannot be applied; this run uses the earlier ones");
                world.fetch.begin_run();
            }
        }
    }

    /// A recheck shortly before a night does not shorten the time of the night.
    fn is_current(&self, kind: RunKind, now: Instant) -> bool {
        self.0.is_some_and(|(started, on)| {
            now.duration_since(started) < ONE_NIGHT && (on == RunKind::Night || kind == RunKind::Recheck)
        })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant")]
mod tests {
    use super::*;

    #[test]
    fn one_night_is_all_that_begins_within_six_hours_of_its_first_course() {
        let started = Instant::now();
        let after = |hours| started + Duration::from_hours(hours);
        let night = HostMemory(Some((started, RunKind::Night)));
        assert!(night.is_current(RunKind::Night, after(1)) && night.is_current(RunKind::Recheck, after(5)));
        assert!(
            !night.is_current(RunKind::Recheck, after(6)) && !night.is_current(RunKind::Night, after(24))
        );
        let recheck = HostMemory(Some((started, RunKind::Recheck)));
        assert!(recheck.is_current(RunKind::Recheck, after(1)));
        assert!(!recheck.is_current(RunKind::Night, after(1)), "a night starts without memory");
        assert!(!HostMemory::default().is_current(RunKind::Recheck, started));
    }
}
