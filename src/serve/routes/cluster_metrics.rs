//! Metrics of the night in progress and of the processes that share a catalogue.

use std::fmt::Write as _;

use crate::serve::error::Error;
use crate::serve::routes::metric_text::{counter, family, gauge, label};
use crate::serve::service_status::NightActivity;
use crate::world::catalogue::{Catalogue, ClusterFigures};
use crate::world::clock::Clock;

/// Which series are shown. The names of hosts tell what restricted courses read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum SeriesLabels {
    All,
    /// Only those without the name of a process or a host.
    Public,
}

/// The night that the scheduler runs.
pub(in crate::serve) async fn night(catalogue: &Catalogue) -> Result<Option<NightActivity>, Error> {
    if !catalogue.can_have_workers() {
        return Ok(None);
    }
    Ok(catalogue.activity::<Option<NightActivity>>().await?.flatten())
}

pub(in crate::serve) fn links_left(night: Option<&NightActivity>, text: &mut String) {
    let left = night.map_or(0, NightActivity::links_left) as u64;
    let help = "Links that the night in progress has not visited; 0 without a night.";
    gauge(text, "onreserve_night_links_left", help, left);
}

/// Nothing for a catalogue that only one process can use.
pub(in crate::serve) async fn processes(
    catalogue: &Catalogue,
    clock: Clock,
    labels: SeriesLabels,
    text: &mut String,
) -> Result<(), Error> {
    let Some(figures) = catalogue.cluster_figures(clock).await? else { return Ok(()) };
    shards(&figures, text);
    let help = "Requests of all processes to all hosts.";
    counter(text, "onreserve_requests_total", help, figures.requests);
    if labels == SeriesLabels::All {
        named(&figures, text);
    }
    Ok(())
}

fn shards(figures: &ClusterFigures, text: &mut String) {
    let name = "onreserve_shards";
    family(text, name, "gauge", "Shards of the night in progress by state.");
    let shards = figures.shards;
    for (state, count) in [("done", shards.done), ("leased", shards.leased), ("waiting", shards.waiting)] {
        let _ = writeln!(text, "{name}{{state=\"{state}\"}} {count}");
    }
    let help = "Time since the oldest shard that is not done was offered to the workers; 0 without one.";
    gauge(text, "onreserve_shards_oldest_unfinished_seconds", help, figures.oldest_unfinished);
    let help = "Shards that were leased again because their worker was lost.";
    counter(text, "onreserve_shard_leases_lost_total", help, figures.lost_leases);
}

/// The series with names: one for each process with a lease, and for the busiest hosts.
fn named(figures: &ClusterFigures, text: &mut String) {
    let name = "onreserve_process_lease_seconds";
    family(text, name, "gauge", "Time until the lease of a process is over unless it is renewed.");
    let labels: Vec<String> = figures
        .processes
        .iter()
        .map(|process| format!("process=\"{}\",role=\"{}\"", label(&process.name), label(&process.role)))
        .collect();
    for (process, labels) in figures.processes.iter().zip(&labels) {
        let _ = writeln!(text, "{name}{{{labels}}} {}", process.lease);
    }
    let name = "onreserve_process_shards";
    family(text, name, "gauge", "Shards that a process has leased.");
    for (process, labels) in figures.processes.iter().zip(&labels) {
        let _ = writeln!(text, "{name}{{{labels}}} {}", process.shards);
    }
    let name = "onreserve_host_requests_total";
    family(text, name, "counter", "Requests of all processes to the ten hosts with the most.");
    for busy in &figures.busiest {
        let _ = writeln!(text, "{name}{{host=\"{}\"}} {}", label(&busy.host), busy.requests);
    }
}
