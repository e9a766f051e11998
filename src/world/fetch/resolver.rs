//! DNS resolution with a guard against internal addresses.
//!
//! Every address that the client connects to comes from here or is in the URL itself.
//! The client does not resolve the latter, so [`Resolver::check`] checks them. Addresses
//! without a route from this machine are left out, so that a host is not judged by an
//! address family that this machine lacks.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::{FetchSettings, local_fault};
use crate::domain::address::Address;
use crate::domain::policy::ip_filter;
use crate::domain::visit::LocalFault;
use crate::world::clock::Clock;

/// How long a result is cached.
const CACHE_TIME: Duration = Duration::from_mins(1);

/// Why a name has no address that may be visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("the name does not exist")]
    NoSuchHost,
    #[error("the DNS server gives no usable answer")]
    NameServer,
    #[error("the name resolves to internal addresses only")]
    Internal,
    #[error("this machine cannot resolve the name or reach its addresses")]
    Local(LocalFault),
}

#[derive(Clone)]
pub(super) struct Resolver(Arc<ResolverState>);

struct ResolverState {
    clock: Clock,
    overrides: HashMap<String, Vec<SocketAddr>>,
    allow_private: bool,
    /// The host of the proxy, which may be internal.
    proxy: Option<String>,
    timeout: Duration,
    cache: Mutex<HashMap<String, (Instant, Vec<SocketAddr>)>>,
    lookup: Lookup,
}

/// Looks up the addresses of a name.
type Lookup = Box<dyn Fn(&str) -> Result<Vec<SocketAddr>, ResolveError> + Send + Sync>;

impl Resolver {
    pub(super) fn new(settings: &FetchSettings, clock: Clock) -> Self {
        Self::with_lookup(settings, clock, Box::new(system_addresses))
    }

    fn with_lookup(settings: &FetchSettings, clock: Clock, lookup: Lookup) -> Self {
        let mut overrides = HashMap::<String, Vec<SocketAddr>>::new();
        for (host, address) in &settings.resolve {
            overrides.entry(host.to_ascii_lowercase()).or_default().push(*address);
        }
        let proxy = settings.proxy.as_deref().and_then(|proxy| {
            let url = Url::parse(proxy).ok()?;
            Some(url.host_str()?.to_ascii_lowercase())
        });
        Self(Arc::new(ResolverState {
            clock,
            overrides,
            allow_private: settings.allow_private_networks,
            proxy,
            timeout: settings.limits.connect,
            cache: Mutex::default(),
            lookup,
        }))
    }

    /// Whether a connection to the host of `address` is allowed. The addresses found are
    /// cached for the connection; `uncached` ignores the cache.
    pub(super) async fn check(&self, address: &Address, uncached: bool) -> Result<(), ResolveError> {
        if let Some(ip) = address.literal_ip() {
            return if ip_filter::is_blocked(ip, self.0.allow_private) {
                Err(ResolveError::Internal)
            } else if self.0.proxy.is_some() {
                Ok(())
            } else {
                let port = address.url().port_or_known_default().unwrap_or(0);
                local_fault::check_route((ip, port).into()).map_err(ResolveError::Local)
            };
        }
        match self.resolve_allowed(address.host(), uncached).await {
            // The proxy may resolve names that this machine cannot.
            Err(ResolveError::NoSuchHost | ResolveError::NameServer | ResolveError::Local(_))
                if self.0.proxy.is_some() =>
            {
                Ok(())
            }
            result => result.map(drop),
        }
    }

    /// The allowed addresses of the host of `address`, with its port. None if the address
    /// is literal or a proxy makes the connections.
    pub(super) async fn direct_addresses(&self, address: &Address) -> Vec<SocketAddr> {
        if self.0.proxy.is_some() || address.literal_ip().is_some() {
            return Vec::new();
        }
        let port = address.url().port_or_known_default().unwrap_or(0);
        let mut addresses = self.resolve_allowed(address.host(), false).await.unwrap_or_default();
        for address in addresses.iter_mut().filter(|address| address.port() == 0) {
            address.set_port(port);
        }
        addresses
    }

    /// Whether the host has public addresses, according to DNS.
    pub(super) async fn is_public(&self, address: &Address) -> bool {
        if let Some(ip) = address.literal_ip() {
            return !ip_filter::is_blocked(ip, false);
        }
        if self.0.overrides.contains_key(address.host()) {
            return true;
        }
        match self.resolve_any(address.host()).await {
            Ok(addresses) => !addresses.iter().any(|address| ip_filter::is_blocked(address.ip(), false)),
            Err(ResolveError::NoSuchHost) => !self.0.allow_private && self.0.proxy.is_none(),
            Err(ResolveError::NameServer | ResolveError::Internal | ResolveError::Local(_)) => false,
        }
    }

