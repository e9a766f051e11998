use proptest::prelude::*;

use super::*;
use crate::domain::policy::device_token::Device;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn course() -> CourseId {
    "dgm".parse().unwrap()
}

fn ipv4(last: u32) -> AttemptSource {
    AttemptSource::Address(IpAddr::V4((0x0a00_0000 + last).into()))
}

fn ipv6(text: &str) -> AttemptSource {
    AttemptSource::Address(text.parse().unwrap())
}

fn device(number: u8) -> AttemptSource {
    AttemptSource::Device(Device::new([number; 16], Role::Reader, at(0)).id)
}

fn attempt(source: AttemptSource, course: &CourseId) -> Attempt<'_> {
    Attempt { source, course, form: Role::Reader, role: Role::Reader }
}

/// A student logs in with the right password.
fn logs_in(throttle: &mut LoginThrottle, source: AttemptSource, second: i64) -> Result<i64, i64> {
    let course = course();
    let attempt = attempt(source, &course);
    let held_back = throttle.admit(&attempt, at(second)).map_err(|wait| wait.as_secs())?;
    throttle.record_success(&attempt);
    Ok(held_back.as_secs())
}

#[test]
fn waits_grow_and_are_forgotten() {
    let mut throttle = LoginThrottle::default();
    let course = course();
    let tried = |throttle: &mut LoginThrottle, source, second| {
        throttle.admit(&attempt(source, &course), at(second)).is_ok()
    };
    let first_hour = (0..3600).filter(|second| tried(&mut throttle, ipv4(1), *second)).count();
    assert!((10..25).contains(&first_hour), "{first_hour}");
    assert!(!tried(&mut throttle, ipv4(1), 3600));
    assert!(tried(&mut throttle, ipv4(2), 3600), "another client");
    assert!(tried(&mut throttle, ipv4(1), 3 * 3600), "a quiet hour later");
}

proptest! {
    /// Two processes that keep the counts elsewhere allow together what one allows.
    #[test]
    fn stored_counts_allow_what_counts_in_memory_allow(
        tries in prop::collection::vec((0_u32..3, 0_i64..40, any::<bool>()), 1..60),
    ) {
        let (course, mut now) = (course(), 0);
        let (mut memory, mut stored) = (LoginThrottle::default(), StoredCounts::new());
        for (client, pause, is_right) in tries {
            now += pause;
            let attempt = attempt(ipv4(client), &course);
            let mut throttle = LoginThrottle::of_stored(&attempt, &stored);
            let admitted = memory.admit(&attempt, at(now));
            prop_assert_eq!(throttle.admit(&attempt, at(now)), admitted);
            if is_right && admitted.is_ok() {
                memory.record_success(&attempt);
                throttle.record_success(&attempt);
            }
            stored.extend(throttle.stored(&attempt));
        }
    }
}

#[test]
fn changing_addresses_within_a_provider_does_not_lock_others_out() {
    let mut throttle = LoginThrottle::default();
    let course = course();
    let mut guesses = 0;
    for n in 0..3600_u32 {
        let source = ipv6(&format!("2001:db8:{:x}:{:x}::1", n % 50, n));
        guesses += u32::from(throttle.admit(&attempt(source, &course), at(i64::from(n))).is_ok());
    }
    assert!(guesses < 120, "{guesses} guesses in an hour");
    for student in [ipv6("2001:470:1::1"), ipv4(1)] {
        let held_back = logs_in(&mut throttle, student, 3600);
        assert!(held_back.is_ok_and(|seconds| seconds <= 2), "another provider: {held_back:?}");
    }
}

