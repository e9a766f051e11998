//! One answer by itself, before anything else is known of the link.
//!
//! The order of the tests is the point: walls and gates come before statuses,
//! statuses before contents, so that a refusal is never taken for a death.

use crate::domain::document::{Defect, Document, Format};
use crate::domain::evidence::ask::Answer;
use crate::domain::evidence::mark::{self, What};
use crate::domain::evidence::{Reason, Weight};
use crate::domain::visit::{Ending, Failure, Withheld};

/// A page with a password field and no more words than this is a login page.
const LOGIN_PAGE_WORDS: u32 = 200;

/// What answers 202 with fewer words than this is no work.
const NOTICE_WORDS: u32 = 50;

/// What one answer looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Glance<'a> {
    /// A complete, sound body; whether it is the right one is not known yet.
    Work(&'a Document),
    /// 304: what we have.
    Unmodified,
    Gone(Reason, Weight),
    Restricted(Reason),
    Refused(Reason),
    Unclear(Reason),
}

impl Glance<'_> {
    /// Whether it answered with anything that may be the work.
    pub fn is_answer(&self) -> bool {
        matches!(self, Glance::Work(_) | Glance::Unmodified)
    }
}

pub fn glance(answer: &Answer) -> Glance<'_> {
    match &answer.exchange.ending {
        Ending::Broke(failure) => broke(*failure),
        Ending::Withheld(withheld) => match withheld {
            Withheld::Robots | Withheld::RobotsUnreachable => Glance::Refused(Reason::Robots),
            Withheld::HostStopped => Glance::Refused(Reason::RateLimited),
            Withheld::InternalAddress => Glance::Unclear(Reason::InternalAddress),
        },
        Ending::NotModified => Glance::Unmodified,
        // The very bytes we have are the work, whatever the server says of them.
        Ending::Answered(_) if answer.is_known => Glance::Unmodified,
        Ending::Answered(_) => {
            wall(answer).or_else(|| by_status(answer)).unwrap_or_else(|| by_content(answer))
        }
    }
}

fn broke<'a>(failure: Failure) -> Glance<'a> {
    match failure {
        Failure::NoSuchHost => Glance::Gone(Reason::NoSuchHost, Weight::Decisive),
        Failure::NameServer => Glance::Gone(Reason::NameServer, Weight::Weak),
        Failure::Connect | Failure::TimedOut | Failure::Reset | Failure::Tls | Failure::Protocol => {
            Glance::Gone(Reason::NotAnswering, Weight::Weak)
        }
        Failure::Certificate(_) => Glance::Gone(Reason::Certificate, Weight::Weak),
        Failure::RedirectLoop | Failure::TooManyRedirects => {
            Glance::Gone(Reason::RedirectLoop, Weight::Strong)
        }
        Failure::BadRedirect => Glance::Gone(Reason::ServerError, Weight::Weak),
        Failure::Truncated => Glance::Unclear(Reason::Truncated),
        Failure::TooLarge => Glance::Unclear(Reason::TooLarge),
        Failure::Encoding => Glance::Unclear(Reason::Unreadable),
    }
}

fn wall(answer: &Answer) -> Option<Glance<'_>> {
    match mark::first(&[What::BotWall, What::Consent, What::RateLimited, What::Login], answer)? {
        What::BotWall => Some(Glance::Refused(Reason::BotWall)),
        What::Consent => Some(Glance::Refused(Reason::Consent)),
        What::RateLimited => Some(Glance::Refused(Reason::RateLimited)),
        What::Login => Some(Glance::Restricted(Reason::Login)),
        What::Paywall | What::Parked | What::Missing | What::Maintenance | What::Spam => None,
    }
}

fn by_status(answer: &Answer) -> Option<Glance<'_>> {
    Some(match answer.exchange.status()? {
        200..=203 | 206..=299 => return None,
        204 | 205 => Glance::Gone(Reason::Empty, Weight::Inferred),
        401 | 407 => Glance::Restricted(Reason::Login),
        402 => Glance::Restricted(Reason::Paywall),
        403 => Glance::Refused(Reason::Forbidden),
        400 => Glance::Gone(Reason::ClientError, Weight::Strong),
        404 => Glance::Gone(Reason::NotFound, Weight::Strong),
        410 => Glance::Gone(Reason::Gone, Weight::Decisive),
        451 => Glance::Gone(Reason::Legal, Weight::Strong),
        429 => Glance::Refused(Reason::RateLimited),
        405..=499 => Glance::Refused(Reason::ClientError),
        500..=599 => Glance::Gone(Reason::ServerError, Weight::Weak),
        600.. => Glance::Refused(Reason::BotWall),
        ..=399 => Glance::Unclear(Reason::ServerError),
    })
}

fn by_content(answer: &Answer) -> Glance<'_> {
    let Some(document) = &answer.document else {
        return Glance::Unclear(Reason::Unreadable);
    };
    match document.defect {
        Some(Defect::Truncated) => return Glance::Unclear(Reason::Truncated),
        Some(Defect::Unreadable | Defect::TooCostly) => return Glance::Unclear(Reason::Unreadable),
        None => {}
    }
    if answer.exchange.status() == Some(202) && document.words() < NOTICE_WORDS {
        // "Accepted": firewalls answer so while they look at the visitor.
        return Glance::Refused(Reason::BotWall);
    }
    let Some(html) = &document.html else {
        return if document.format == Format::Empty {
            Glance::Gone(Reason::Empty, Weight::Inferred)
        } else {
            Glance::Work(document)
        };
    };
    if html.sends_to.is_some() {
        Glance::Work(document)
    } else if mark::count(What::Parked, answer) >= 2 {
        Glance::Gone(Reason::Parked, Weight::Decisive)
    } else if html.asks_password && html.words_shown < LOGIN_PAGE_WORDS {
        Glance::Restricted(Reason::Login)
    } else if html.is_shell {
        Glance::Unclear(Reason::ScriptOnly)
    } else if html.words_shown == 0 && document.title.is_none() {
        Glance::Gone(Reason::Empty, Weight::Inferred)
    } else {
        Glance::Work(document)
    }
}
