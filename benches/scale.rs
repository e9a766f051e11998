//! A night of many links on many hosts, simulated with the program's own shards, crawl budgets
//! and leases: how long politeness makes it, with how many workers, and what it stores.
//!
//!     cargo bench --bench scale            # up to 50 million links of 2 million hosts
//!
//! Nothing is requested. A host gets one request in each pause; a worker leases as many shards
//! as it visits hosts at once, and visits as many hosts of each shard. Processors, memory and
//! rows are computed from what a link needs on one machine (docs/scale.md).

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::expect_used, reason = "a failed bench may panic")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use onreserve::domain::address::Address;
use onreserve::domain::policy::shard::{SHARDS, Shard};

/// The measured part of the links at the three hosts with the most (GitHub, arXiv and `YouTube`).
const LARGEST: [f64; 3] = [0.115, 0.07, 0.055];
/// The exponent of Zipf's law for the others.
const EXPONENT: f64 = 0.9;
/// The pause between two requests to a host, in seconds.
const PAUSE: u64 = 2;
/// What a night may take, in seconds; from it each host has its crawl budget.
const NIGHT: u64 = 8 * 3600;
/// Hosts that a worker visits at once, of one shard; and shards.
const AT_ONCE: usize = 64;
const WORKERS: [usize; 4] = [1, 4, 16, 64];

/// The time of a processor for one visit, in seconds: of a worker and of `PostgreSQL`, in a first
/// night and in an unchanged one.
const FIRST: (f64, f64) = (0.0018, 0.0030);
const UNCHANGED: (f64, f64) = (0.0004, 0.0009);
/// What a scheduler holds for each link of a night, in bytes.
const SCHEDULER: f64 = 5.5 * 1024.0;
/// What a worker holds for each link of its shards, in bytes.
const LEASED: f64 = 350.0;
/// What the catalogue has of each link after 100 and after 1,000 nights, in bytes
/// (`cargo bench --bench catalogue`).
const STORED: (f64, f64) = (12.6 * 1024.0, 32.5 * 1024.0);

/// The links of each host; the hosts with the most come first.
fn hosts(links: u64, count: usize) -> Vec<u64> {
    let rest = links as f64 * (1.0 - LARGEST.iter().sum::<f64>());
    let weight = |rank: usize| (rank as f64).powf(-EXPONENT);
    let total: f64 = (1..=count).map(weight).sum();
    let largest = LARGEST.iter().map(|part| part * links as f64);
    let others = (1..=count).map(|rank| rest * weight(rank) / total);
    largest.chain(others).map(|links| whole(links).max(1)).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they are small and positive")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// The time until the last of these tasks ends, if so many run at once and each begins as soon as
/// another one ends.
fn makespan(tasks: impl IntoIterator<Item = u64>, at_once: usize) -> u64 {
    let mut running: BinaryHeap<Reverse<u64>> = (0..at_once).map(|_| Reverse(0)).collect();
    let mut last = 0;
    for task in tasks {
        let Reverse(free) = running.pop().expect("a place is always in the heap");
        running.push(Reverse(free + task));
        last = last.max(free + task);
    }
    last
}

struct Night {
    /// How long each shard takes a worker, in the order in which shards are leased.
    shards: Vec<u64>,
    visits: u64,
    /// The hosts whose links are not all visited in one night, and their links.
    over_budget: (usize, u64),
    /// The nights until the largest host was visited once.
    interval: u64,
}

fn simulate(links: u64, count: usize) -> Night {
    let hosts = hosts(links, count);
    let budget = NIGHT / PAUSE;
    let mut in_shard: Vec<Vec<u64>> = vec![Vec::new(); usize::from(SHARDS)];
    for (rank, links) in hosts.iter().enumerate() {
        let address = Address::parse(&format!("https://host{rank}.example/")).expect("it is an address");
        let shard = usize::try_from(Shard::of(&address).number()).expect("it is a small number");
        in_shard[shard].push((*links).min(budget) * PAUSE);
    }
    let over: Vec<u64> = hosts.iter().copied().filter(|links| *links > budget).collect();
    Night {
        shards: in_shard.into_iter().map(|hosts| makespan(hosts, AT_ONCE)).collect(),
        visits: hosts.iter().map(|links| (*links).min(budget)).sum(),
        over_budget: (over.len(), over.iter().sum()),
        interval: hosts[0].div_ceil(budget),
    }
}

fn main() {
    println!("links        hosts      visits       over budget           largest   hours with workers");
    println!("                                     hosts   links         in nights {WORKERS:>6?}");
    for (links, count) in [(500_000, 20_000), (5_000_000, 200_000), (50_000_000, 2_000_000)] {
        let night = simulate(links, count);
        let hours = WORKERS.map(|workers| {
            let seconds = makespan(night.shards.iter().copied(), workers * AT_ONCE);
            format!("{:.1}", seconds as f64 / 3600.0)
        });
        let (over, of_them) = night.over_budget;
        println!(
            "{links:>10} {count:>9} {:>10} {over:>8} {of_them:>10} {:>13}   {}",
            night.visits,
            night.interval,
            hours.join("  ")
        );
        let visits = night.visits as f64;
        for (name, (worker, server)) in [("first", FIRST), ("unchanged", UNCHANGED)] {
            println!(
                "    {name}: processors {:.1} h of workers, {:.1} h of PostgreSQL; {:.0} visits a second in 8 h",
                visits * worker / 3600.0,
                visits * server / 3600.0,
                visits / NIGHT as f64
            );
        }
        println!(
            "    catalogue: {:.0} GiB after 100 nights, {:.0} GiB after 1,000, and the reports",
            links as f64 * STORED.0 / f64::from(1 << 30),
            links as f64 * STORED.1 / f64::from(1 << 30)
        );
        println!(
            "    memory: scheduler {:.1} GiB; each of 16 workers {:.1} GiB",
            links as f64 * SCHEDULER / f64::from(1 << 30),
            links as f64 / f64::from(SHARDS) * AT_ONCE as f64 * LEASED / f64::from(1 << 30)
        );
    }
}
