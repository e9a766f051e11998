//! The kinds of failures, and which of them a night shall have.

use crate::harness::Random;
use crate::workers::cluster::{links, setting};

/// A night has one failure for so many links at most: a small one would be over before more.
const LINKS_OF_A_FAILURE: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    WorkerKilled,
    /// Past its lease.
    WorkerFrozen,
    /// For longer than its lease.
    WorkerWithoutDatabase,
    WorkerWithoutWeb,
    /// Of the bucket.
    WorkerWithoutStore,
    /// The store is as this fault says for one worker.
    Store(StoreFault),
    ServerCrash,
    /// A standby with every commit replaces the server.
    Standby,
    /// A standby without the last commits replaces the server.
    StandbyBehind,
    SchedulerKilled,
    /// Past its lease, so that the second one takes over.
    SchedulerFrozen,
    /// A worker is started again with a clock that is ahead or behind by a minute.
    Clock,
    /// A worker is started again with the other program, or with the own one if it had the other.
    OtherVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreFault {
    /// It answers with status 500.
    Fails,
    /// Each answer takes seconds.
    Slow,
    /// Some bytes change on the way to it, and on the way back.
    WrongBytes,
}

impl Failure {
    pub(super) const ALL: [(&str, Self); 15] = [
        ("killed", Self::WorkerKilled),
        ("frozen", Self::WorkerFrozen),
        ("without-database", Self::WorkerWithoutDatabase),
        ("without-web", Self::WorkerWithoutWeb),
        ("without-store", Self::WorkerWithoutStore),
        ("store-500", Self::Store(StoreFault::Fails)),
        ("store-slow", Self::Store(StoreFault::Slow)),
        ("store-wrong-bytes", Self::Store(StoreFault::WrongBytes)),
        ("server-crash", Self::ServerCrash),
        ("standby", Self::Standby),
        ("standby-behind", Self::StandbyBehind),
        ("scheduler-killed", Self::SchedulerKilled),
        ("scheduler-frozen", Self::SchedulerFrozen),
        ("clocks", Self::Clock),
        ("other-version", Self::OtherVersion),
    ];

    /// In a directory a frozen scheduler keeps its file lock.
    pub(super) fn needs_store(self) -> bool {
        matches!(self, Self::WorkerWithoutStore | Self::Store(_) | Self::SchedulerFrozen)
    }

    /// Whether a process is frozen: it may send each host one request too late.
    pub(super) fn is_freeze(self) -> bool {
        matches!(self, Self::WorkerFrozen | Self::SchedulerFrozen)
    }

    pub(super) fn is_standby(self) -> bool {
        matches!(self, Self::Standby | Self::StandbyBehind)
    }
}

/// The failures that a night shall have.
pub(super) struct Plan {
    pub(super) kinds: Vec<(&'static str, Failure)>,
    /// How many there shall be of each kind.
    pub(super) incidents: usize,
    /// In a random order.
    pub(super) failures: Vec<Failure>,
}

impl Plan {
    /// The kinds that `ONRESERVE_FAILURE_KINDS` names. Without it all that are possible and need no
    /// standby, for which the leases are long.
    pub(super) fn wanted(has_store: bool, has_other_program: bool, random: &mut Random) -> Self {
        let named = std::env::var("ONRESERVE_FAILURE_KINDS").ok();
        let named: Option<Vec<&str>> = named.as_ref().map(|named| named.split(',').collect());
        let is_known = |name: &str| Failure::ALL.iter().any(|(known, _)| *known == name);
        assert_eq!(named.iter().flatten().find(|name| !is_known(name)), None, "there is no such kind");
        let is_wanted = |name, failure: Failure| match &named {
            Some(named) => named.contains(&name),
            None => !failure.is_standby(),
        };
        let is_possible = |failure: Failure| match failure {
            Failure::OtherVersion => has_other_program,
            _ => has_store || !failure.needs_store(),
        };
        let kinds: Vec<_> = Failure::ALL
            .into_iter()
            .filter(|(name, failure)| is_wanted(name, *failure) && is_possible(*failure))
            .collect();
        let incidents = setting("ONRESERVE_FAILURE_INCIDENTS", 1);
        let all = kinds.iter().map(|(_, failure)| *failure);
        let mut all: Vec<_> = all.cycle().take(incidents * kinds.len()).collect();
        let mut failures = Vec::new();
        while !all.is_empty() && failures.len() < links().div_ceil(LINKS_OF_A_FAILURE) {
            failures.push(all.swap_remove(random.below(all.len())));
        }
        Self { kinds, incidents, failures }
    }
}
