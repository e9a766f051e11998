//! When a password may be tried: immediately at first, then after growing waits.
//!
//! These rules keep one person from locking out a class:
//!
//! - A browser that has logged in before is counted by itself.
//! - Other clients are counted by their networks, from a household to a provider, so
//!   that a change of address does not help.
//! - When many networks guess together, clients without wrong passwords wait in a short
//!   queue instead of being refused.
//! - Attempts on the staff password have counts of their own.
//!
//! The memory is limited for any number of clients.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::domain::policy::client_network::{ClientNetwork, NetworkSize};
use crate::domain::policy::course_access::Role;
use crate::domain::policy::device_token::DeviceId;

/// Wrong passwords of one browser that has logged in before.
const FREE_TO_A_DEVICE: u32 = 8;
/// A course of hundreds of students mistypes about this often in its first hour.
const FREE_TO_A_COURSE: u32 = 100;
/// Further wrong passwords that each login allows its networks: where people log in,
/// people also mistype.
const FREE_PER_LOGIN: u32 = 4;
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// The longest time in a queue. A browser would give up a longer wait.
const LONGEST_QUEUE: SignedDuration = SignedDuration::from_secs(20);
/// The pace at which a network where people also log in may go on after too many
/// wrong passwords.
const PACE_OF_A_NETWORK: SignedDuration = SignedDuration::from_secs(1);
/// Attempts are forgotten after this time without another.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Beyond these the counter that was used least recently is forgotten.
const MOST_COUNTERS: usize = 40_000;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptSource {
    /// A browser that has logged in before in this role.
    Device(DeviceId),
    Address(IpAddr),
}

/// A password that is to be compared with that of a role.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    pub source: AttemptSource,
    pub course: &'a CourseId,
    /// Whose form was filled in.
    pub form: Role,
    /// Whose password it is compared with.
    pub role: Role,
}

/// The recent attempts.
#[derive(Clone, Debug, Default)]
pub struct LoginThrottle {
    counters: HashMap<Counter, AttemptCounts>,
}

/// Counts that are kept elsewhere, by the digests of what they count.
pub type StoredCounts = HashMap<Digest, AttemptCounts>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Counter {
    Device(DeviceId, Role),
    /// Networks are counted apart for each form and role, so that the mistakes of
    /// students do not count against staff.
    Network(ClientNetwork, Role, Role),
    /// All attempts on a course from browsers that have not logged in before.
    Course(CourseId, Role, Role),
}

/// How often one thing was counted. With counts that several processes share, they allow together
/// what one allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptCounts {
    wrong: u32,
    logins: u32,
    last: Timestamp,
    /// When the next one in the queue may go on.
    next_turn: Timestamp,
}

/// What happens beyond the free attempts.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// Refused for a time that doubles with each wrong password.
    Doubling { free: u32 },
    /// One after another.
    Queue { free: u32, pace: SignedDuration },
}

impl LoginThrottle {
    /// Knows only the counts of this attempt, which are kept elsewhere.
    pub fn of_stored(attempt: &Attempt, stored: &StoredCounts) -> Self {
        let known = attempt.counters().into_iter();
        let known = known.filter_map(|(counter, _)| Some((counter.clone(), *stored.get(&counter.digest())?)));
        Self { counters: known.collect() }
    }

    /// The counts of this attempt, which are to be kept elsewhere.
    pub fn stored(&self, attempt: &Attempt) -> StoredCounts {
        let known = attempt.counters().into_iter();
        known.filter_map(|(counter, _)| Some((counter.digest(), *self.counters.get(&counter)?))).collect()
    }

    /// Counts whose last attempt was before this time are forgotten.
    pub fn forgotten_before(now: Timestamp) -> Timestamp {
        now.saturating_sub(FORGOTTEN_AFTER).unwrap_or(Timestamp::MIN)
    }

    /// Counts an attempt before it is made, so that many at once count as many.
    /// Returns how long to hold the attempt back.
    ///
    /// # Errors
    ///
    /// How long to wait; the attempt must not be made.
    pub fn admit(&mut self, attempt: &Attempt, now: Timestamp) -> Result<SignedDuration, SignedDuration> {
        let mut planned = Vec::new();
        let mut refused = SignedDuration::ZERO;
        for (counter, limit) in attempt.counters() {
            let attempts = AttemptCounts::recent(self.counters.get(&counter), now);
            match attempts.turn(limit, now) {
                Ok(turn) => planned.push((counter, attempts, turn)),
                Err(wait) => refused = refused.max(wait),
            }
        }
        if refused.is_positive() {
            return Err(refused);
        }
        let held_back = planned.iter().map(|(_, _, turn)| turn.held_back).max();
        for (counter, attempts, turn) in planned {
            self.make_room(&counter, now);
            let wrong = attempts.wrong.saturating_add(1);
            self.counters
                .insert(counter, AttemptCounts { wrong, last: now, next_turn: turn.next, ..attempts });
        }
        Ok(held_back.unwrap_or(SignedDuration::ZERO))
    }