#[test]
fn guesses_from_everywhere_are_slow_and_students_wait_in_a_short_queue() {
    let mut throttle = LoginThrottle::default();
    let course = course();
    let mut guesses = 0;
    for n in 0..60_000_u32 {
        let source = ipv4(n << 8);
        guesses += u32::from(throttle.admit(&attempt(source, &course), at(i64::from(n) / 100)).is_ok());
    }
    assert!((600..800).contains(&guesses), "{guesses} guesses in 600 seconds");
    let students =
        (0..60).filter(|n| logs_in(&mut throttle, ipv4(0xf0_0000 + (n << 8)), 630 + i64::from(*n)).is_ok());
    assert_eq!(students.count(), 60, "when the guesses end, all are admitted");
}

#[test]
fn a_known_browser_is_not_slowed_down_by_others() {
    let mut throttle = LoginThrottle::default();
    let course = course();
    for n in 0..20_000_u32 {
        let _ = throttle.admit(&attempt(ipv4(n << 8), &course), at(i64::from(n) / 100));
    }
    assert_eq!(logs_in(&mut throttle, device(1), 200), Ok(0));
    let guesses =
        (0..3600).filter(|second| throttle.admit(&attempt(device(2), &course), at(*second)).is_ok());
    assert!(guesses.count() < 25, "but it guesses no faster than others");
    assert_eq!(logs_in(&mut throttle, device(1), 3600), Ok(0));
}

#[test]
fn mistakes_of_students_do_not_count_against_staff() {
    let mut throttle = LoginThrottle::default();
    let course = course();
    while throttle.admit(&attempt(ipv4(1), &course), at(0)).is_ok() {}
    let staff = Attempt { form: Role::Staff, role: Role::Staff, ..attempt(ipv4(1), &course) };
    assert_eq!(throttle.admit(&staff, at(0)), Ok(SignedDuration::ZERO));
}

#[test]
fn one_who_guesses_among_many_who_log_in_slows_them_down_by_seconds() {
    let mut throttle = LoginThrottle::default();
    let course = course();
    let (mut admitted, mut longest) = (0, 0);
    // Three guesses and one student each second, who come in any order.
    for second in 0..300_i64 {
        for place in 0..4 {
            if place != second * 7 % 4 {
                let _ = throttle.admit(&attempt(ipv4(1), &course), at(second));
            } else if let Ok(held_back) = logs_in(&mut throttle, ipv4(1), second) {
                admitted += 1;
                longest = longest.max(held_back);
            }
        }
    }
    assert!(admitted >= 60 && longest <= 20, "{admitted} of 300, longest wait {longest} s");
}

#[test]
fn many_clients_do_not_fill_the_memory() {
    let mut throttle = LoginThrottle::default();
    let course = course();
    let of_course = Counter::Course(course.clone(), Role::Reader, Role::Reader);
    // Each attempt counts for two networks, so these are somewhat more than there is room for.
    for n in 0..u32::try_from(MOST_COUNTERS / 2 + 50).unwrap() {
        throttle.counters.remove(&of_course);
        let _ = throttle.admit(&attempt(ipv4(n << 8), &course), at(1));
    }
    assert!(throttle.counters.len() <= MOST_COUNTERS + 1, "{}", throttle.counters.len());
    let other: CourseId = "other".parse().unwrap();
    assert_eq!(throttle.admit(&attempt(ipv4(u32::MAX >> 9), &other), at(1)), Ok(SignedDuration::ZERO));
}

proptest! {
    #[test]
    fn every_wait_has_a_bound(seconds in prop::collection::vec((-100_000_i64..100_000, any::<bool>()), 1..60)) {
        let mut throttle = LoginThrottle::default();
        let course = course();
        for (second, is_right) in seconds {
            let attempt = attempt(ipv4(1), &course);
            match throttle.admit(&attempt, at(second)) {
                Ok(held_back) => {
                    prop_assert!(!held_back.is_negative() && held_back <= LONGEST_QUEUE);
                    if is_right {
                        throttle.record_success(&attempt);
                    }
                }
                Err(wait) => prop_assert!(wait.is_positive() && wait <= LONGEST_WAIT),
            }
        }
    }
}
