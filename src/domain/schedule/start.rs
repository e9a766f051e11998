//! Whether a night can begin at the time that the clock shows.

use jiff::{SignedDuration, Timestamp};

/// A clock that is set back by less than this does not hold a night.
const SET_BACK: SignedDuration = SignedDuration::from_hours(12);

/// Longer than any break between two terms of a course that is given once a year.
const LONGEST_BREAK: SignedDuration = SignedDuration::from_hours(300 * 24);

/// A night that is held because the clock seems wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImplausibleStart {
    #[error(
        "the clock shows {now}, but the last night began later, at {last}; if the clock is wrong, correct it; if that night was, run `onreserve withdraw-night {last}`"
    )]
    BeforeLast { now: Timestamp, last: Timestamp },
    #[error(
        "the clock shows {now}, but the last night began at {last}, more than 300 days earlier; if the clock is wrong, correct it; if it is right, run `onreserve check --now {now}` once"
    )]
    LongAfterLast { now: Timestamp, last: Timestamp },
}

/// Compares the time with the start of the last night.
///
/// # Errors
///
/// The night would begin before the last one, or implausibly long after it.
pub fn check_start(last: Timestamp, now: Timestamp) -> Result<(), ImplausibleStart> {
    let since = now.duration_since(last);
    if since < -SET_BACK {
        return Err(ImplausibleStart::BeforeLast { now, last });
    }
    if since > LONGEST_BREAK {
        return Err(ImplausibleStart::LongAfterLast { now, last });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_begins_after_the_last_one_and_within_a_year() {
        let last: Timestamp = "2026-05-29T02:30:00Z".parse().unwrap();
        let after = |hours: i64| check_start(last, last + SignedDuration::from_hours(hours));
        for hours in [24, 1, 0, -2, 24 * 230] {
            assert_eq!(after(hours), Ok(()), "{hours}");
        }
        assert!(matches!(after(-24), Err(ImplausibleStart::BeforeLast { .. })));
        assert!(matches!(after(24 * 364), Err(ImplausibleStart::LongAfterLast { .. })));
    }
}
