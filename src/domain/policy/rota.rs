//! The rota of a host with a crawl budget: which of its links are visited tonight, and
//! within how many nights each of them is.
//!
//! Links of each priority share a part of the budget, and those whose last visit is longest
//! ago come first. No priority is left without a part, so no link waits for ever.

use std::num::NonZeroU32;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::domain::address::Address;
use crate::domain::schedule::NIGHT_APART;

/// A link that is due within so many days is visited before others.
const DUE_SOON_DAYS: i32 = 7;

/// The most links of a host that are visited in one night.
pub type CrawlBudget = NonZeroU32;

/// The crawl budgets of all hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrawlBudgets {
    /// The budget of each host without its own; `None` to visit all links every night.
    pub each_host: Option<CrawlBudget>,
    /// The hosts with a budget of their own, in lower case.
    pub by_host: Vec<(String, CrawlBudget)>,
}

impl CrawlBudgets {
    pub fn of_host(&self, host: &str) -> Option<CrawlBudget> {
        let own = self.by_host.iter().find(|(named, _)| named == host).map(|(_, budget)| *budget);
        own.or(self.each_host)
    }

    /// Whether no host has a budget.
    pub fn is_empty(&self) -> bool {
        self.each_host.is_none() && self.by_host.is_empty()
    }
}

/// How urgent a visit is; the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VisitPriority {
    /// It fails, or more visits must confirm what the last one found, or its state is recent.
    Unconfirmed,
    /// The class needs it within days.
    DueSoon,
    /// It was never visited, or the first visits gave no copy.
    New,
    Routine,
}

impl VisitPriority {
    pub const ALL: [Self; 4] = [Self::Unconfirmed, Self::DueSoon, Self::New, Self::Routine];
}

/// Whether a link that is due on this day is due soon.
pub fn is_due_soon(due: Date, today: Date) -> bool {
    (0..=DUE_SOON_DAYS).contains(&(due - today).get_days())
}

/// A link of the host, as far as its turn depends on it.
#[derive(Clone, Copy, Debug)]
pub struct RotaLink<'a> {
    pub link: &'a Address,
    pub priority: VisitPriority,
    /// `None` if no valid night visited it.
    pub last_visit: Option<Timestamp>,
    /// Its visits of tonight, which have used a part of the budget.
    pub visits_tonight: u32,
}

impl<'a> RotaLink<'a> {
    /// A link with these visits of valid nights, oldest first.
    pub fn new(
        link: &'a Address,
        priority: VisitPriority,
        visits: impl Iterator<Item = Timestamp>,
        now: Timestamp,
    ) -> Self {
        let mut known = Self { link, priority, last_visit: None, visits_tonight: 0 };
        for at in visits {
            let age = now.duration_since(at);
            // A visit in the future ran under a wrong clock.
            known.last_visit = Some(at).filter(|_| age > -NIGHT_APART);
            known.visits_tonight += u32::from(is_tonight(age));
        }
        known
    }
}

/// A visit so near belongs to the same night.
fn is_tonight(age: SignedDuration) -> bool {
    age.abs() < NIGHT_APART
}

/// The links of a host that are visited now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rota<'a> {
    /// The most urgent first.
    pub visited: Vec<&'a Address>,
    /// Each link of the host is visited at least once in so many nights, while its links and
    /// their priorities stay as they are.
    pub interval: u32,
}

/// Chooses the links that are visited now. The order of `links` does not matter.
pub fn rota<'a>(links: &[RotaLink<'a>], budget: CrawlBudget) -> Rota<'a> {
    let used: usize = links.iter().map(|link| link.visits_tonight as usize).sum();
    let mut left = (budget.get() as usize).saturating_sub(used);
    let mut waiting: Vec<&RotaLink> = links.iter().filter(|link| link.visits_tonight == 0).collect();
    waiting.sort_by_key(|link| turn(link));
    let shares = Shares::new(&count(waiting.iter().map(|link| link.priority)), left);
    let mut visited: Vec<&RotaLink> = Vec::new();
    if shares.is_common {
        visited.extend(waiting.iter().take(left));
    } else {
        for (priority, share) in VisitPriority::ALL.into_iter().zip(shares.of_priorities) {
            visited.extend(waiting.iter().filter(|link| link.priority == priority).take(share));
        }
    }
    left -= visited.len();
    // What the budget still allows goes to a second visit, as without a budget.
    let mut again: Vec<&RotaLink> = links.iter().filter(|link| link.visits_tonight > 0).collect();
    again.sort_by_key(|link| turn(link));
    visited.extend(again.into_iter().take(left));
    visited.sort_by_key(|link| (link.priority, turn(link)));
    Rota {
        visited: visited.into_iter().map(|link| link.link).collect(),
        interval: interval(links.iter().map(|link| link.priority), budget),
    }
}

