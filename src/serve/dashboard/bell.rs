//! The bell on the desk: a page asks for a look at a link, the service answers.
//!
//! The pages never ask the web themselves. Whoever keeps the nights hears the
//! bell between them, and looks with the fetcher that is polite.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::domain::address::Address;
use crate::domain::course::CourseId;
use crate::serve::desk::Found;

/// Links that wait for a look at most; more are asked for later.
const WAITING: usize = 64;

/// A link is not asked for again sooner: its host has been asked just now.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// What became of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Ring {
    pub asked: Timestamp,
    pub answered: Option<Answered>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Answered {
    pub at: Timestamp,
    pub is_cleared: bool,
}

type Rings = Arc<Mutex<HashMap<Address, Ring>>>;

/// The side of the pages. Without a listener it rings for nobody.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    wire: Option<mpsc::Sender<Call>>,
    rings: Rings,
}

/// The side of the service.
#[derive(Debug)]
pub struct Listener {
    wire: mpsc::Receiver<Call>,
}

/// One link that someone asks for.
#[derive(Debug)]
pub struct Call {
    pub course: CourseId,
    pub link: Address,
    rings: Rings,
}

impl Bell {
    pub fn hung() -> (Self, Listener) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { wire: Some(sender), rings: Rings::default() }, Listener { wire: receiver })
    }

    pub(in crate::serve) fn is_heard(&self) -> bool {
        self.wire.is_some()
    }

    /// Asks for the links, but for those asked for just now.
    pub(in crate::serve) fn ring(&self, course: &CourseId, links: &[Found], now: Timestamp) {
        let Some(wire) = &self.wire else { return };
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.retain(|_, ring| now.duration_since(ring.asked) < PAUSE);
        for link in links.iter().map(|found| &found.item().link) {
            let call = Call { course: course.clone(), link: link.clone(), rings: Arc::clone(&self.rings) };
            if !rings.contains_key(link) && wire.try_send(call).is_ok() {
                rings.insert(link.clone(), Ring { asked: now, answered: None });
            }
        }
    }

    /// Whether and when a link was asked for lately.
    pub(in crate::serve) fn rung(&self, link: &Address) -> Option<Ring> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner).get(link).copied()
    }
}

impl Listener {
    /// The next link to look at; never comes where nobody can ring.
    pub async fn next(&mut self) -> Call {
        match self.wire.recv().await {
            Some(call) => call,
            None => std::future::pending().await,
        }
    }
}

impl Call {
    pub fn answer(self, at: Timestamp, is_cleared: bool) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = rings.get_mut(&self.link) {
            ring.answered = Some(Answered { at, is_cleared });
        }
    }
}