    async fn resolve_allowed(&self, host: &str, uncached: bool) -> Result<Vec<SocketAddr>, ResolveError> {
        let now = self.0.clock.instant();
        if !uncached {
            let cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, addresses)) = cache.get(host)
                && now.duration_since(*since) < CACHE_TIME
            {
                return Ok(addresses.clone());
            }
        }
        let mut addresses = self.resolve_any(host).await?;
        addresses.retain(|address| !ip_filter::is_blocked(address.ip(), self.0.allow_private));
        if addresses.is_empty() {
            return Err(ResolveError::Internal);
        }
        let addresses = with_route(addresses)?;
        let mut cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|_, (since, _)| now.duration_since(*since) < CACHE_TIME);
        cache.insert(host.to_owned(), (now, addresses.clone()));
        Ok(addresses)
    }

    /// All addresses of a host, unfiltered; at least one.
    async fn resolve_any(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        if let Some(addresses) = self.0.overrides.get(host) {
            return Ok(addresses.clone());
        }
        let (state, host) = (Arc::clone(&self.0), host.to_owned());
        let lookup = tokio::task::spawn_blocking(move || (state.lookup)(&host));
        match tokio::time::timeout(self.0.timeout, lookup).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(ResolveError::NameServer),
        }
    }
}

/// The addresses to which this machine has a route; an error if there is none.
fn with_route(addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut fault = None;
    let mut routed = addresses;
    routed.retain(|address| match local_fault::check_route(*address) {
        Ok(()) => true,
        Err(why) => {
            fault = Some(why);
            false
        }
    });
    match fault {
        Some(fault) if routed.is_empty() => Err(ResolveError::Local(fault)),
        Some(_) | None => Ok(routed),
    }
}

fn system_addresses(host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found =
        dns_lookup::getaddrinfo(Some(host), None, Some(hints)).map_err(|error| resolve_error(&error))?;
    let addresses: Vec<_> = found.flatten().map(|info| info.sockaddr).collect();
    if addresses.is_empty() { Err(ResolveError::NoSuchHost) } else { Ok(addresses) }
}

fn resolve_error(error: &LookupError) -> ResolveError {
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData => ResolveError::NoSuchHost,
        // A resolver without a socket gives the same error as one without an answer.
        LookupErrorKind::Again | LookupErrorKind::Fail => {
            local_fault::of_sockets().map_or(ResolveError::NameServer, ResolveError::Local)
        }
        LookupErrorKind::Badflags
        | LookupErrorKind::Family
        | LookupErrorKind::Socktype
        | LookupErrorKind::Service
        | LookupErrorKind::Memory
        | LookupErrorKind::System
        | LookupErrorKind::Unknown
        | LookupErrorKind::IO => ResolveError::Local(LocalFault::NameService),
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_ascii_lowercase();
            let addresses = if resolver.0.proxy.as_deref() == Some(host.as_str()) {
                resolver.resolve_any(&host).await?
            } else {
                resolver.resolve_allowed(&host, false).await?
            };
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::client::Clients;
    use super::*;

    /// The first answer for the name is a public address, the later ones this machine.
    fn rebinding(settings: &FetchSettings) -> Resolver {
        let asked = AtomicUsize::new(0);
        Resolver::with_lookup(
            settings,
            Clock::system(),
            Box::new(move |_| {
                let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
                let address = if is_first { [93, 184, 215, 14] } else { [127, 0, 0, 1] };
                Ok(vec![SocketAddr::from((address, 0))])
            }),
        )
    }

    #[tokio::test]
    async fn an_address_that_changes_to_an_internal_one_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://rebind.example:{}/", listener.local_addr().unwrap().port());
        let address = Address::parse(&url).unwrap();
        let settings = FetchSettings::default();
        let resolver = rebinding(&settings);
        let checked = resolver.check(&address, true).await;
        assert!(matches!(checked, Ok(()) | Err(ResolveError::Local(_))), "{checked:?}");
        // The cached answer has expired when the client connects.
        resolver.0.cache.lock().unwrap().clear();
        let clients = Clients::build(&settings, &resolver).unwrap();
        let refused = clients.usual.get(&url).send().await.unwrap_err();
        let mut causes =
            std::iter::successors(Some(&refused as &dyn std::error::Error), |error| error.source());
        assert!(causes.any(|cause| cause.downcast_ref() == Some(&ResolveError::Internal)), "{refused:?}");
        assert_eq!(resolver.check(&address, true).await, Err(ResolveError::Internal));
        let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(connected.is_err(), "nothing connects to this machine");

        let open = FetchSettings { allow_private_networks: true, ..FetchSettings::default() };
        let resolver = rebinding(&open);
        let _ = resolver.check(&address, true).await;
        resolver.0.cache.lock().unwrap().clear();
        let clients = Clients::build(&open, &resolver).unwrap();
        let connecting = tokio::spawn(async move { clients.usual.get(&url).send().await.map(drop) });
        let connected = tokio::time::timeout(Duration::from_secs(10), listener.accept()).await;
        assert!(connected.is_ok(), "it connects if private networks are allowed");
        connecting.abort();
    }

    #[test]
    fn only_addresses_with_a_route_count() {
        let local = SocketAddr::from(([127, 0, 0, 1], 80));
        let unreachable = SocketAddr::from((Ipv4Addr::BROADCAST, 80));
        assert_eq!(with_route(vec![unreachable, local]), Ok(vec![local]));
        assert!(matches!(with_route(vec![unreachable]), Err(ResolveError::Local(_))));
    }
}