/// Within how many nights each link of a host is visited, by the priorities of its links.
pub fn interval(priorities: impl Iterator<Item = VisitPriority>, budget: CrawlBudget) -> u32 {
    let counts = count(priorities);
    let budget = budget.get() as usize;
    let shares = Shares::new(&counts, budget);
    let nights = if shares.is_common {
        counts.iter().sum::<usize>().div_ceil(budget)
    } else {
        let of_priorities = counts.iter().zip(shares.of_priorities).filter(|(count, _)| **count > 0);
        of_priorities.map(|(count, share)| count.div_ceil(share.max(1))).max().unwrap_or(1)
    };
    u32::try_from(nights.max(1)).unwrap_or(u32::MAX)
}

/// The link whose last visit is longest ago comes first.
fn turn<'a>(link: &RotaLink<'a>) -> (Option<Timestamp>, &'a Address) {
    (link.last_visit, link.link)
}

type PriorityCounts = [usize; VisitPriority::ALL.len()];

fn count(priorities: impl Iterator<Item = VisitPriority>) -> PriorityCounts {
    let mut counts = PriorityCounts::default();
    for priority in priorities {
        counts[priority as usize] += 1;
    }
    counts
}

/// How the links of each priority share a budget.
struct Shares {
    of_priorities: PriorityCounts,
    /// The budget is too small to be divided: all links have one share.
    is_common: bool,
}

impl Shares {
    /// Less urgent links get at least this part of the budget, if they need it.
    const LEAST_PART: usize = 10;

