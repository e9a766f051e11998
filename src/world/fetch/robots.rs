//! The robots.txt of each origin: fetched when first needed and cached for the night,
//! which is less than the day that RFC 9309 section 2.4 allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::body::BodyReader;
use super::dispatch::{Dispatched, Dispatcher, HopRequest, HopResponse};
use super::failure_cache::origin;
use super::redirect;
use super::{Accept, Error};
use crate::domain::address::Address;
use crate::domain::policy::politeness::HostAction;
use crate::domain::policy::robots::{BYTES_READ, Rules};
use crate::domain::visit::{ExchangeEnd, Failure, NotSent};

/// RFC 9309 section 2.3.1.2.
const REDIRECTS: usize = 5;

#[derive(Clone)]
enum RobotsFile {
    Rules(Arc<Rules>),
    /// There is no robots.txt.
    AllowAll,
    /// It cannot be fetched now.
    DisallowAll,
}

type RobotsSlot = Arc<tokio::sync::Mutex<Option<RobotsFile>>>;

#[derive(Default)]
pub(super) struct RobotsCache {
    slots: Mutex<HashMap<String, RobotsSlot>>,
}

/// Whether an address may be requested.
pub(super) enum RobotsDecision {
    Allowed { crawl_delay: Option<Duration> },
    Denied(ExchangeEnd),
}

impl RobotsCache {
    pub(super) async fn check(
        &self,
        dispatcher: &Dispatcher,
        address: &Address,
        fresh: bool,
    ) -> Result<RobotsDecision, Error> {
        if address.path() == "/robots.txt" {
            return Ok(RobotsDecision::Allowed { crawl_delay: None });
        }
        let slot = Arc::clone(
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(origin(address)).or_default(),
        );
        // The first task fetches; the others wait for its result.
        let mut slot = slot.lock().await;
        let file = if let Some(file) = slot.as_ref() {
            file.clone()
        } else {
            match fetch(dispatcher, address, fresh).await? {
                Ok(file) => {
                    *slot = Some(file.clone());
                    file
                }
                Err(ending) => return Ok(RobotsDecision::Denied(ending)),
            }
        };
        Ok(match file {
            RobotsFile::AllowAll => RobotsDecision::Allowed { crawl_delay: None },
            RobotsFile::DisallowAll => {
                RobotsDecision::Denied(ExchangeEnd::NotSent(NotSent::RobotsUnreachable))
            }
            RobotsFile::Rules(rules) if rules.allow(address) => {
                RobotsDecision::Allowed { crawl_delay: rules.crawl_delay() }
            }
            RobotsFile::Rules(_) => RobotsDecision::Denied(ExchangeEnd::NotSent(NotSent::Robots)),
        })
    }
}

/// A host that cannot be reached ends the exchange with that failure, because the link
/// would fail in the same way.
async fn fetch(
    dispatcher: &Dispatcher,
    of: &Address,
    fresh: bool,
) -> Result<Result<RobotsFile, ExchangeEnd>, Error> {
    let Ok(mut address) = of.join("/robots.txt") else { return Ok(Ok(RobotsFile::AllowAll)) };
    let mut asked_again = false;
    for _ in 0..=REDIRECTS + 1 {
        let request = HopRequest {
            accept_datetime: None,
            address: &address,
            cookie: None,
            validators: None,
            accept: Accept::Anything,
            call: None,
            fresh,
            crawl_delay: None,
            time: dispatcher.limits.idle.min(dispatcher.limits.page_time),
        };
        let response = match dispatcher.send(&request).await? {
            Dispatched::Response(response) => response,
            Dispatched::Ended { ending, .. } => return Ok(unreachable(dispatcher, of, &address, ending)),
        };
        match response.hop.status {
            429 | 503 if response.order == HostAction::Wait && !asked_again => asked_again = true,
            200..=299 => return Ok(read(dispatcher, *response).await),
            301 | 302 | 303 | 307 | 308 => match redirect::target(&response) {
                Some(next) => address = next,
                None => return Ok(Ok(RobotsFile::AllowAll)),
            },
            429 | 500.. => return Ok(Ok(RobotsFile::DisallowAll)),
            _ => return Ok(Ok(RobotsFile::AllowAll)),
        }
    }
    Ok(Ok(RobotsFile::AllowAll))
}

fn unreachable(
    dispatcher: &Dispatcher,
    of: &Address,
    asked: &Address,
    ending: ExchangeEnd,
) -> Result<RobotsFile, ExchangeEnd> {
    // A robots.txt may redirect to another site. A failure there does not concern the link.
    let is_local = matches!(ending, ExchangeEnd::NotSent(NotSent::LocalFault(_)));
    if site(of) != site(asked) && !is_local {
        return Ok(RobotsFile::DisallowAll);
    }
    if ending == ExchangeEnd::Failed(Failure::TimedOut) {
        dispatcher.failures.record_timeout(of);
    }
    Err(ending)
}

fn site(address: &Address) -> &str {
    address.host().strip_prefix("www.").unwrap_or(address.host())
}

async fn read(dispatcher: &Dispatcher, response: HopResponse) -> Result<RobotsFile, ExchangeEnd> {
    let reader = BodyReader {
        limits: &dispatcher.limits,
        clock: dispatcher.clock,
        bytes: Arc::clone(&dispatcher.bytes),
        spent: Duration::ZERO,
    };
    let (text, ending) = reader.read_prefix(response, BYTES_READ).await;
    match ending {
        Some(ending @ ExchangeEnd::NotSent(NotSent::LocalFault(_))) => Err(ending),
        // The beginning of an incomplete file still contains rules.
        Some(_) if text.is_empty() => Ok(RobotsFile::DisallowAll),
        Some(_) | None => Ok(RobotsFile::Rules(Arc::new(Rules::read(&text)))),
    }
}
