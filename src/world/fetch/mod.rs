//! Fetching from foreign hosts, with pauses and an address filter.
//!
//! One [`Fetch`] serves all runs of a night. Every request, redirects and
//! robots.txt included, goes through `dispatch`, which keeps the pace of each host
//! (`host_queue`), refuses internal addresses (`resolver`) and does not repeat
//! requests to dead hosts (`failure_cache`). What fails on the web is part of the
//! [`Exchange`]; an [`Error`] is a failure on our side. `domain::evidence` judges
//! what an exchange means.

mod body;
mod certificate;
mod client;
mod dispatch;
mod failure;
mod local_fault;
mod robots;
mod host_queue;
mod interface;
mod local_file;
mod resolver;
mod redirect;
mod settings;
mod shared_pace;
mod tls_offer;
mod failure_cache;
mod decode;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use interface::{InterfaceAccess, InterfaceToken, InvalidInterfaceToken};
pub use settings::{FetchLimits, FetchSettings};
pub use shared_pace::{PacedRequest, SharedPace, SharedTurn, Taken};

use jiff::Timestamp;

use self::body::BodyReader;
use self::dispatch::{Dispatched, Dispatcher, HopRequest, HopResponse};
use self::interface::InterfaceCall;
use self::redirect::CookieJar;
use self::robots::{RobotsCache, RobotsDecision};
use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::{BulkInterface, ListRequest};
use crate::domain::visit::{Exchange, ExchangeEnd, Failure, Hop, LocalFault, NotSent, Validators};
use crate::world::clock::Clock;
use crate::world::disk;
use crate::world::spool::{Spool, SpooledBody};

/// Fetches for all courses of a night, and keeps the pace and the robots.txt of each host.
pub struct Fetch {
    dispatcher: Dispatcher,
    robots: RobotsCache,
    /// robots.txt does not apply to these addresses.
    interfaces: Vec<Address>,
    spool: Spool,
}

/// What to fetch, and how.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    pub address: Address,
    pub conditional: Option<Conditional>,
    /// On a new connection, over HTTP/1.1, with a new DNS lookup, and without the
    /// failure cache.
    pub fresh_connection: bool,
    pub accept: Accept,
    /// For a Memento `TimeGate`: the copy nearest to this time (RFC 7089).
    pub accept_datetime: Option<Timestamp>,
}

/// An earlier response. The host need not send the body again if it has not changed.
#[derive(Clone, Debug)]
pub struct Conditional {
    /// The address that sent it. Validators belong to one resource, so they are sent
    /// to no other address of a redirect chain.
    pub at: Address,
    pub validators: Validators,
}

/// The kind of representation that is requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// As in a browser: HTML is preferred to PDF.
    #[default]
    Page,
    Anything,
}

/// An exchange, and its body if it is complete.
#[derive(Debug)]
pub struct Fetched {
    pub exchange: Exchange,
    pub body: Option<SpooledBody>,
}

/// The requests and bytes of the run so far, including robots.txt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub requests: u64,
    /// The bytes of bodies, as transferred.
    pub bytes: u64,
}

/// A failure on our side.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot use the certificates in {path}: {why}; set extra_ca to a file of certificates in PEM format", path = path.display())]
    ExtraCa { path: PathBuf, why: String },
    #[error("cannot use the proxy `{proxy}`: {why}; write it like http://proxy.school.edu:3128")]
    Proxy { proxy: String, why: reqwest::Error },
    #[error(
        "cannot send the contact `{0}` in the User-Agent header; write an email address or a web address in ASCII"
    )]
    Contact(String),
    #[error(
        "this system has no root certificates, so https addresses cannot be visited; install ca-certificates or set extra_ca"
    )]
    NoRoots,
    #[error("no request was sent to {host}, because the pace of all processes is not known: {why}")]
    SharedPace { host: String, why: String },
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[source] reqwest::Error),
    #[error(
        "cannot write a response body to the directory tmp of the archive: {0}; {advice}",
        advice = disk::advice(.0)
    )]
    Spool(#[source] io::Error),
}

/// The state of an exchange in progress.
struct ExchangeState<'a> {
    request: &'a FetchRequest,
    /// Set if the request goes to a bulk interface.
    call: Option<&'a InterfaceCall>,
    hops: Vec<Hop>,
    cookies: CookieJar,
    accept: Accept,
    /// The time spent on requests and bodies, without the wait for a turn.
    active: Duration,
    /// The bytes that arrived of a body whose transfer ended early.
    cut_at: Option<u64>,
    seen: HashSet<(Address, Option<Vec<u8>>, &'static str)>,
}