    fn new(counts: &PriorityCounts, budget: usize) -> Self {
        let mut left = budget;
        let least = (budget / Self::LEAST_PART).max(1);
        let is_common = budget < counts.len();
        let mut of_priorities = PriorityCounts::default();
        for (nth, count) in counts.iter().enumerate() {
            let reserved: usize = counts[nth + 1..].iter().map(|later| least.min(*later)).sum();
            of_priorities[nth] = left.saturating_sub(reserved).min(*count);
            left -= of_priorities[nth];
        }
        Self { of_priorities, is_common }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::ToSpan as _;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn address(n: usize) -> Address {
        Address::parse(&format!("https://host.example/{n:03}")).unwrap()
    }

    fn night(n: usize) -> Timestamp {
        Timestamp::UNIX_EPOCH + (i64::try_from(n).unwrap() * 24).hours()
    }

    /// A host over many nights. A link that is new is visited as a matter of routine afterwards.
    struct Host {
        links: Vec<(Address, VisitPriority, Vec<Timestamp>)>,
    }

    impl Host {
        fn new(priorities: &[VisitPriority]) -> Self {
            let link = |(n, priority): (usize, &VisitPriority)| (address(n), *priority, Vec::new());
            Self { links: priorities.iter().enumerate().map(link).collect() }
        }

        /// The links that are visited at this time, and the interval.
        fn visit(&mut self, at: Timestamp, budget: u32) -> (Vec<Address>, u32) {
            let links: Vec<RotaLink> = self
                .links
                .iter()
                .map(|(link, priority, visits)| RotaLink::new(link, *priority, visits.iter().copied(), at))
                .collect();
            let Rota { visited, interval } = rota(&links, CrawlBudget::new(budget).unwrap());
            let visited: Vec<Address> = visited.into_iter().cloned().collect();
            for (link, priority, visits) in &mut self.links {
                if visited.contains(link) {
                    visits.push(at);
                    if *priority == VisitPriority::New {
                        *priority = VisitPriority::Routine;
                    }
                }
            }
            (visited, interval)
        }
    }

    fn priorities() -> impl Strategy<Value = Vec<VisitPriority>> {
        prop::collection::vec(prop::sample::select(VisitPriority::ALL.to_vec()), 1..80)
    }

    #[test]
    fn a_budget_for_all_links_visits_all() {
        let mut host = Host::new(&[VisitPriority::Routine; 5]);
        assert_eq!(host.visit(night(1), 5).0.len(), 5);
        assert_eq!(host.visit(night(2), 9), ((0..5).map(address).collect(), 1));
    }

    #[test]
    fn urgent_links_are_visited_every_night_and_the_others_in_turn() {
        let mut of = vec![VisitPriority::Unconfirmed; 2];
        of.extend([VisitPriority::Routine; 12]);
        let mut host = Host::new(&of);
        for n in 1..=6 {
            let (visited, interval) = host.visit(night(n), 5);
            assert_eq!(interval, 4);
            assert_eq!(visited[..2], [address(0), address(1)]);
            assert_eq!(visited.len(), 5);
        }
        let visits: Vec<usize> = host.links[2..].iter().map(|(_, _, visits)| visits.len()).collect();
        assert_eq!(visits, [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_part_of_the_budget_is_kept_for_links_that_are_not_urgent() {
        let mut of = vec![VisitPriority::Unconfirmed; 500];
        of.extend([VisitPriority::Routine; 50]);
        let (visited, interval) = Host::new(&of).visit(night(1), 100);
        assert_eq!(visited.iter().filter(|link| **link >= address(500)).count(), 10);
        assert_eq!((visited.len(), interval), (100, 6));
    }

    #[test]
    fn several_runs_of_one_night_share_the_budget() {
        let mut host = Host::new(&[VisitPriority::Routine; 8]);
        assert_eq!(host.visit(night(1), 6).0.len(), 6);
        let later = night(1) + 15.minutes();
        assert_eq!(host.visit(later, 6).0, [] as [Address; 0]);
        assert_eq!(host.visit(later, 9).0[..2], [address(6), address(7)]);
        assert_eq!(host.visit(night(2), 6).0.len(), 6);
    }

    #[test]
    fn a_visit_under_a_clock_that_was_ahead_does_not_delay_the_next() {
        let link = address(0);
        let of = |days| RotaLink::new(&link, VisitPriority::Routine, [night(days)].into_iter(), night(10));
        assert_eq!(of(400).last_visit, None);
        assert_eq!((of(9).last_visit, of(9).visits_tonight), (Some(night(9)), 0));
        assert_eq!(of(10).visits_tonight, 1);
    }

    #[test]
    fn a_week_ahead_is_soon() {
        let today = date(2026, 9, 14);
        for (due, is_soon) in [
            (date(2026, 9, 13), false),
            (date(2026, 9, 14), true),
            (date(2026, 9, 21), true),
            (date(2026, 9, 22), false),
        ] {
            assert_eq!(is_due_soon(due, today), is_soon, "{due}");
        }
    }

    proptest! {
        #[test]
        fn no_night_exceeds_the_budget_and_no_link_waits_longer_than_the_interval(
            of in priorities(), budget in 1..40_u32,
        ) {
            const NIGHTS: usize = 60;
            let mut host = Host::new(&of);
            let mut intervals = Vec::new();
            for n in 0..NIGHTS {
                let (visited, interval) = host.visit(night(n), budget);
                prop_assert_eq!(visited.len(), of.len().min(budget as usize), "no budget is left unused");
                intervals.push(interval as usize);
            }
            for (link, _, visits) in &host.links {
                let nights = visits.iter().map(|at| usize::try_from(at.as_second() / 86_400).unwrap());
                let mut waits_since = 0;
                for visit in nights.chain([NIGHTS]) {
                    let longest = intervals[waits_since..visit].iter().max().copied().unwrap_or(1);
                    prop_assert!(visit - waits_since <= longest, "{} {} {}", link, waits_since, visit);
                    waits_since = visit;
                }
            }
        }

        #[test]
        fn the_order_of_links_does_not_matter(
            (sorted, mixed) in prop::collection::vec(
                (prop::sample::select(VisitPriority::ALL.to_vec()), prop::option::of(0..9_usize)), 1..40,
            )
            .prop_flat_map(|links| {
                let numbered: Vec<_> = links.into_iter().enumerate().collect();
                (Just(numbered.clone()), Just(numbered).prop_shuffle())
            }),
            budget in 1..20_u32,
        ) {
            let addresses: BTreeMap<usize, Address> = (0..40).map(|n| (n, address(n))).collect();
            let of = |links: &[(usize, (VisitPriority, Option<usize>))]| {
                let links: Vec<RotaLink> = links
                    .iter()
                    .map(|(n, (priority, visit))| {
                        RotaLink::new(&addresses[n], *priority, visit.map(night).into_iter(), night(9))
                    })
                    .collect();
                rota(&links, CrawlBudget::new(budget).unwrap())
            };
            prop_assert_eq!(of(&sorted), of(&mixed));
            prop_assert_eq!(of(&sorted), of(&sorted));
        }
    }
}
