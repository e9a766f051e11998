//! Limits how often a password may be tried: a few tries at first, then growing waits.
//!
//! Tries are counted for each client, and for each course over all clients. The
//! memory is limited for any number of clients.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use crate::domain::course::CourseId;

/// A household or a dormitory shares an address, so some tries are free.
const FREE_TO_A_CLIENT: u32 = 8;
/// In a course of hundreds of students there are about this many typing errors in the first hour.
const FREE_TO_A_COURSE: u32 = 100;
const LONGEST_FOR_A_CLIENT: SignedDuration = SignedDuration::from_mins(15);
/// Shorter, because this wait also affects people who know the password. 700 guesses an
/// hour find no password of 8 characters that is not a common word.
const LONGEST_FOR_A_COURSE: SignedDuration = SignedDuration::from_secs(5);
/// Tries are forgotten after this time without another try.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The most clients. Beyond them the client that tried least recently is forgotten; the
/// count of the course still applies to it.
const MOST_CLIENTS: usize = 10_000;

/// The client that tries: an IPv4 address, or an IPv6 network of one household.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(IpAddr);

impl Client {
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        })
    }
}

/// The recent tries.
#[derive(Clone, Debug, Default)]
pub struct LoginThrottle {
    clients: HashMap<Client, Tries>,
    courses: HashMap<CourseId, Tries>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    last: Timestamp,
}

impl LoginThrottle {
    /// Counts a try before it is made, so that simultaneous tries all count.
    ///
    /// # Errors
    ///
    /// How long to wait; the try must not be made.
    pub fn admit(&mut self, client: Client, course: &CourseId, now: Timestamp) -> Result<(), SignedDuration> {
        let of_client = Tries::now(self.clients.get(&client), now);
        let of_course = Tries::now(self.courses.get(course), now);
        let wait = of_client.wait(FREE_TO_A_CLIENT, LONGEST_FOR_A_CLIENT, now).max(of_course.wait(
            FREE_TO_A_COURSE,
            LONGEST_FOR_A_COURSE,
            now,
        ));
        if wait.is_positive() {
            return Err(wait);
        }
        if self.clients.len() >= MOST_CLIENTS && !self.clients.contains_key(&client) {
            self.forget_one(now);
        }
        self.clients.insert(client, of_client.and_one(now));
        self.courses.insert(course.clone(), of_course.and_one(now));
        Ok(())
    }

    /// The admitted try was correct, so it does not count.
    pub fn record_success(&mut self, client: Client, course: &CourseId) {
        self.clients.remove(&client);
        if let Some(tries) = self.courses.get_mut(course) {
            tries.count = tries.count.saturating_sub(1);
        }
    }

    fn forget_one(&mut self, now: Timestamp) {
        self.clients.retain(|_, tries| now.duration_since(tries.last) < FORGOTTEN_AFTER);
        if self.clients.len() >= MOST_CLIENTS {
            let oldest = self.clients.iter().min_by_key(|(_, tries)| tries.last).map(|(client, _)| *client);
            oldest.and_then(|client| self.clients.remove(&client));
        }
    }
}

impl Tries {
    fn now(before: Option<&Self>, now: Timestamp) -> Self {
        let recent = before.filter(|tries| now.duration_since(tries.last) < FORGOTTEN_AFTER);
        recent.copied().unwrap_or(Self { count: 0, last: now })
    }

    fn and_one(self, now: Timestamp) -> Self {
        Self { count: self.count.saturating_add(1), last: now }
    }

    /// Doubles with every try that is not free. A clock that was set back
    /// never causes more than the longest wait.
    fn wait(&self, free: u32, longest: SignedDuration, now: Timestamp) -> SignedDuration {
        let Some(beyond) = self.count.checked_sub(free) else { return SignedDuration::ZERO };
        let whole = SignedDuration::from_secs(1_i64 << beyond.min(20)).min(longest);
        (whole - now.duration_since(self.last)).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn client(last: u32) -> Client {
        Client::of(IpAddr::V4((0x0a00_0000 + last).into()))
    }

    fn course() -> CourseId {
        "dgm".parse().unwrap()
    }

    /// How many of the tries of one client, one a second, are made.
    fn made(throttle: &mut LoginThrottle, seconds: i64) -> usize {
        (0..seconds).filter(|second| throttle.admit(client(1), &course(), at(*second)).is_ok()).count()
    }

    #[test]
    fn waits_grow_and_are_forgotten() {
        let mut throttle = LoginThrottle::default();
        let first_hour = made(&mut throttle, 3600);
        assert!((10..25).contains(&first_hour), "{first_hour}");
        assert!(throttle.admit(client(1), &course(), at(3600)).is_err());
        assert!(throttle.admit(client(2), &course(), at(3600)).is_ok(), "another client");
        assert_eq!(throttle.admit(client(1), &course(), at(3 * 3600)), Ok(()), "a quiet hour later");
    }

    #[test]
    fn a_right_password_clears_its_client() {
        let mut throttle = LoginThrottle::default();
        while throttle.admit(client(1), &course(), at(0)).is_ok() {}
        throttle.record_success(client(1), &course());
        assert_eq!(throttle.admit(client(1), &course(), at(0)), Ok(()));
    }

    #[test]
    fn many_clients_together_are_slowed_down_and_do_not_fill_the_memory() {
        let mut throttle = LoginThrottle::default();
        let other: CourseId = "other".parse().unwrap();
        let made = (0..30_000_u32)
            .filter(|n| throttle.admit(client(*n), &course(), at(i64::from(*n) / 100)).is_ok())
            .count();
        assert!((100..200).contains(&made), "300 seconds: {made}");
        assert_eq!(throttle.admit(client(1 << 20), &other, at(300)), Ok(()), "other courses are open");
        for n in 0..3 * MOST_CLIENTS {
            throttle.courses.clear();
            let _ = throttle.admit(client(u32::try_from(n).unwrap()), &course(), at(301));
        }
        assert!(throttle.clients.len() <= MOST_CLIENTS);
    }

    #[test]
    fn the_addresses_of_one_household_are_one_client() {
        let of = |text: &str| Client::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest_wait(seconds in prop::collection::vec(-100_000_i64..100_000, 1..60)) {
            let mut throttle = LoginThrottle::default();
            for second in seconds {
                if let Err(wait) = throttle.admit(client(1), &course(), at(second)) {
                    prop_assert!(wait.is_positive() && wait <= LONGEST_FOR_A_CLIENT);
                }
            }
        }
    }
}