/// After a response head.
enum Step {
    Follow(Address),
    /// Repeat the request with `Accept: */*`.
    AcceptAnything,
    Read,
    End(ExchangeEnd),
}

impl Fetch {
    /// An error names the setting that cannot be used.
    pub fn new(settings: &FetchSettings, spool: Spool, clock: Clock) -> Result<Self, Error> {
        let interfaces = settings.bulk_interfaces.values().map(|access| access.address.clone()).collect();
        let dispatcher = Dispatcher::new(settings, clock)?;
        Ok(Self { dispatcher, robots: RobotsCache::default(), interfaces, spool })
    }

    /// Keeps the pace of each host together with other processes.
    #[must_use]
    pub fn with_shared_pace(mut self, pace: Option<Arc<dyn SharedPace>>) -> Self {
        self.dispatcher.queues.share(pace);
        self
    }

    /// Requests an address and follows its redirects, within the limits.
    pub async fn exchange(&self, request: &FetchRequest) -> Result<Fetched, Error> {
        self.exchange_with(request, None).await
    }

    /// Requests a list of a bulk interface. With a token, redirects are not followed.
    pub async fn list(
        &self,
        interface: BulkInterface,
        access: &InterfaceAccess,
        request: &ListRequest,
    ) -> Result<Fetched, Error> {
        let call = InterfaceCall::new(interface, access, request);
        let request = FetchRequest {
            address: request.address.clone(),
            conditional: None,
            fresh_connection: false,
            accept: Accept::Anything,
            accept_datetime: None,
        };
        self.exchange_with(&request, Some(&call)).await
    }

    async fn exchange_with(
        &self,
        request: &FetchRequest,
        call: Option<&InterfaceCall>,
    ) -> Result<Fetched, Error> {
        let started = self.dispatcher.clock.now();
        if let Some(path) = request.address.file_path() {
            return local_file::read(&path, &request.address, started, &self.spool).map_err(Error::Spool);
        }
        let mut state = ExchangeState { call, ..ExchangeState::new(request) };
        let (ending, body) = match self.follow(&mut state).await? {
            Ok(spooled) => (ExchangeEnd::Answered(spooled.body.clone()), Some(spooled)),
            Err(ending) => (ending, None),
        };
        if let ExchangeEnd::NotSent(NotSent::LocalFault(fault)) = ending {
            self.dispatcher.faults.count(fault);
        }
        let exchange = Exchange {
            asked: request.address.clone(),
            started,
            millis: u64::try_from(state.active.as_millis()).unwrap_or(u64::MAX),
            hops: state.hops,
            ending,
            cut_at: state.cut_at,
        };
        Ok(Fetched { exchange, body })
    }

