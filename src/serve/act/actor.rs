//! Who may act on a course, and on which of its links.
//!
//! A reader of its letters, by the signed link in one; or one of its staff who
//! signed in. What an [`Actor`] does is carried out alike.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::Response;

use crate::domain::course::EmailAddress;
use crate::domain::decision::Gist;
use crate::domain::report::wording::actions;
use crate::domain::ticket::{Purpose, Ticket};
use crate::serve::answer::{self, Answer};
use crate::serve::desk::{Desk, Found, Shelf};
use crate::world::catalogue;

/// Someone who may act on a course.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Actor {
    pub shelf: Arc<Shelf>,
    /// The reader of a letter; nobody for one of the staff who signed in.
    pub reader: Option<EmailAddress>,
}

/// Why a signed link opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Refusal {
    /// Not sealed by us, or sealed for something else.
    Forged,
    /// Its day has come.
    Over,
    /// Its course is not ours any more, or its reader not one of the course's.
    Foreign,
    /// The course has no such link any more.
    NoSuchLink,
}

impl Refusal {
    /// A page that says so; nothing was changed.
    pub(in crate::serve) fn answer(self, desk: &Desk) -> Answer {
        let status = match self {
            Self::Forged | Self::Foreign => StatusCode::FORBIDDEN,
            Self::Over | Self::NoSuchLink => StatusCode::GONE,
        };
        let (title, text) = match self {
            Self::Forged => actions::FORGED,
            Self::Over => actions::OVER,
            Self::Foreign => actions::FOREIGN,
            Self::NoSuchLink => actions::NO_SUCH_LINK,
        };
        answer::message(desk, status, title, text).map(unkept)
    }
}

/// An answer that nobody keeps, and whose address nobody is told: it is a key.
pub(in crate::serve) fn unkept(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// Whom a signed link admits, and to what.
pub(in crate::serve) async fn by_ticket(
    desk: &Desk,
    text: &str,
) -> Result<Result<(Actor, Purpose), Refusal>, catalogue::Error> {
    let Some(key) = &desk.settings.signing_key else { return Ok(Err(Refusal::Forged)) };
    let Ok(ticket) = Ticket::open(text, key) else { return Ok(Err(Refusal::Forged)) };
    let shelves = desk.shelves().await?;
    let Some(shelf) = shelves.into_iter().find(|shelf| ticket.is_of(&shelf.night.course)) else {
        return Ok(Err(Refusal::Foreign));
    };
    let Some(reader) = shelf.rules.readers.iter().find(|reader| ticket.is_for(reader)).cloned() else {
        return Ok(Err(Refusal::Foreign));
    };
    if ticket.is_over(desk.day_at(&shelf)) {
        return Ok(Err(Refusal::Over));
    }
    Ok(Ok((Actor { shelf, reader: Some(reader) }, ticket.purpose)))
}

impl Actor {
    /// The links that a purpose is about: one, or those of its host that share its fate.
    pub(in crate::serve) fn links(&self, purpose: Purpose) -> Result<Vec<Found>, Refusal> {
        let (id, with_host) = match purpose {
            Purpose::Act(id) => (id, false),
            Purpose::ActOnHost(id) => (id, true),
            Purpose::Letters => return Err(Refusal::Forged),
        };
        let first = self.shelf.before_an_actor().find(|found| found.id() == id).ok_or(Refusal::NoSuchLink)?;
        let shares_its_fate = |found: &Found| {
            found.item().link.host() == first.item().link.host()
                && Gist::of(&found.item().verdict.state) == Gist::of(&first.item().verdict.state)
        };
        let others = self
            .shelf
            .before_an_actor()
            .filter(|found| with_host && found.id() != id && shares_its_fate(found));
        Ok([first.clone()].into_iter().chain(others).collect())
    }
}
