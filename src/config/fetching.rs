//! `[fetch]`: how requests are sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::bulk_interfaces::{self, BulkInterfaceKeys};
use super::diagnostics::TableDiagnostics;
use super::duration::DurationKey;
use crate::domain::address::Address;
use crate::domain::policy::rota::{CrawlBudget, CrawlBudgets};
use crate::world::fetch;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FetchKeys {
    contact: Option<String>,
    delay: Option<DurationKey>,
    delays: BTreeMap<String, DurationKey>,
    crawl_budget: Option<u32>,
    crawl_budgets: BTreeMap<String, u32>,
    allow_private_networks: bool,
    extra_ca: Option<PathBuf>,
    proxy: Option<String>,
    resolve: BTreeMap<String, SocketAddr>,
    sentinels: Vec<Address>,
    memento: Option<Address>,
    bulk_interfaces: BulkInterfaceKeys,
    hosts_at_once: Option<usize>,
    connect_timeout: Option<DurationKey>,
    page_timeout: Option<DurationKey>,
    document_timeout: Option<DurationKey>,
    max_document_mib: Option<u64>,
}

pub(super) fn settings(
    keys: FetchKeys,
    table: &mut TableDiagnostics,
    environment: impl Fn(&str) -> Option<String>,
) -> fetch::FetchSettings {
    let defaults = fetch::FetchSettings::default();
    let delay = keys.delay.map_or(defaults.delay, |DurationKey(delay)| delay);
    let limits = limits(&keys, table);
    let crawl_budgets = crawl_budgets(&keys, table);
    let mut host_delays: Vec<_> =
        keys.delays.into_iter().map(|(host, DurationKey(delay))| (host, delay)).collect();
    let interfaces =
        bulk_interfaces::settings(&keys.bulk_interfaces, &mut table.inside("bulk_interfaces"), environment);
    // The least pauses that web archives and interfaces ask programs to make.
    let gate = keys.memento.iter().map(|gate| (gate, Duration::from_secs(1)));
    let pauses =
        interfaces.iter().map(|(interface, access)| (&access.address, bulk_interfaces::pause(*interface)));
    for (address, pause) in gate.chain(pauses) {
        if !host_delays.iter().any(|(host, _)| host == address.host()) {
            host_delays.push((address.host().to_owned(), delay.max(pause)));
        }
    }
    fetch::FetchSettings {
        contact: keys.contact,
        delay,
        host_delays,
        crawl_budgets,
        allow_private_networks: keys.allow_private_networks,
        extra_ca: keys.extra_ca,
        proxy: keys.proxy,
        resolve: keys.resolve.into_iter().collect(),
        sentinels: keys.sentinels,
        timegate: keys.memento,
        bulk_interfaces: interfaces,
        limits,
    }
}

fn crawl_budgets(keys: &FetchKeys, table: &mut TableDiagnostics) -> CrawlBudgets {
    let mut budget = |key, of: &str, links| {
        let budget = CrawlBudget::new(links);
        if budget.is_none() {
            let what = "which visits no link; give the most links that are visited in one night";
            table.error(key, format!("{key}{of} is 0, {what}, or remove it to visit all"));
        }
        budget
    };
    CrawlBudgets {
        each_host: keys.crawl_budget.and_then(|links| budget("crawl_budget", "", links)),
        by_host: keys
            .crawl_budgets
            .iter()
            .filter_map(|(host, links)| {
                let budget = budget("crawl_budgets", &format!(" of {host}"), *links)?;
                Some((host.to_ascii_lowercase(), budget))
            })
            .collect(),
    }
}

fn limits(keys: &FetchKeys, table: &mut TableDiagnostics) -> fetch::FetchLimits {
    let mut limits = fetch::FetchLimits::default();
    if keys.hosts_at_once == Some(0) {
        table.error(
            "hosts_at_once",
            "hosts_at_once is 0, which allows no requests; the default is 64".to_owned(),
        );
    }
    let or = |key: Option<DurationKey>, default| key.map_or(default, |DurationKey(value)| value);
    limits.connect = or(keys.connect_timeout, limits.connect);
    limits.page_time = or(keys.page_timeout, limits.page_time);
    limits.document_time = or(keys.document_timeout, limits.document_time);
    if let Some(mib) = keys.max_document_mib {
        limits.document_bytes = mib.saturating_mul(1 << 20);
    }
    limits.hosts_at_once = keys.hosts_at_once.unwrap_or(limits.hosts_at_once);
    limits
}
