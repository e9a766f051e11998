//! The links that a night visits: all, or of a host with a crawl budget those whose turn it
//! is. `domain::policy::rota` decides.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::course::Course;
use crate::domain::evidence::probe::CheckedLink;
use crate::domain::policy::rota::{self, RotaLink};
use crate::domain::verdict::visit_priority;
use crate::night::pages::{self, LINKS_AT_ONCE, Reading};
use crate::night::record::RunningNight;
use crate::world::World;

/// Which links a night visits.
#[derive(Clone, Copy, Debug)]
pub enum NightScope<'a> {
    /// All links, whatever the crawl budgets are.
    AllLinks,
    /// As many links of each host as its crawl budget allows. These other courses have a night
    /// soon before or after this one, and share the budgets.
    WithinBudgets { beside: &'a [Course] },
    /// All links, because a person requested the night. Later nights take turns again.
    Requested { beside: &'a [Course] },
}

/// The turns of tonight. By default every link is visited.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    waiting: HashSet<Address>,
    /// The place of each link among those of its host, the most urgent first.
    places: HashMap<Address, usize>,
    /// Within how many nights each link of a host is visited, for hosts with a crawl budget.
    intervals: HashMap<String, u32>,
}

impl Turns {
    /// Whether the link waits for a later night.
    pub(super) fn is_waiting(&self, link: &Address) -> bool {
        self.waiting.contains(link)
    }

    /// Puts the most urgent links of each host with a crawl budget first: a host may stop us, and
    /// a night may be interrupted.
    pub(super) fn sort(&self, links: &mut [CheckedLink]) {
        links.sort_by_key(|link| self.places.get(&link.address).copied());
    }

    /// Within how many nights the link is visited; `None` if it is visited every night.
    pub(super) fn interval(&self, link: &Address) -> Option<u32> {
        let interval = *self.intervals.get(link.host())?;
        (interval > 1 || self.is_waiting(link)).then_some(interval)
    }
}

/// Decides which links of these readings are visited tonight.
pub(super) async fn turns(
    readings: &[Reading],
    scope: NightScope<'_>,
    night: &RunningNight,
    world: &World,
) -> anyhow::Result<Turns> {
    let (beside, takes_turns) = match scope {
        NightScope::AllLinks => return Ok(Turns::default()),
        NightScope::WithinBudgets { beside } => (beside, true),
        NightScope::Requested { beside } => (beside, false),
    };
    if world.crawl_budgets.is_empty() {
        return Ok(Turns::default());
    }
    let beside = pages::remembered(beside, world).await?;
    let due_soon: HashSet<Address> =
        readings.iter().chain(&beside).flat_map(|reading| due_soon(reading, night.row.started)).collect();
    let visited = world.catalogue.visited(night.row.id).await?;
    let of_tonight: HashSet<Address> = addresses(readings).collect();
    let mut by_host: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    let beside = addresses(&beside).filter(|link| !of_tonight.contains(link)).collect::<HashSet<_>>();
    let is_listed = |link: &Address| visited.get(link).is_some_and(|evidence| evidence.is_listed);
    let needs_request = |link: &Address| link.file_path().is_none() && !is_listed(link);
    for link in of_tonight.iter().cloned().chain(beside).filter(needs_request) {
        by_host.entry(link.host().to_owned()).or_default().push(link);
    }
    let mut turns = Turns::default();
    for (host, links) in by_host {
        let Some(budget) = world.crawl_budgets.of_host(&host) else { continue };
        let known = known(&links, &due_soon, |link| visited.contains_key(link), world).await?;
        let rota = rota::rota(&known, budget);
        turns.intervals.insert(host, rota.interval);
        if !takes_turns {
            continue;
        }
        let is_turn: HashSet<&Address> = rota.visited.iter().copied().collect();
        let waits = |link: &&Address| {
            of_tonight.contains(link) && !is_turn.contains(link) && !visited.contains_key(link)
        };
        turns.waiting.extend(links.iter().filter(waits).cloned());
        turns.places.extend(rota.visited.into_iter().cloned().zip(0..));
    }
    Ok(turns)
}

fn addresses(readings: &[Reading]) -> impl Iterator<Item = Address> {
    pages::links(readings).into_iter().map(|link| link.address)
}

/// The links of a course that the class needs within days.
fn due_soon(reading: &Reading, started: Timestamp) -> impl Iterator<Item = Address> {
    let today = pages::local_day(started, &reading.course.time_zone);
    let mentions = reading.pages.iter().flat_map(|(_, page)| &page.mentions);
    let due_soon =
        mentions.filter(move |mention| mention.due.is_some_and(|due| rota::is_due_soon(due, today)));
    due_soon.filter_map(|mention| mention.address().cloned())
}

/// The links with their priorities and visits. `is_visited` are visits of this night, which
/// was interrupted.
async fn known<'a>(
    links: &'a [Address],
    due_soon: &HashSet<Address>,
    is_visited: impl Fn(&Address) -> bool,
    world: &World,
) -> anyhow::Result<Vec<RotaLink<'a>>> {
    let now = world.clock.now();
    let mut known = Vec::with_capacity(links.len());
    for links in links.chunks(LINKS_AT_ONCE) {
        let mut records = world.catalogue.link_records(links).await?;
        for link in links {
            let record = records.remove(link).unwrap_or_default();
            let priority = visit_priority::by_history(
                &record.history,
                record.verdict.as_ref(),
                due_soon.contains(link),
                now,
            );
            let visits = visit_priority::visits(&record.history.evidence);
            let tonight = is_visited(link).then_some(now);
            known.push(RotaLink::new(link, priority, visits.chain(tonight), now));
        }
    }
    Ok(known)
}
