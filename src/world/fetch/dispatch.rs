//! Sends every request, including those for robots.txt and redirects.
//!
//! The order is: the turn in the host's queue, the cache of failures, the pause since the
//! last request, a slot, the pace of other processes, the address filter, and then the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::Clients;
use super::failure::{self, Stage};
use super::failure_cache::FailureCache;
use super::host_queue::{HostQueues, HostTurn, NotTaken};
use super::interface::InterfaceCall;
use super::local_fault::FaultCounts;
use super::resolver::Resolver;
use super::shared_pace::RepeatedTake;
use super::{Accept, Error, FetchLimits, FetchSettings, tls_offer};
use crate::domain::address::Address;
use crate::domain::policy::politeness::HostAction;
use crate::domain::visit::{ExchangeEnd, Failure, Headers, Hop, NotSent, Validators};
use crate::world::clock::Clock;

/// The longest response head that is recorded.
const HEADER_BYTES: usize = 64 << 10;
const HEADERS: usize = 100;

pub(super) struct Dispatcher {
    pub(super) clock: Clock,
    pub(super) limits: FetchLimits,
    pub(super) queues: HostQueues,
    pub(super) failures: FailureCache,
    pub(super) faults: FaultCounts,
    pub(super) requests: AtomicU64,
    pub(super) bytes: Arc<AtomicU64>,
    resolver: Resolver,
    clients: Clients,
    permits: Arc<Semaphore>,
}

/// One request.
pub(super) struct HopRequest<'a> {
    pub(super) address: &'a Address,
    pub(super) cookie: Option<HeaderValue>,
    pub(super) validators: Option<&'a Validators>,
    pub(super) accept: Accept,
    pub(super) accept_datetime: Option<Timestamp>,
    pub(super) call: Option<&'a InterfaceCall>,
    pub(super) fresh: bool,
    pub(super) crawl_delay: Option<Duration>,
    /// The time for the response head.
    pub(super) time: Duration,
}

/// A response head, and the right to read its body.
pub(super) struct HopResponse {
    pub(super) hop: Hop,
    pub(super) order: HostAction,
    pub(super) response: Response,
    /// When the request was sent.
    pub(super) began: Instant,
    pub(super) slot: RequestSlot,
}

/// The turn at the host and a connection slot. They are released when the body is read or dropped.
pub(super) struct RequestSlot {
    _turn: HostTurn,
    _permit: OwnedSemaphorePermit,
}

pub(super) enum Dispatched {
    Response(Box<HopResponse>),
    Ended { ending: ExchangeEnd, took: Duration },
}

impl Dispatcher {
    pub(super) fn new(settings: &FetchSettings, clock: Clock) -> Result<Self, Error> {
        let resolver = Resolver::new(settings, clock);
        Ok(Self {
            clock,
            limits: settings.limits.clone(),
            queues: HostQueues::new(settings, clock),
            failures: FailureCache::default(),
            faults: FaultCounts::default(),
            requests: AtomicU64::new(0),
            bytes: Arc::default(),
            clients: Clients::build(settings, &resolver)?,
            resolver,
            permits: Arc::new(Semaphore::new(settings.limits.hosts_at_once.max(1))),
        })
    }

    pub(super) async fn send(&self, request: &HopRequest<'_>) -> Result<Dispatched, Error> {
        if request.address.url().scheme() == "https" && !self.clients.has_roots {
            return Err(Error::NoRoots);
        }
        let host = request.address.host();
        let Ok(mut turn) = self.queues.acquire(host).await else {
            return Ok(Dispatched::withheld(NotSent::HostStopped));
        };
        if let Some(failure) = self.failures.get(request.address).filter(|_| !request.fresh) {
            return Ok(Dispatched::Ended { ending: ExchangeEnd::Failed(failure), took: Duration::ZERO });
        }
        if let Some(delay) = request.crawl_delay {
            turn.slow_down(delay);
        }
        if self.queues.wait_for_delay(&turn, host).await.is_err() {
            return Ok(Dispatched::withheld(NotSent::HostStopped));
        }
        let Some(permit) = self.slot(&mut turn, request).await? else {
            return Ok(Dispatched::withheld(NotSent::HostStopped));
        };
        let began = self.clock.instant();
        let headers = request.headers();
        let sent = self.sent(request.address, &headers);
        match self.connect(request, headers, &mut turn).await {
            Ok(response) => {
                self.failures.clear_origin(request.address);
                let hop = Hop {
                    address: request.address.clone(),
                    status: response.status().as_u16(),
                    headers: recorded(response.headers()),
                    sent,
                };
                let order = self.queues.record_response(&mut turn, &hop);
                let slot = RequestSlot { _turn: turn, _permit: permit };
                Ok(Dispatched::Response(Box::new(HopResponse { hop, order, response, began, slot })))
            }
            Err(ending) => {
                if let ExchangeEnd::Failed(failure) = ending {
                    self.failures.record(request.address, failure);
                }
                let took = self.clock.instant().duration_since(began);
                Ok(Dispatched::Ended { ending, took })
            }
        }
    }

