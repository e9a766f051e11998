//! How long a night takes at least. The pauses between two requests to one host bound it,
//! on any machine.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::domain::address::Address;
use crate::domain::policy::rota::{self, CrawlBudgets, VisitPriority};

/// How fast a night may be.
#[derive(Clone, Debug, Default)]
pub struct NightPace {
    /// The pause between two requests to one host.
    pub pause: Duration,
    /// The hosts with a pause of their own.
    pub by_host: Vec<(String, Duration)>,
    pub hosts_at_once: usize,
    /// How many links of a host a night visits at most.
    pub budgets: CrawlBudgets,
}

impl NightPace {
    fn of_host(&self, host: &str) -> Duration {
        let own = self.by_host.iter().find(|(named, _)| named == host);
        own.map_or(self.pause, |(_, pause)| *pause)
    }
}

/// The part of bulk interfaces in a night.
#[derive(Clone, Debug, Default)]
pub struct ListedLinks {
    /// The links whose visits lists replace if they have not changed.
    pub links: HashSet<Address>,
    /// How many lists the night requests, by the host of the interface.
    pub lists: BTreeMap<String, usize>,
}

/// The links of one host, which are visited one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLoad {
    pub host: String,
    /// The links that a night visits.
    pub links: usize,
    /// Those and the ones that wait for a later night.
    pub all_links: usize,
    /// More links, whose visits lists replace.
    pub listed: usize,
    /// The lists that a night requests from this host.
    pub lists: usize,
    /// Each link is visited at least once in so many nights.
    pub interval: u32,
    /// The pause between two requests.
    pub pause: Duration,
    /// The least time that a night needs for it: one request for each link and each list, with
    /// its pause.
    pub time: Duration,
}

impl HostLoad {
    /// `priorities` are those of the links that no list keeps from being visited.
    fn new(host: &str, priorities: &[VisitPriority], pace: &NightPace) -> Self {
        let (budget, all_links) = (pace.budgets.of_host(host), priorities.len());
        let load = Self {
            host: host.to_owned(),
            links: 0,
            all_links,
            listed: 0,
            lists: 0,
            interval: budget.map_or(1, |budget| rota::interval(priorities.iter().copied(), budget)),
            pause: pace.of_host(host),
            time: Duration::ZERO,
        };
        load.with_links(budget.map_or(all_links, |budget| all_links.min(budget.get() as usize)))
    }

    /// The same host with so many links that a night visits.
    fn with_links(self, links: usize) -> Self {
        let requests = u32::try_from(links + self.lists).unwrap_or(u32::MAX);
        let time = self.pause.saturating_mul(requests);
        Self { links, time, ..self }
    }

    /// The same host with so many more links whose visits lists replace, and so many lists.
    fn with_lists(self, listed: usize, lists: usize) -> Self {
        let links = self.links;
        Self { listed, lists, ..self }.with_links(links)
    }
}

/// The links that a running night has not visited yet.
#[derive(Clone, Debug, Default)]
pub struct RemainingVisits {
    by_host: HashMap<String, HostLoad>,
}

impl RemainingVisits {
    pub fn new(plan: NightPlan) -> Self {
        Self { by_host: plan.hosts.into_iter().map(|load| (load.host.clone(), load)).collect() }
    }

    /// Counts a link as visited.
    pub fn remove(&mut self, link: &Address) {
        if link.file_path().is_none()
            && let Some(load) = self.by_host.get_mut(link.host())
        {
            *load = load.clone().with_links(load.links.saturating_sub(1));
        }
    }

    /// The host that takes longest from now on.
    pub fn slowest(&self) -> Option<&HostLoad> {
        let left = self.by_host.values().filter(|load| load.links > 0);
        left.max_by(|a, b| a.time.cmp(&b.time).then_with(|| b.host.cmp(&a.host)))
    }
}

/// What decides when a night ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NightBound {
    /// The slowest host.
    Host,
    /// The number of hosts that are visited at the same time.
    HostsAtOnce,
}

