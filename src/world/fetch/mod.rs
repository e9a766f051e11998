//! Fetching from strangers, politely and behind a guard.
//!
//! One [`Fetch`] serves all runs of a night. Every request, redirects and
//! robots.txt included, leaves through `door`, which keeps each host's pace
//! (`lane`), refuses internal addresses (`names`) and remembers dead hosts
//! (`trouble`). What the web does wrong comes back as an [`Exchange`]; a
//! [`Error`] is our own failing. What an exchange means is judged elsewhere.

mod body;
mod client;
mod door;
mod failure;
mod gate;
mod lane;
mod names;
mod redirect;
mod settings;
mod trouble;
mod wire;

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use settings::{Limits, Settings};

use jiff::Timestamp;

use self::body::Reader;
use self::door::{Answer, Ask, Door, Sent};
use self::gate::{Gate, Leave};
use self::redirect::Jar;
use crate::domain::address::Address;
use crate::domain::visit::{Ending, Exchange, Failure, Hop, Validators};
use crate::world::clock::Clock;
use crate::world::spool::{Spool, Spooled};

/// Fetches for all courses of a night, and keeps what politeness must remember.
pub struct Fetch {
    door: Door,
    gate: Gate,
    spool: Spool,
}

/// What to fetch, and how.
#[derive(Clone, Debug)]
pub struct Request {
    pub address: Address,
    pub held: Option<Held>,
    /// On a new connection, over HTTP/1.1, with a new look-up of the name, and
    /// whatever is remembered of the host's failures.
    pub fresh_connection: bool,
    pub accept: Accept,
    /// Of a Memento `TimeGate`: the copy nearest to this moment (RFC 7089).
    pub near: Option<Timestamp>,
}

/// An earlier response that need not be sent again.
#[derive(Clone, Debug)]
pub struct Held {
    /// Where it came from. Validators speak of one resource, and a date is
    /// true of any: they are sent to no other address on the way.
    pub at: Address,
    pub validators: Validators,
}

/// Which kind of representation is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// What a reader's browser would be given: a page before a PDF.
    #[default]
    Page,
    Anything,
}

/// An exchange, and the body if a whole one came.
#[derive(Debug)]
pub struct Fetched {
    pub exchange: Exchange,
    pub body: Option<Spooled>,
}

/// Of the run so far, robots.txt included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub requests: u64,
    /// Of bodies, as they came over the wire.
    pub bytes: u64,
}

/// Our own failing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the certificates in {path} cannot be used: {why}; extra_ca takes a file of certificates in PEM", path = path.display())]
    ExtraCa { path: PathBuf, why: String },
    #[error("`{proxy}` cannot be used as the proxy: {why}; write it like http://proxy.school.edu:3128")]
    Proxy { proxy: String, why: reqwest::Error },
    #[error("the contact `{0}` cannot stand in a header: use a mail address or a web address in plain ASCII")]
    Contact(String),
    #[error(
        "this system has no root certificates, so no https address can be visited: install ca-certificates or set extra_ca"
    )]
    NoRoots,
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[source] reqwest::Error),
    #[error("a body cannot be written to the archive's tmp: {0}; look for space and permission there")]
    Spool(#[source] io::Error),
}

/// An exchange under way.
struct Journey<'a> {
    request: &'a Request,
    hops: Vec<Hop>,
    jar: Jar,
    accept: Accept,
    /// Time spent asking and reading.
    active: Duration,
    seen: HashSet<(Address, Option<Vec<u8>>, &'static str)>,
}

/// After a response head.
enum Step {
    Follow(Address),
    /// The same again, less choosy.
    AskPlainly,
    Read,
    End(Ending),
}

impl Fetch {
    /// Faults name what in the settings cannot be used.
    pub fn new(settings: &Settings, spool: Spool, clock: Clock) -> Result<Self, Error> {
        Ok(Self { door: Door::new(settings, clock)?, gate: Gate::default(), spool })
    }

    /// Asks for an address and follows where it leads, within the limits.
    pub async fn exchange(&self, request: &Request) -> Result<Fetched, Error> {
        let started = self.door.clock.now();
        let mut journey = Journey::new(request);
        let (ending, body) = match self.travel(&mut journey).await? {
            Ok(spooled) => (Ending::Answered(spooled.body.clone()), Some(spooled)),
            Err(ending) => (ending, None),
        };
        let exchange = Exchange {
            asked: request.address.clone(),
            started,
            millis: u64::try_from(journey.active.as_millis()).unwrap_or(u64::MAX),
            hops: journey.hops,
            ending,
        };
        Ok(Fetched { exchange, body })
    }

