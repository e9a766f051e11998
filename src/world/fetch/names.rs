//! Names to addresses, past the guard.
//!
//! Every address dialled comes from here or stands in the URL itself, where
//! [`Names::admit`] looks at it: the client never asks the resolver about those.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::Settings;
use crate::domain::address::Address;
use crate::domain::policy::internal;
use crate::world::clock::Clock;

/// How long an answer is used again.
const MEMORY: Duration = Duration::from_mins(1);

/// Why a name leads nowhere we may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unresolved {
    #[error("the name does not exist")]
    NoSuchHost,
    #[error("the name service does not answer properly")]
    NameServer,
    #[error("the name leads to internal addresses only")]
    Internal,
}

#[derive(Clone)]
pub(super) struct Names(Arc<Inner>);

struct Inner {
    clock: Clock,
    overrides: HashMap<String, Vec<SocketAddr>>,
    allow_private: bool,
    /// The proxy's own host may well be an internal one.
    proxy: Option<String>,
    patience: Duration,
    known: Mutex<HashMap<String, (Instant, Vec<SocketAddr>)>>,
}

impl Names {
    pub(super) fn new(settings: &Settings, clock: Clock) -> Self {
        let mut overrides = HashMap::<String, Vec<SocketAddr>>::new();
        for (host, address) in &settings.resolve {
            overrides.entry(host.to_ascii_lowercase()).or_default().push(*address);
        }
        let proxy = settings.proxy.as_deref().and_then(|proxy| {
            let url = Url::parse(proxy).ok()?;
            Some(url.host_str()?.to_ascii_lowercase())
        });
        Self(Arc::new(Inner {
            clock,
            overrides,
            allow_private: settings.allow_private_networks,
            proxy,
            patience: settings.limits.connect,
            known: Mutex::default(),
        }))
    }

    /// Whether the host of `address` may be dialled; what it resolves to is
    /// then what will be dialled. `anew` passes over what is remembered.
    pub(super) async fn admit(&self, address: &Address, anew: bool) -> Result<(), Unresolved> {
        if let Some(ip) = address.literal_ip() {
            return if internal::refused(ip, self.0.allow_private) {
                Err(Unresolved::Internal)
            } else {
                Ok(())
            };
        }
        match self.look_up(address.host(), anew).await {
            // The proxy may know names that we do not.
            Err(Unresolved::NoSuchHost | Unresolved::NameServer) if self.0.proxy.is_some() => Ok(()),
            result => result.map(drop),
        }
    }

    /// Whether the host is one of the internet's, as far as can be told.
    pub(super) async fn is_public(&self, address: &Address) -> bool {
        if let Some(ip) = address.literal_ip() {
            return !internal::refused(ip, false);
        }
        if self.0.overrides.contains_key(address.host()) {
            return true;
        }
        match self.ask(address.host()).await {
            Ok(addresses) => !addresses.iter().any(|address| internal::refused(address.ip(), false)),
            Err(Unresolved::NoSuchHost) => !self.0.allow_private && self.0.proxy.is_none(),
            Err(Unresolved::NameServer | Unresolved::Internal) => false,
        }
    }

    async fn look_up(&self, host: &str, anew: bool) -> Result<Vec<SocketAddr>, Unresolved> {
        let now = self.0.clock.instant();
        if !anew {
            let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, addresses)) = known.get(host)
                && now.duration_since(*since) < MEMORY
            {
                return Ok(addresses.clone());
            }
        }
        let mut addresses = self.ask(host).await?;
        addresses.retain(|address| !internal::refused(address.ip(), self.0.allow_private));
        if addresses.is_empty() {
            return Err(Unresolved::Internal);
        }
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| now.duration_since(*since) < MEMORY);
        known.insert(host.to_owned(), (now, addresses.clone()));
        Ok(addresses)
    }

    /// The addresses of a host, unguarded and at least one.
    async fn ask(&self, host: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        if let Some(addresses) = self.0.overrides.get(host) {
            return Ok(addresses.clone());
        }
        let host = host.to_owned();
        let asking = tokio::task::spawn_blocking(move || system_addresses(&host));
        match tokio::time::timeout(self.0.patience, asking).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(Unresolved::NameServer),
        }
    }
}

fn system_addresses(host: &str) -> Result<Vec<SocketAddr>, Unresolved> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = dns_lookup::getaddrinfo(Some(host), None, Some(hints)).map_err(|error| of(&error))?;
    let addresses: Vec<_> = found.flatten().map(|info| info.sockaddr).collect();
    if addresses.is_empty() { Err(Unresolved::NoSuchHost) } else { Ok(addresses) }
}

fn of(error: &LookupError) -> Unresolved {
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData => Unresolved::NoSuchHost,
        LookupErrorKind::Again
        | LookupErrorKind::Fail
        | LookupErrorKind::Badflags
        | LookupErrorKind::Family
        | LookupErrorKind::Socktype
        | LookupErrorKind::Service
        | LookupErrorKind::Memory
        | LookupErrorKind::System
        | LookupErrorKind::Unknown
        | LookupErrorKind::IO => Unresolved::NameServer,
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_ascii_lowercase();
            let addresses = if names.0.proxy.as_deref() == Some(host.as_str()) {
                names.ask(&host).await?
            } else {
                names.look_up(&host, false).await?
            };
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
