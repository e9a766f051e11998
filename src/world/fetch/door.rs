//! The one door through which every request leaves, robots.txt and redirects included.
//!
//! In this order: the lane's turn, the memory of dead hosts, the distance to
//! the last request, the guard, and only then the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::Clients;
use super::failure::{self, Stage};
use super::lane::{Lanes, Turn};
use super::names::Names;
use super::trouble::Troubles;
use super::{Accept, Error, Limits, Settings};
use crate::domain::address::Address;
use crate::domain::policy::pace::Order;
use crate::domain::visit::{Ending, Failure, Headers, Hop, Validators, Withheld};
use crate::world::clock::Clock;

/// As much of a response head as is recorded.
const HEADER_BYTES: usize = 64 << 10;
const HEADERS: usize = 100;

pub(super) struct Door {
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) lanes: Lanes,
    pub(super) troubles: Troubles,
    pub(super) requests: AtomicU64,
    pub(super) bytes: Arc<AtomicU64>,
    names: Names,
    clients: Clients,
    permits: Arc<Semaphore>,
}

/// One request.
pub(super) struct Ask<'a> {
    pub(super) address: &'a Address,
    pub(super) cookie: Option<HeaderValue>,
    pub(super) validators: Option<&'a Validators>,
    pub(super) accept: Accept,
    pub(super) near: Option<Timestamp>,
    pub(super) fresh: bool,
    pub(super) crawl_delay: Option<Duration>,
    /// For the response head.
    pub(super) time: Duration,
}

/// A response head, and the right to read its body.
pub(super) struct Answer {
    pub(super) hop: Hop,
    pub(super) order: Order,
    pub(super) response: Response,
    /// When the request left, waits excluded.
    pub(super) began: Instant,
    pub(super) held: Held,
}

/// Given back when the body is read or dropped.
pub(super) struct Held {
    _turn: Turn,
    _permit: Option<OwnedSemaphorePermit>,
}

pub(super) enum Sent {
    Answer(Box<Answer>),
    Ended { ending: Ending, took: Duration },
}

impl Door {
    pub(super) fn new(settings: &Settings, clock: Clock) -> Result<Self, Error> {
        let names = Names::new(settings, clock);
        Ok(Self {
            clock,
            limits: settings.limits.clone(),
            lanes: Lanes::new(settings, clock),
            troubles: Troubles::default(),
            requests: AtomicU64::new(0),
            bytes: Arc::default(),
            clients: Clients::build(settings, &names)?,
            names,
            permits: Arc::new(Semaphore::new(settings.limits.hosts_at_once.max(1))),
        })
    }

    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Sent, Error> {
        if ask.address.url().scheme() == "https" && !self.clients.has_roots {
            return Err(Error::NoRoots);
        }
        let host = ask.address.host();
        let Ok(mut turn) = self.lanes.enter(host).await else {
            return Ok(Sent::withheld(Withheld::HostStopped));
        };
        if let Some(failure) = self.troubles.recall(ask.address).filter(|_| !ask.fresh) {
            return Ok(Sent::Ended { ending: Ending::Broke(failure), took: Duration::ZERO });
        }
        if let Some(delay) = ask.crawl_delay {
            turn.slow_down(delay);
        }
        if self.lanes.keep_distance(&turn, host).await.is_err() {
            return Ok(Sent::withheld(Withheld::HostStopped));
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let began = self.clock.instant();
        match self.dial(ask, &mut turn).await {
            Ok(response) => {
                self.troubles.answered(ask.address);
                let hop = Hop {
                    address: ask.address.clone(),
                    status: response.status().as_u16(),
                    headers: recorded(response.headers()),
                };
                let order = self.lanes.hear(&mut turn, &hop);
                let held = Held { _turn: turn, _permit: permit };
                Ok(Sent::Answer(Box::new(Answer { hop, order, response, began, held })))
            }
            Err(ending) => {
                if let Ending::Broke(failure) = ending {
                    self.troubles.note(ask.address, failure);
                }
                let took = self.clock.instant().duration_since(began);
                Ok(Sent::Ended { ending, took })
            }
        }
    }

    pub(super) async fn is_public(&self, address: &Address) -> bool {
        self.names.is_public(address).await
    }

    async fn dial(&self, ask: &Ask<'_>, turn: &mut Turn) -> Result<Response, Ending> {
        self.names.admit(ask.address, ask.fresh).await.map_err(failure::unresolved)?;
        turn.asking();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let client = if ask.fresh { &self.clients.fresh } else { &self.clients.usual };
        let request = client.get(ask.address.url().clone()).headers(ask.headers());
        tracing::debug!(address = %ask.address, "asking");
        match tokio::time::timeout(ask.time, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                tracing::debug!(address = %ask.address, error = ?error, "no answer");
                Err(failure::ending(&error, Stage::Head))
            }
            Err(_) => Err(Ending::Broke(Failure::TimedOut)),
        }
    }
}

impl Ask<'_> {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static(self.accept.as_str()));
        if let Some(cookie) = self.cookie.clone() {
            headers.insert("cookie", cookie);
        }
        let near = self.near.map(|near| near.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        if let Some(Ok(near)) = near.map(HeaderValue::try_from) {
            headers.insert("accept-datetime", near);
        }
        let validators = self.validators.into_iter();
        for (name, value) in validators.flat_map(|v| {
            [("if-none-match", v.etag.as_ref()), ("if-modified-since", v.last_modified.as_ref())]
        }) {
            // A validator that is no header value was never sent as one either.
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

impl Sent {
    fn withheld(why: Withheld) -> Self {
        Self::Ended { ending: Ending::Withheld(why), took: Duration::ZERO }
    }
}

fn recorded(headers: &HeaderMap) -> Headers {
    let mut room = HEADER_BYTES;
    let lines = headers.iter().take(HEADERS).map_while(|(name, value)| {
        room = room.checked_sub(name.as_str().len() + value.len())?;
        Some((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    Headers(lines.collect())
}
