//! For how long what the hosts asked of us holds: for every run of one night.
//!
//! The nights of several courses, and the looks that someone asks for, follow
//! one another within minutes. To the hosts they are one visitor.

use std::time::{Duration, Instant};

use super::tidings;
use crate::world::World;
use crate::world::fetch;

/// Runs that begin within this time are of one night.
const ONE_NIGHT: Duration = Duration::from_hours(6);

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Night,
    Look,
}

/// When, and for what, the hosts were last met as if for the first time.
#[derive(Debug, Default)]
pub(super) struct Courtesy(Option<(Instant, Errand)>);

impl Courtesy {
    /// Readies the way to the web for a run.
    pub(super) fn begin(&mut self, errand: Errand, world: &mut World, settings: &fetch::FetchSettings) {
        let now = world.clock.instant();
        if self.holds(errand, now) {
            world.fetch.begin_run();
            return;
        }
        match world.renew_fetch(settings) {
            Ok(()) => self.0 = Some((now, errand)),
            // Such as a certificate file that was replaced by a broken one.
            Err(error) => {
                let error = tidings::told(&error.into());
                tracing::error!(%error, "the web is visited as before");
                world.fetch.begin_run();
            }
        }
    }

    /// A look shortly before the nights does not make their time shorter.
    fn holds(&self, errand: Errand, now: Instant) -> bool {
        self.0.is_some_and(|(met, on)| {
            now.duration_since(met) < ONE_NIGHT && (on == Errand::Night || errand == Errand::Look)
        })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant")]
mod tests {
    use super::*;

    #[test]
    fn one_night_is_all_that_begins_within_six_hours_of_its_first_course() {
        let met = Instant::now();
        let after = |hours| met + Duration::from_hours(hours);
        let night = Courtesy(Some((met, Errand::Night)));
        assert!(night.holds(Errand::Night, after(1)) && night.holds(Errand::Look, after(5)));
        assert!(!night.holds(Errand::Look, after(6)) && !night.holds(Errand::Night, after(24)));
        let look = Courtesy(Some((met, Errand::Look)));
        assert!(look.holds(Errand::Look, after(1)));
        assert!(!look.holds(Errand::Night, after(1)), "a night begins anew");
        assert!(!Courtesy::default().holds(Errand::Look, met));
    }
}