    /// Whether a third party may be told of the host of this address: its name
    /// leads to the internet. Names that the settings resolve count as public.
    ///
    /// A name that is gone was public while it worked, unless private networks
    /// are open to us: then nobody can tell any more.
    pub async fn is_public(&self, address: &Address) -> bool {
        self.door.is_public(address).await
    }

    pub fn totals(&self) -> Totals {
        Totals {
            requests: self.door.requests.load(Ordering::Relaxed),
            bytes: self.door.bytes.load(Ordering::Relaxed),
        }
    }

    /// Leaves a host alone from now on, as when its page turns out to be a
    /// challenge.
    pub fn stop_host(&self, host: &str) {
        self.door.lanes.stop(host);
    }

    /// Another run of the same night begins: it counts anew and tries dead
    /// hosts again, but what hosts asked of us holds on.
    pub fn begin_run(&self) {
        self.door.requests.store(0, Ordering::Relaxed);
        self.door.bytes.store(0, Ordering::Relaxed);
        self.door.troubles.forget();
    }

    async fn travel(&self, journey: &mut Journey<'_>) -> Result<Result<Spooled, Ending>, Error> {
        let mut address = journey.request.address.clone();
        loop {
            let cookie = journey.jar.header(&address);
            let key = cookie.as_ref().map(|cookie| cookie.as_bytes().to_vec());
            if !journey.seen.insert((address.clone(), key, journey.accept.as_str())) {
                return Ok(Err(Ending::Broke(Failure::RedirectLoop)));
            }
            let fresh = journey.request.fresh_connection;
            let crawl_delay = match self.gate.ask(&self.door, &address, fresh).await? {
                Leave::Granted { crawl_delay } => crawl_delay,
                Leave::Refused(ending) => return Ok(Err(ending)),
            };
            let limits = &self.door.limits;
            let left = limits.page_time.saturating_sub(journey.active);
            let ask = Ask {
                address: &address,
                cookie,
                validators: journey.held_at(&address),
                accept: journey.accept,
                near: journey.request.near,
                fresh,
                crawl_delay,
                time: left.min(limits.idle),
            };
            let answer = match self.door.send(&ask).await? {
                Sent::Answer(answer) => answer,
                Sent::Ended { ending, took } => {
                    journey.active += took;
                    return Ok(Err(ending));
                }
            };
            journey.jar.keep(&address, answer.response.headers());
            journey.hops.push(answer.hop.clone());
            match journey.step(&answer, limits.redirects) {
                Step::Read => return self.read(journey, *answer).await,
                step => {
                    journey.active += self.door.clock.instant().duration_since(answer.began);
                    match step {
                        Step::Follow(next) => address = next,
                        Step::AskPlainly => journey.accept = Accept::Anything,
                        Step::End(ending) => return Ok(Err(ending)),
                        Step::Read => {}
                    }
                }
            }
        }
    }

    async fn read(
        &self,
        journey: &mut Journey<'_>,
        answer: Answer,
    ) -> Result<Result<Spooled, Ending>, Error> {
        let began = answer.began;
        let reader = Reader {
            limits: &self.door.limits,
            clock: self.door.clock,
            bytes: Arc::clone(&self.door.bytes),
            spent: journey.active,
        };
        let read = reader.spool(answer, &self.spool).await?;
        journey.active += self.door.clock.instant().duration_since(began);
        Ok(read.map_err(Ending::Broke))
    }
}

impl<'a> Journey<'a> {
    fn new(request: &'a Request) -> Self {
        Self {
            request,
            hops: Vec::new(),
            jar: Jar::default(),
            accept: request.accept,
            active: Duration::ZERO,
            seen: HashSet::new(),
        }
    }

    fn held_at(&self, address: &Address) -> Option<&'a Validators> {
        let held = self.request.held.as_ref().filter(|held| held.at == *address)?;
        Some(&held.validators).filter(|validators| !validators.is_empty())
    }

    fn step(&self, answer: &Answer, redirects: usize) -> Step {
        let broke = |failure| Step::End(Ending::Broke(failure));
        match answer.hop.status {
            301 | 302 | 303 | 307 | 308 if self.hops.len() > redirects => broke(Failure::TooManyRedirects),
            301 | 302 | 303 | 307 | 308 => {
                redirect::target(answer).map_or_else(|| broke(Failure::BadRedirect), Step::Follow)
            }
            304 if self.held_at(&answer.hop.address).is_some() => Step::End(Ending::NotModified),
            // Nobody asked whether it was modified.
            304 => broke(Failure::Protocol),
            406 | 415 if self.accept != Accept::Anything => Step::AskPlainly,
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
