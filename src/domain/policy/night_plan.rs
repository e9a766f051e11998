//! How long a night takes at least. The pauses between two requests to one host bound it,
//! on any machine.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::address::Address;

/// How fast a night may be.
#[derive(Clone, Debug, Default)]
pub struct NightPace {
    /// The pause between two requests to one host.
    pub pause: Duration,
    /// The hosts with a pause of their own.
    pub by_host: Vec<(String, Duration)>,
    pub hosts_at_once: usize,
}

impl NightPace {
    fn of_host(&self, host: &str) -> Duration {
        let own = self.by_host.iter().find(|(named, _)| named == host);
        own.map_or(self.pause, |(_, pause)| *pause)
    }
}

/// The links of one host, which are visited one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLoad {
    pub host: String,
    pub links: usize,
    /// The pause between two requests.
    pub pause: Duration,
    /// The least time that a night needs for it: one request for each link, with its pause.
    pub time: Duration,
}

impl HostLoad {
    fn new(host: &str, links: usize, pause: Duration) -> Self {
        let time = pause.saturating_mul(u32::try_from(links).unwrap_or(u32::MAX));
        Self { host: host.to_owned(), links, pause, time }
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
            *load = HostLoad::new(&load.host, load.links.saturating_sub(1), load.pause);
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
    /// Equal links of several courses are visited once.
    pub fn new<'a>(links: impl Iterator<Item = &'a Address>, pace: &NightPace) -> Self {
        let unique: HashSet<&Address> = links.filter(|link| link.file_path().is_none()).collect();
        let mut by_host: HashMap<&str, usize> = HashMap::new();
        for link in unique {
            *by_host.entry(link.host()).or_default() += 1;
        }
        let load = |(host, links): (&str, usize)| HostLoad::new(host, links, pace.of_host(host));
        let mut hosts: Vec<HostLoad> = by_host.into_iter().map(load).collect();
        hosts.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.host.cmp(&b.host)));
        Self { hosts, hosts_at_once: pace.hosts_at_once.max(1) }
    }

    pub fn links(&self) -> usize {
        self.hosts.iter().map(|load| load.links).sum()
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
        };
        NightPlan::new(links.iter().chain(&links), &pace)
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
