//! `[fetch]`: how strangers' hosts are asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use super::meaning::Table;
use crate::domain::address::Address;
use crate::world::fetch;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FetchKeys {
    contact: Option<String>,
    delay: Option<SignedDuration>,
    delays: BTreeMap<String, SignedDuration>,
    allow_private_networks: bool,
    extra_ca: Option<PathBuf>,
    proxy: Option<String>,
    resolve: BTreeMap<String, SocketAddr>,
    sentinels: Vec<Address>,
    memento: Option<Address>,
    hosts_at_once: Option<usize>,
    connect_timeout: Option<SignedDuration>,
    page_timeout: Option<SignedDuration>,
    document_timeout: Option<SignedDuration>,
    max_document_mib: Option<u64>,
}

pub(super) fn settings(keys: FetchKeys, table: &mut Table) -> Option<fetch::Settings> {
    let defaults = fetch::Settings::default();
    let delay = duration("delay", keys.delay, defaults.delay, table);
    let limits = limits(&keys, table);
    let mut host_delays = Vec::new();
    for (host, delay) in keys.delays {
        let delay = duration(&host, Some(delay), defaults.delay, &mut table.inside("delays"))?;
        host_delays.push((host, delay));
    }
    let (delay, limits) = (delay?, limits?);
    if let Some(gate) = &keys.memento
        && !host_delays.iter().any(|(host, _)| host == gate.host())
    {
        // What web archives ask of programs.
        host_delays.push((gate.host().to_owned(), delay.max(Duration::from_secs(1))));
    }
    Some(fetch::Settings {
        contact: keys.contact,
        delay,
        host_delays,
        allow_private_networks: keys.allow_private_networks,
        extra_ca: keys.extra_ca,
        proxy: keys.proxy,
        resolve: keys.resolve.into_iter().collect(),
        sentinels: keys.sentinels,
        timegate: keys.memento,
        limits,
    })
}

fn limits(keys: &FetchKeys, table: &mut Table) -> Option<fetch::Limits> {
    let mut limits = fetch::Limits::default();
    let connect = duration("connect_timeout", keys.connect_timeout, limits.connect, table);
    let page = duration("page_timeout", keys.page_timeout, limits.page_time, table);
    let document = duration("document_timeout", keys.document_timeout, limits.document_time, table);
    if keys.hosts_at_once == Some(0) {
        table.wrong(
            "hosts_at_once",
            "hosts_at_once is 0, which would ask nobody; the default is 16".to_owned(),
        );
    }
    (limits.connect, limits.page_time, limits.document_time) = (connect?, page?, document?);
    if let Some(mib) = keys.max_document_mib {
        limits.document_bytes = mib.saturating_mul(1 << 20);
    }
    limits.hosts_at_once = keys.hosts_at_once.unwrap_or(limits.hosts_at_once);
    Some(limits)
}

fn duration(
    key: &str,
    value: Option<SignedDuration>,
    default: Duration,
    table: &mut Table,
) -> Option<Duration> {
    let Some(value) = value else { return Some(default) };
    let read = Duration::try_from(value);
    table.value(key, read.map_err(|_| format!("{key} is negative; write for example \"2s\"")))
}