/// The hosts of a night.
#[derive(Clone, Debug)]
pub struct NightPlan {
    /// The slowest first.
    pub hosts: Vec<HostLoad>,
    pub hosts_at_once: usize,
}

impl NightPlan {
    /// Equal links of several courses are visited once, with the highest of their priorities.
    pub fn new<'a>(
        links: impl Iterator<Item = (&'a Address, VisitPriority)>,
        listed: &'a ListedLinks,
        pace: &NightPace,
    ) -> Self {
        let mut unique: HashMap<&Address, VisitPriority> = HashMap::new();
        for (link, priority) in links.filter(|(link, _)| link.file_path().is_none()) {
            unique.entry(link).and_modify(|known| *known = priority.min(*known)).or_insert(priority);
        }
        // The priorities of the links to visit, and the number of the others.
        let mut by_host: HashMap<&str, (Vec<VisitPriority>, usize)> = HashMap::new();
        for (link, priority) in unique {
            let (visited, in_lists) = by_host.entry(link.host()).or_default();
            if listed.links.contains(link) {
                *in_lists += 1;
            } else {
                visited.push(priority);
            }
        }
        for host in listed.lists.keys() {
            by_host.entry(host).or_default();
        }
        let load = |(host, (visited, in_lists)): (&str, (Vec<VisitPriority>, usize))| {
            let lists = listed.lists.get(host).copied().unwrap_or(0);
            HostLoad::new(host, &visited, pace).with_lists(in_lists, lists)
        };
        let mut hosts: Vec<HostLoad> = by_host.into_iter().map(load).collect();
        hosts.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.host.cmp(&b.host)));
        Self { hosts, hosts_at_once: pace.hosts_at_once.max(1) }
    }

    /// The links that a night visits.
    pub fn links(&self) -> usize {
        self.hosts.iter().map(|load| load.links).sum()
    }

    pub fn all_links(&self) -> usize {
        self.hosts.iter().map(|load| load.all_links).sum()
    }

    /// More links, whose visits lists replace.
    pub fn listed(&self) -> usize {
        self.hosts.iter().map(|load| load.listed).sum()
    }

    /// How often the links of the hosts are visited that are not visited every night.
    pub fn intervals(&self) -> impl Iterator<Item = (&str, u32)> {
        self.hosts.iter().filter(|load| load.interval > 1).map(|load| (load.host.as_str(), load.interval))
    }

    /// The least length of a night, and what bounds it; `None` without links.
    pub fn length(&self) -> Option<(Duration, NightBound)> {
        let slowest = self.hosts.first()?.time;
        let total = self.hosts.iter().fold(Duration::ZERO, |sum, load| sum.saturating_add(load.time));
        let shared = total / u32::try_from(self.hosts_at_once).unwrap_or(u32::MAX);
        Some(if shared > slowest { (shared, NightBound::HostsAtOnce) } else { (slowest, NightBound::Host) })
    }

    /// The hosts that alone take longer than this.
    pub fn longer_than(&self, time: Duration) -> impl Iterator<Item = &HostLoad> {
        self.hosts.iter().take_while(move |load| load.time > time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(counts: &[usize], hosts_at_once: usize) -> NightPlan {
        plan_with(counts, hosts_at_once, &ListedLinks::default())
    }

    fn plan_with(counts: &[usize], hosts_at_once: usize, listed: &ListedLinks) -> NightPlan {
        let links: Vec<Address> = counts
            .iter()
            .enumerate()
            .flat_map(|(host, count)| (0..*count).map(move |link| format!("https://h{host}.example/{link}")))
            .map(|text| Address::parse(&text).unwrap())
            .collect();
        let pace = NightPace {
            pause: Duration::from_secs(2),
            by_host: vec![("h1.example".to_owned(), Duration::from_secs(3))],
            hosts_at_once,
            budgets: CrawlBudgets {
                each_host: None,
                by_host: vec![("h2.example".to_owned(), std::num::NonZeroU32::new(6).unwrap())],
            },
        };
        let routine = |link| (link, VisitPriority::Routine);
        NightPlan::new(links.iter().chain(&links).map(routine), listed, &pace)
    }

    #[test]
    fn the_slowest_host_bounds_a_night_unless_there_are_many_hosts() {
        let few = plan(&[10, 9, 1], 64);
        assert_eq!((few.hosts[0].host.as_str(), few.links()), ("h1.example", 20));
        assert_eq!(few.length(), Some((Duration::from_secs(27), NightBound::Host)));
        assert_eq!(few.longer_than(Duration::from_secs(20)).count(), 1);
        let many = plan(&[1; 100], 4);
        assert_eq!(many.length().unwrap().1, NightBound::HostsAtOnce);
        assert_eq!(plan(&[], 4).length(), None);
    }

    #[test]
    fn a_crawl_budget_bounds_the_time_of_a_host() {
        let plan = plan(&[1, 1, 20], 64);
        assert_eq!((plan.links(), plan.all_links()), (8, 22));
        assert_eq!(plan.length(), Some((Duration::from_secs(12), NightBound::Host)));
        assert_eq!(plan.intervals().collect::<Vec<_>>(), [("h2.example", 4)]);
    }

    #[test]
    fn lists_replace_visits_and_take_the_time_of_their_own_requests() {
        let links = [("h1.example", 0..7), ("h2.example", 0..9)].into_iter();
        let links = links.flat_map(|(host, links)| links.map(move |link| format!("https://{host}/{link}")));
        let listed = ListedLinks {
            links: links.map(|text| Address::parse(&text).unwrap()).collect(),
            lists: [("api.example".to_owned(), 2), ("h0.example".to_owned(), 1)].into(),
        };
        let plan = plan_with(&[1, 9, 20], 64, &listed);
        assert_eq!((plan.links(), plan.all_links(), plan.listed()), (9, 14, 16));
        let of =
            |load: &HostLoad| (load.host.clone(), load.links, load.listed, load.lists, load.time.as_secs());
        let expected = [
            ("h2.example", 6, 9, 0, 12),
            ("h1.example", 2, 7, 0, 6),
            ("api.example", 0, 0, 2, 4),
            ("h0.example", 1, 0, 1, 4),
        ];
        let expected =
            expected.map(|(host, links, listed, lists, time)| (host.to_owned(), links, listed, lists, time));
        assert_eq!(plan.hosts.iter().map(of).collect::<Vec<_>>(), expected);
        assert_eq!(plan.intervals().collect::<Vec<_>>(), [("h2.example", 2)], "for 11 links");
    }

    #[test]
    fn the_slowest_host_changes_as_links_are_visited() {
        let mut left = RemainingVisits::new(plan(&[4, 3], 64));
        let of = |left: &RemainingVisits| left.slowest().map(|load| (load.host.clone(), load.links));
        assert_eq!(of(&left), Some(("h1.example".to_owned(), 3)));
        left.remove(&Address::parse("https://h1.example/0").unwrap());
        assert_eq!(of(&left), Some(("h0.example".to_owned(), 4)));
        for link in 0..9 {
            left.remove(&Address::parse(&format!("https://h0.example/{link}")).unwrap());
            left.remove(&Address::parse(&format!("https://h1.example/{link}")).unwrap());
        }
        assert_eq!(of(&left), None);
    }

    proptest! {
        /// With the slowest host first, no night takes longer than the sum of both bounds.
        #[test]
        fn the_length_is_at_most_half_of_what_a_night_takes(
            counts in prop::collection::vec(1..40_usize, 1..30), hosts_at_once in 1..8_usize,
        ) {
            let plan = plan(&counts, hosts_at_once);
            let mut ends = vec![Duration::ZERO; hosts_at_once];
            for load in &plan.hosts {
                let first = ends.iter_mut().min().unwrap();
                *first += load.time;
            }
            let (length, _) = plan.length().unwrap();
            let takes = ends.into_iter().max().unwrap();
            prop_assert!(length <= takes + Duration::from_millis(1) && takes <= length * 2);
        }
    }
}