    /// The admitted attempt was right, so it does not count as wrong.
    pub fn record_success(&mut self, attempt: &Attempt) {
        for (counter, _) in attempt.counters() {
            if let Some(attempts) = self.counters.get_mut(&counter) {
                attempts.wrong = match counter {
                    Counter::Device(..) => 0,
                    Counter::Network(..) | Counter::Course(..) => attempts.wrong.saturating_sub(1),
                };
                attempts.logins = attempts.logins.saturating_add(1);
            }
        }
    }

    fn make_room(&mut self, next: &Counter, now: Timestamp) {
        if self.counters.len() < MOST_COUNTERS || self.counters.contains_key(next) {
            return;
        }
        self.counters.retain(|_, attempts| now.duration_since(attempts.last) < FORGOTTEN_AFTER);
        if self.counters.len() >= MOST_COUNTERS {
            // The counts of courses and providers are few, and hold when others are forgotten.
            let household =
                self.counters.iter().filter(|(counter, _)| !matches!(counter, Counter::Course(..)));
            let oldest =
                household.min_by_key(|(_, attempts)| attempts.last).map(|(counter, _)| counter.clone());
            oldest.and_then(|counter| self.counters.remove(&counter));
        }
    }
}

impl Attempt<'_> {
    /// The digests of what the attempt counts for.
    pub fn digests(&self) -> Vec<Digest> {
        self.counters().iter().map(|(counter, _)| counter.digest()).collect()
    }

    /// What the attempt counts for.
    fn counters(&self) -> Vec<(Counter, Limit)> {
        match self.source {
            AttemptSource::Device(id) => {
                vec![(Counter::Device(id, self.role), Limit::Doubling { free: FREE_TO_A_DEVICE })]
            }
            AttemptSource::Address(address) => {
                let networks = ClientNetwork::all(address).into_iter().map(|(size, network)| {
                    let free = free_to_a_network(size);
                    (Counter::Network(network, self.form, self.role), Limit::Doubling { free })
                });
                let course = Counter::Course(self.course.clone(), self.form, self.role);
                let limit = Limit::Queue { free: FREE_TO_A_COURSE, pace: pace_of_a_course(self.role) };
                networks.chain([(course, limit)]).collect()
            }
        }
    }
}

/// A household or a dormitory shares an address, so some wrong passwords are free.
fn free_to_a_network(size: NetworkSize) -> u32 {
    match size {
        NetworkSize::Household => 8,
        NetworkSize::Site => 24,
        NetworkSize::LargeSite => 48,
        NetworkSize::Provider => 96,
    }
}

/// The pace of all attempts on a course together, once they are too many. 720 guesses an hour find
/// no staff password of 8 characters that is not a common word. Students come in
/// hundreds, and cannot change what others see.
fn pace_of_a_course(role: Role) -> SignedDuration {
    match role {
        Role::Reader => SignedDuration::from_secs(1),
        Role::Staff => SignedDuration::from_secs(5),
    }
}

impl Counter {
    /// A name for it that does not tell the address of a client at once.
    fn digest(&self) -> Digest {
        let name = match self {
            Self::Device(id, role) => format!("device {id:?} {role:?}"),
            Self::Network(network, form, role) => format!("network {network} {form:?} {role:?}"),
            Self::Course(course, form, role) => format!("course {course} {form:?} {role:?}"),
        };
        Digest::of(name.as_bytes())
    }
}

/// When an attempt is made.
#[derive(Clone, Copy, Debug)]
struct Turn {
    held_back: SignedDuration,
    next: Timestamp,
}

impl AttemptCounts {
    /// The time of the last attempt.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    fn recent(before: Option<&Self>, now: Timestamp) -> Self {
        let recent = before.filter(|attempts| now.duration_since(attempts.last) < FORGOTTEN_AFTER);
        recent.copied().unwrap_or(Self { wrong: 0, logins: 0, last: now, next_turn: now })
    }

    /// A clock that was set back never causes more than the longest wait.
    fn turn(&self, limit: Limit, now: Timestamp) -> Result<Turn, SignedDuration> {
        let (free, pace) = match limit {
            Limit::Doubling { free } if self.logins == 0 => (free, None),
            Limit::Doubling { free } => {
                (free.saturating_add(self.logins.saturating_mul(FREE_PER_LOGIN)), Some(PACE_OF_A_NETWORK))
            }
            Limit::Queue { free, pace } => (free, Some(pace)),
        };
        let Some(beyond) = self.wrong.checked_sub(free) else {
            return Ok(Turn { held_back: SignedDuration::ZERO, next: now });
        };
        let Some(pace) = pace else {
            let whole = SignedDuration::from_secs(1_i64 << beyond.min(20)).min(LONGEST_WAIT);
            let wait = (whole - now.duration_since(self.last)).min(LONGEST_WAIT);
            let turn = Turn { held_back: SignedDuration::ZERO, next: now };
            return if wait.is_positive() { Err(wait) } else { Ok(turn) };
        };
        let until_turn = self.next_turn.duration_since(now).max(SignedDuration::ZERO);
        let held_back = if until_turn > LONGEST_QUEUE + pace { SignedDuration::ZERO } else { until_turn };
        if held_back > LONGEST_QUEUE {
            return Err(held_back);
        }
        let next = now.saturating_add(held_back + pace).unwrap_or(now);
        Ok(Turn { held_back, next })
    }
}

#[cfg(test)]
mod tests;
