//! What an operator may set about fetching, with defaults that are polite.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::address::Address;

#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// Whom to write to about our requests: goes into the user agent.
    pub contact: Option<String>,
    /// Between the end of a request to a host and the start of the next.
    pub delay: Duration,
    /// Exceptions to `delay`, by host name.
    pub host_delays: Vec<(String, Duration)>,
    /// Opens loopback and the ranges of a site; link-local stays shut.
    pub allow_private_networks: bool,
    /// Certificates in PEM to trust beside those of the system.
    pub extra_ca: Option<PathBuf>,
    /// `http`, `https`, `socks5` or `socks5h`. The environment's proxy
    /// variables are not read.
    ///
    /// Behind a proxy it is the proxy that resolves and dials. What we resolve
    /// ourselves is still guarded, but a name only the proxy can resolve is
    /// passed on unseen: the fence is then the proxy's to keep.
    pub proxy: Option<String>,
    /// Answers that replace the name service's. Several for one host are
    /// several addresses of it. A port other than 0 is used where the address
    /// has none. The guard looks at these as at any other.
    pub resolve: Vec<(String, SocketAddr)>,
    /// Addresses that are surely there: if most of them fail, so does our own network.
    pub sentinels: Vec<Address>,
    /// A Memento `TimeGate` that may be asked for copies of dead links.
    pub timegate: Option<Address>,
    pub limits: FetchLimits,
}

/// Where a stranger's generosity ends.
#[derive(Clone, Debug)]
pub struct FetchLimits {
    /// The largest HTML page or error page, as unpacked.
    pub page_bytes: u64,
    /// The largest body of another kind, as unpacked.
    pub document_bytes: u64,
    /// How many bytes one byte on the wire may become, past the first MiB.
    pub inflation: u64,
    /// For the name service, and again for connecting and agreeing on TLS.
    pub connect: Duration,
    /// For a page with all its redirects, waits for our turn excluded.
    pub page_time: Duration,
    /// The same for other kinds of bodies.
    pub document_time: Duration,
    /// The longest silence.
    pub idle: Duration,
    /// Slower than this after `idle` is not worth waiting for.
    pub bytes_per_second: u64,
    pub redirects: usize,
    /// The longest `Retry-After` that is sat out within a run.
    pub max_retry_after: Duration,
    /// How many hosts are talked to at the same time.
    pub hosts_at_once: usize,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            contact: None,
            delay: Duration::from_secs(2),
            host_delays: Vec::new(),
            allow_private_networks: false,
            extra_ca: None,
            proxy: None,
            resolve: Vec::new(),
            sentinels: Vec::new(),
            timegate: None,
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
            hosts_at_once: 16,
        }
    }
}