    /// Waits for a slot, and for the host if other processes request it too; `None` if it is stopped.
    async fn slot(
        &self,
        turn: &mut HostTurn,
        request: &HopRequest<'_>,
    ) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let host = request.address.host();
        let mut repeated = RepeatedTake::default();
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let later = match self.queues.take_shared(turn, host, request.time).await {
                None => return Ok(permit.ok()),
                Some(NotTaken::Later(later)) => later,
                Some(NotTaken::Stopped) => return Ok(None),
                Some(NotTaken::Failed(why)) => {
                    return Err(Error::SharedPace { host: host.to_owned(), why });
                }
            };
            // Requests to other hosts use the slot meanwhile.
            drop(permit);
            repeated.wait(later, self.clock).await;
        }
    }

    pub(super) async fn is_public(&self, address: &Address) -> bool {
        self.resolver.is_public(address).await
    }

    async fn connect(
        &self,
        request: &HopRequest<'_>,
        headers: HeaderMap,
        turn: &mut HostTurn,
    ) -> Result<Response, ExchangeEnd> {
        self.resolver.check(request.address, request.fresh).await.map_err(failure::resolve_ending)?;
        turn.mark_requested();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let client = if request.fresh { &self.clients.fresh } else { &self.clients.usual };
        let url = request.address.url().clone();
        let builder = match request.call.and_then(|call| call.json.clone()) {
            None => client.get(url),
            Some(json) => client.post(url).header("content-type", "application/json").body(json),
        };
        let builder = builder.headers(headers);
        // It is added here so that no record of the request holds it.
        let token = request.call.and_then(|call| call.token.clone());
        let builder = token.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
        tracing::debug!(address = %request.address, "request");
        match tokio::time::timeout(request.time, builder.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                tracing::debug!(address = %request.address, error = ?error, "no response");
                match failure::ending(&error, Stage::Head) {
                    ExchangeEnd::Failed(Failure::Tls) => Err(self.tls_failure(request).await),
                    ending => Err(ending),
                }
            }
            Err(_) => Err(ExchangeEnd::Failed(Failure::TimedOut)),
        }
    }
}

impl Dispatcher {
    /// The headers of a request as they go out: its own, those of the client, and the host.
    fn sent(&self, address: &Address, own: &HeaderMap) -> Headers {
        let mut sent = recorded(own);
        let of_client = self.clients.headers.iter().filter(|(name, _)| !own.contains_key(*name));
        sent.0.extend(of_client.map(|(name, value)| (name.as_str().to_owned(), text_of(value))));
        let port = address.url().port().map_or(String::new(), |port| format!(":{port}"));
        sent.0.push(("host".to_owned(), format!("{}{port}", address.host())));
        sent
    }

    /// What a server accepts that ended the handshake without a reason.
    async fn tls_failure(&self, request: &HopRequest<'_>) -> ExchangeEnd {
        let addresses = self.resolver.direct_addresses(request.address).await;
        let host = request.address.host();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let found = tls_offer::probe(&addresses, host, request.time.min(self.limits.connect)).await;
        ExchangeEnd::Failed(found.unwrap_or(Failure::Tls))
    }
}

impl HopRequest<'_> {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static(self.accept.as_str()));
        if let Some(cookie) = self.cookie.clone() {
            headers.insert("cookie", cookie);
        }
        let accept_datetime = self
            .accept_datetime
            .map(|accept_datetime| accept_datetime.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        if let Some(Ok(accept_datetime)) = accept_datetime.map(HeaderValue::try_from) {
            headers.insert("accept-datetime", accept_datetime);
        }
        let validators = self.validators.into_iter();
        for (name, value) in validators.flat_map(|v| {
            [("if-none-match", v.etag.as_ref()), ("if-modified-since", v.last_modified.as_ref())]
        }) {
            // A validator that is not a valid header value did not come from a header.
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

impl Dispatched {
    fn withheld(why: NotSent) -> Self {
        Self::Ended { ending: ExchangeEnd::NotSent(why), took: Duration::ZERO }
    }
}

fn recorded(headers: &HeaderMap) -> Headers {
    let mut room = HEADER_BYTES;
    let lines = headers.iter().take(HEADERS).map_while(|(name, value)| {
        room = room.checked_sub(name.as_str().len() + value.len())?;
        Some((name.as_str().to_owned(), text_of(value)))
    });
    Headers(lines.collect())
}

/// The text of a header value. If it is not UTF-8, each byte is a character, as in ISO 8859-1,
/// so that no byte is lost.
fn text_of(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    let one_each = || bytes.iter().copied().map(char::from).collect();
    std::str::from_utf8(bytes).map_or_else(|_| one_each(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_of_a_header_is_lost() {
        for (bytes, text) in [("a \u{fc}".as_bytes(), "a \u{fc}"), (b"a \xfc\x80", "a \u{fc}\u{80}")] {
            assert_eq!(text_of(&HeaderValue::from_bytes(bytes).unwrap()), text);
        }
    }
}
