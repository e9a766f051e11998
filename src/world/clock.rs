//! The clock: the only reader of time, and the only place that waits.

#![expect(clippy::disallowed_methods, reason = "this module is the clock")]

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Where the time comes from.
///
/// A pretended clock starts at a given time and runs at the real pace, so that
/// durations within a rehearsed night are real.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pretended: Option<(Timestamp, Instant)>,
}

impl Clock {
    pub fn system() -> Self {
        Self { pretended: None }
    }

    pub fn pretending(start: Timestamp) -> Self {
        Self { pretended: Some((start, Instant::now())) }
    }

    /// Whether the time is a given one, for a rehearsal.
    pub fn is_pretended(&self) -> bool {
        self.pretended.is_some()
    }

    /// In whole microseconds, the precision in which every time is stored.
    pub fn now(&self) -> Timestamp {
        let now = self.exact();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn exact(&self) -> Timestamp {
        match self.pretended {
            None => Timestamp::now(),
            Some((start, since)) => {
                let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::ZERO);
                start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// A point for measuring durations; unrelated to the time of day.
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_the_precision_in_which_it_is_stored() {
        for clock in [Clock::system(), Clock::pretending(Timestamp::UNIX_EPOCH)] {
            for _ in 0..10 {
                assert_eq!(clock.now().as_nanosecond() % 1000, 0);
            }
        }
    }
}
