//! The settings of fetching, with polite defaults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::interface::InterfaceAccess;
use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::BulkInterface;
use crate::domain::policy::night_plan::NightPace;
use crate::domain::policy::rota::CrawlBudgets;

#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// The contact for complaints about requests; part of the user agent.
    pub contact: Option<String>,
    /// The pause between the end of a request to a host and the start of the next.
    pub delay: Duration,
    /// Exceptions to `delay`, by host name.
    pub host_delays: Vec<(String, Duration)>,
    /// How many links of a host a night visits at most.
    pub crawl_budgets: CrawlBudgets,
    /// Allows loopback and private addresses; link-local ones stay refused.
    pub allow_private_networks: bool,
    /// Certificates in PEM format, trusted in addition to those of the system.
    pub extra_ca: Option<PathBuf>,
    /// `http`, `https`, `socks5` or `socks5h`. The environment's proxy
    /// variables are not read.
    ///
    /// The proxy resolves and connects. Names that this machine can resolve are still
    /// filtered. A name that only the proxy can resolve is not, so the proxy must refuse
    /// internal addresses itself.
    pub proxy: Option<String>,
    /// Addresses that replace DNS. Several entries for one host are several addresses
    /// of it. A port other than 0 is used if the URL has none. The filter applies to these
    /// addresses too.
    pub resolve: Vec<(String, SocketAddr)>,
    /// Addresses that are always reachable. If most of them fail, the network here is down.
    pub sentinels: Vec<Address>,
    /// A Memento `TimeGate` that is searched for copies of dead links.
    pub timegate: Option<Address>,
    /// Interfaces for programs that list many works at once. robots.txt, which is for crawlers,
    /// does not apply to these addresses.
    pub bulk_interfaces: BTreeMap<BulkInterface, InterfaceAccess>,
    pub limits: FetchLimits,
}

impl FetchSettings {
    /// The pace that bounds a night.
    pub fn pace(&self) -> NightPace {
        NightPace {
            pause: self.delay,
            by_host: self.host_delays.clone(),
            hosts_at_once: self.limits.hosts_at_once,
            budgets: self.crawl_budgets.clone(),
        }
    }

    /// The hosts that list works, by their interfaces.
    pub fn list_hosts(&self) -> BTreeMap<BulkInterface, String> {
        let host = |access: &InterfaceAccess| access.address.host().to_owned();
        self.bulk_interfaces.iter().map(|(interface, access)| (*interface, host(access))).collect()
    }
}

/// The bounds of size and time for one exchange.
#[derive(Clone, Debug)]
pub struct FetchLimits {
    /// The largest HTML page or error page, as unpacked.
    pub page_bytes: u64,
    /// The largest body of another kind, as unpacked.
    pub document_bytes: u64,
    /// The most bytes that one transferred byte may become, after the first MiB.
    pub inflation: u64,
    /// For DNS, and again for the connection and the TLS handshake.
    pub connect: Duration,
    /// For a page with all its redirects; waiting for a turn does not count.
    pub page_time: Duration,
    /// The same for other kinds of bodies.
    pub document_time: Duration,
    /// The longest time without a byte.
    pub idle: Duration,
    /// A body slower than this after `idle` is given up.
    pub bytes_per_second: u64,
    pub redirects: usize,
    /// The longest `Retry-After` that a run waits for.
    pub max_retry_after: Duration,
    /// How many hosts are visited at the same time.
    pub hosts_at_once: usize,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            contact: None,
            delay: Duration::from_secs(2),
            host_delays: Vec::new(),
            crawl_budgets: CrawlBudgets::default(),
            allow_private_networks: false,
            extra_ca: None,
            proxy: None,
            resolve: Vec::new(),
            sentinels: Vec::new(),
            timegate: None,
            bulk_interfaces: BTreeMap::new(),
            limits: FetchLimits::default(),
        }
    }
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            page_bytes: 16 << 20,
            document_bytes: 100 << 20,
            inflation: 200,
            connect: Duration::from_secs(10),
            page_time: Duration::from_mins(1),
            document_time: Duration::from_mins(5),
            idle: Duration::from_secs(30),
            bytes_per_second: 512,
            redirects: 10,
            max_retry_after: Duration::from_mins(2),
            hosts_at_once: 64,
        }
    }
}
