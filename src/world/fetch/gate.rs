//! What each origin's robots.txt permits: fetched when first needed, remembered
//! for the night, which is less than the day that RFC 9309 section 2.4 allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::body::Reader;
use super::door::{Answer, Ask, Door, Sent};
use super::redirect;
use super::trouble::origin;
use super::{Accept, Error};
use crate::domain::address::Address;
use crate::domain::policy::pace::Order;
use crate::domain::policy::robots::{BYTES_READ, Rules};
use crate::domain::visit::{Ending, Failure, Withheld};

/// RFC 9309 section 2.3.1.2.
const REDIRECTS: usize = 5;

#[derive(Clone)]
enum Permission {
    Rules(Arc<Rules>),
    /// There is no robots.txt.
    Everything,
    /// There may be one, but it cannot be had.
    Nothing,
}

type Slot = Arc<tokio::sync::Mutex<Option<Permission>>>;

#[derive(Default)]
pub(super) struct Gate {
    slots: Mutex<HashMap<String, Slot>>,
}

/// Whether an address may be asked for.
pub(super) enum Leave {
    Granted { crawl_delay: Option<Duration> },
    Refused(Ending),
}

impl Gate {
    pub(super) async fn ask(&self, door: &Door, address: &Address, fresh: bool) -> Result<Leave, Error> {
        if address.path() == "/robots.txt" {
            return Ok(Leave::Granted { crawl_delay: None });
        }
        let slot = Arc::clone(
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(origin(address)).or_default(),
        );
        // Whoever comes first fetches; the others wait here for the answer.
        let mut slot = slot.lock().await;
        let permission = if let Some(permission) = slot.as_ref() {
            permission.clone()
        } else {
            match fetch(door, address, fresh).await? {
                Ok(permission) => {
                    *slot = Some(permission.clone());
                    permission
                }
                Err(ending) => return Ok(Leave::Refused(ending)),
            }
        };
        Ok(match permission {
            Permission::Everything => Leave::Granted { crawl_delay: None },
            Permission::Nothing => Leave::Refused(Ending::Withheld(Withheld::RobotsUnreachable)),
            Permission::Rules(rules) if rules.allow(address) => {
                Leave::Granted { crawl_delay: rules.crawl_delay() }
            }
            Permission::Rules(_) => Leave::Refused(Ending::Withheld(Withheld::Robots)),
        })
    }
}

/// A host that cannot be reached at all is told as such: of the link nothing
/// else could be learnt.
async fn fetch(door: &Door, of: &Address, fresh: bool) -> Result<Result<Permission, Ending>, Error> {
    let Ok(mut address) = of.join("/robots.txt") else { return Ok(Ok(Permission::Everything)) };
    let mut asked_again = false;
    for _ in 0..=REDIRECTS + 1 {
        let ask = Ask {
            near: None,
            address: &address,
            cookie: None,
            validators: None,
            accept: Accept::Anything,
            fresh,
            crawl_delay: None,
            time: door.limits.idle.min(door.limits.page_time),
        };
        let answer = match door.send(&ask).await? {
            Sent::Answer(answer) => answer,
            Sent::Ended { ending, .. } => return Ok(no_answer(door, of, &address, ending)),
        };
        match answer.hop.status {
            429 | 503 if answer.order == Order::Wait && !asked_again => asked_again = true,
            200..=299 => return Ok(Ok(read(door, *answer).await)),
            301 | 302 | 303 | 307 | 308 => match redirect::target(&answer) {
                Some(next) => address = next,
                None => return Ok(Ok(Permission::Everything)),
            },
            429 | 500.. => return Ok(Ok(Permission::Nothing)),
            _ => return Ok(Ok(Permission::Everything)),
        }
    }
    Ok(Ok(Permission::Everything))
}

fn no_answer(door: &Door, of: &Address, asked: &Address, ending: Ending) -> Result<Permission, Ending> {
    // Where robots.txt was sent to another site, that site failing says nothing of the link.
    if site(of) != site(asked) {
        return Ok(Permission::Nothing);
    }
    if ending == Ending::Broke(Failure::TimedOut) {
        door.troubles.note_silent(of);
    }
    Err(ending)
}

fn site(address: &Address) -> &str {
    address.host().strip_prefix("www.").unwrap_or(address.host())
}

async fn read(door: &Door, answer: Answer) -> Permission {
    let reader = Reader {
        limits: &door.limits,
        clock: door.clock,
        bytes: Arc::clone(&door.bytes),
        spent: Duration::ZERO,
    };
    let (text, failure) = reader.start_of(answer, BYTES_READ).await;
    match failure {
        // What came of a broken file still says something; nothing says nothing.
        Some(_) if text.is_empty() => Permission::Nothing,
        Some(_) | None => Permission::Rules(Arc::new(Rules::read(&text))),
    }
}