    /// Whether a third party may see the host name of this address: it resolves to
    /// public addresses. Names that the settings resolve count as public.
    ///
    /// A name that does not exist counts as public, unless private networks are
    /// allowed: then it may have been an internal one.
    pub async fn is_public(&self, address: &Address) -> bool {
        address.file_path().is_none() && self.dispatcher.is_public(address).await
    }

    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.dispatcher.requests.load(Ordering::Relaxed),
            bytes: self.dispatcher.bytes.load(Ordering::Relaxed),
        }
    }

    /// The requests of this run that a fault of this machine prevented, by fault.
    pub fn local_faults(&self) -> BTreeMap<LocalFault, u32> {
        self.dispatcher.faults.counts()
    }

    /// Counts what workers sent in this run.
    pub fn add_counts(&self, traffic: Traffic, faults: &BTreeMap<LocalFault, u32>) {
        self.dispatcher.requests.fetch_add(traffic.requests, Ordering::Relaxed);
        self.dispatcher.bytes.fetch_add(traffic.bytes, Ordering::Relaxed);
        self.dispatcher.faults.add(faults);
    }

    /// Sends no more requests to a host, for example because its page is a challenge.
    pub fn stop_host(&self, host: &str) {
        self.dispatcher.queues.stop(host);
    }

    /// Starts another run of the same night: the counters and the failure cache are
    /// cleared; the pace and the robots.txt of each host stay.
    pub fn begin_run(&self) {
        self.dispatcher.requests.store(0, Ordering::Relaxed);
        self.dispatcher.bytes.store(0, Ordering::Relaxed);
        self.dispatcher.failures.clear();
        self.dispatcher.faults.clear();
    }

    async fn follow(&self, state: &mut ExchangeState<'_>) -> Result<Result<SpooledBody, ExchangeEnd>, Error> {
        let mut address = state.request.address.clone();
        loop {
            let cookie = state.cookies.header(&address);
            let key = cookie.as_ref().map(|cookie| cookie.as_bytes().to_vec());
            if !state.seen.insert((address.clone(), key, state.accept.as_str())) {
                return Ok(Err(ExchangeEnd::Failed(Failure::RedirectLoop)));
            }
            let fresh = state.request.fresh_connection;
            let crawl_delay = match self.robots_decision(&address, fresh).await? {
                RobotsDecision::Allowed { crawl_delay } => crawl_delay,
                RobotsDecision::Denied(ending) => return Ok(Err(ending)),
            };
            let limits = &self.dispatcher.limits;
            let left = limits.page_time.saturating_sub(state.active);
            let request = HopRequest {
                address: &address,
                cookie,
                validators: state.validators_for(&address),
                accept: state.accept,
                accept_datetime: state.request.accept_datetime,
                call: state.call,
                fresh,
                crawl_delay,
                time: left.min(limits.idle),
            };
            let response = match self.dispatcher.send(&request).await? {
                Dispatched::Response(response) => response,
                Dispatched::Ended { ending, took } => {
                    state.active += took;
                    return Ok(Err(ending));
                }
            };
            state.cookies.store(&address, response.response.headers());
            state.hops.push(response.hop.clone());
            match state.step(&response, limits.redirects) {
                Step::Read => return self.read(state, *response).await,
                step => {
                    state.active += self.dispatcher.clock.instant().duration_since(response.began);
                    match step {
                        Step::Follow(next) => address = next,
                        Step::AcceptAnything => state.accept = Accept::Anything,
                        Step::End(ending) => return Ok(Err(ending)),
                        Step::Read => {}
                    }
                }
            }
        }
    }

    async fn robots_decision(&self, address: &Address, fresh: bool) -> Result<RobotsDecision, Error> {
        let is_same = |interface: &Address| {
            interface.url().origin() == address.url().origin() && interface.path() == address.path()
        };
        if self.interfaces.iter().any(is_same) {
            return Ok(RobotsDecision::Allowed { crawl_delay: None });
        }
        self.robots.check(&self.dispatcher, address, fresh).await
    }

    async fn read(
        &self,
        state: &mut ExchangeState<'_>,
        response: HopResponse,
    ) -> Result<Result<SpooledBody, ExchangeEnd>, Error> {
        let began = response.began;
        let reader = BodyReader {
            limits: &self.dispatcher.limits,
            clock: self.dispatcher.clock,
            bytes: Arc::clone(&self.dispatcher.bytes),
            spent: state.active,
        };
        let read = reader.spool(response, &self.spool).await?;
        state.active += self.dispatcher.clock.instant().duration_since(began);
        Ok(read.map_err(|unread| {
            state.cut_at = unread.cut_at;
            unread.ending
        }))
    }
}

impl<'a> ExchangeState<'a> {
    fn new(request: &'a FetchRequest) -> Self {
        Self {
            request,
            call: None,
            hops: Vec::new(),
            cookies: CookieJar::default(),
            accept: request.accept,
            active: Duration::ZERO,
            cut_at: None,
            seen: HashSet::new(),
        }
    }

    fn validators_for(&self, address: &Address) -> Option<&'a Validators> {
        let held = self.request.conditional.as_ref().filter(|held| held.at == *address)?;
        Some(&held.validators).filter(|validators| !validators.is_empty())
    }

    fn step(&self, response: &HopResponse, redirects: usize) -> Step {
        let broke = |failure| Step::End(ExchangeEnd::Failed(failure));
        match response.hop.status {
            301 | 302 | 303 | 307 | 308 if !self.call.is_none_or(InterfaceCall::follows_redirects) => {
                Step::Read
            }
            301 | 302 | 303 | 307 | 308 if self.hops.len() > redirects => broke(Failure::TooManyRedirects),
            301 | 302 | 303 | 307 | 308 => {
                redirect::target(response).map_or_else(|| broke(Failure::BadRedirect), Step::Follow)
            }
            304 if self.validators_for(&response.hop.address).is_some() => {
                Step::End(ExchangeEnd::NotModified)
            }
            // The request had no validators.
            304 => broke(Failure::Protocol),
            406 | 415 if self.accept != Accept::Anything => Step::AcceptAnything,
            _ => Step::Read,
        }
    }
}

impl Accept {
    fn as_str(self) -> &'static str {
        match self {
            Self::Page => "text/html,application/pdf;q=0.9,*/*;q=0.8",
            Self::Anything => "*/*",
        }
    }
}
