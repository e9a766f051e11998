//! Classifies one response by itself, without anything else that is known about the link.
//!
//! The order of the tests matters: walls and login pages come before statuses, and
//! statuses before contents, so that a refusal never counts as a dead link.

use crate::domain::document::{Document, DocumentDefect, Format};
use crate::domain::evidence::client_redirect;
use crate::domain::evidence::page_signatures::{self, SignatureKind};
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::{Reason, Weight};
use crate::domain::visit::{CertificateError, ExchangeEnd, Failure, NotSent};

/// A page with a password field and at most this many words is a login page.
const LOGIN_PAGE_WORDS: u32 = 200;

/// A 202 response with fewer words than this is not a work.
const NOTICE_WORDS: u32 = 50;

/// The class of one response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ResponseClass<'a> {
    /// A complete, readable body; whether it is the linked work is decided elsewhere.
    Content(&'a Document),
    /// A 304: the baseline is still current.
    Unmodified,
    Gone(Reason, Weight),
    Restricted(Reason),
    Refused(Reason),
    Unclear(Reason),
}

impl ResponseClass<'_> {
    /// Whether the response may be the work.
    pub fn is_answer(&self) -> bool {
        matches!(self, ResponseClass::Content(_) | ResponseClass::Unmodified)
    }
}

pub fn classify(answer: &ProbeResult) -> ResponseClass<'_> {
    match &answer.exchange.ending {
        ExchangeEnd::Failed(failure) => broke(*failure),
        ExchangeEnd::NotSent(withheld) => match withheld {
            NotSent::Robots | NotSent::RobotsUnreachable => ResponseClass::Refused(Reason::Robots),
            NotSent::HostStopped => ResponseClass::Refused(Reason::RateLimited),
            NotSent::InternalAddress => ResponseClass::Unclear(Reason::InternalAddress),
            NotSent::LocalFault(_) => ResponseClass::Unclear(Reason::NotChecked),
        },
        ExchangeEnd::NotModified => ResponseClass::Unmodified,
        // The bytes are those of the baseline, so this is the work, with any status.
        ExchangeEnd::Answered(_) if answer.is_known => ResponseClass::Unmodified,
        ExchangeEnd::Answered(_) => {
            wall(answer).or_else(|| by_status(answer)).unwrap_or_else(|| by_content(answer))
        }
    }
}

/// Whether the requested address redirects to itself, and not another address of the
/// chain.
pub(super) fn redirects_to_itself(answer: &ProbeResult) -> bool {
    answer.exchange.last_hop().is_some_and(|hop| {
        let target = hop.headers.get("location").and_then(|location| hop.address.join(location).ok());
        hop.address.is_canonically(&answer.exchange.asked)
            && target.is_some_and(|target| target == hop.address)
    })
}

fn broke<'a>(failure: Failure) -> ResponseClass<'a> {
    match failure {
        Failure::NoSuchHost => ResponseClass::Gone(Reason::NoSuchHost, Weight::Decisive),
        Failure::NameServer => ResponseClass::Gone(Reason::NameServer, Weight::Weak),
        Failure::Connect | Failure::TimedOut | Failure::Reset | Failure::Tls | Failure::Protocol => {
            ResponseClass::Gone(Reason::NotAnswering, Weight::Weak)
        }
        // Browsers fetch the missing certificate, and still accept the ciphers.
        Failure::Certificate(CertificateError::MissingIntermediate) => {
            ResponseClass::Unclear(Reason::IncompleteChain)
        }
        Failure::TlsCipher => ResponseClass::Unclear(Reason::OldCipher),
        Failure::TlsVersion => ResponseClass::Gone(Reason::OldTls, Weight::Weak),
        Failure::Certificate(_) => ResponseClass::Gone(Reason::Certificate, Weight::Weak),
        Failure::RedirectLoop | Failure::TooManyRedirects => {
            ResponseClass::Gone(Reason::RedirectLoop, Weight::Strong)
        }
        Failure::BadRedirect => ResponseClass::Gone(Reason::ServerError, Weight::Weak),
        Failure::Truncated => ResponseClass::Unclear(Reason::Truncated),
        Failure::TooLarge => ResponseClass::Unclear(Reason::TooLarge),
        Failure::Encoding => ResponseClass::Unclear(Reason::Unreadable),
    }
}

fn wall(answer: &ProbeResult) -> Option<ResponseClass<'_>> {
    match page_signatures::first(
        &[SignatureKind::BotWall, SignatureKind::Consent, SignatureKind::RateLimited, SignatureKind::Login],
        answer,
    )? {
        SignatureKind::BotWall => Some(ResponseClass::Refused(Reason::BotWall)),
        SignatureKind::Consent => Some(ResponseClass::Refused(Reason::Consent)),
        SignatureKind::RateLimited => Some(ResponseClass::Refused(Reason::RateLimited)),
        SignatureKind::Login => Some(ResponseClass::Restricted(Reason::Login)),
        SignatureKind::Paywall
        | SignatureKind::Parked
        | SignatureKind::Missing
        | SignatureKind::Maintenance
        | SignatureKind::ServerError
        | SignatureKind::DirectoryIndex
        | SignatureKind::Disabled
        | SignatureKind::SearchEngine
        | SignatureKind::Spam => None,
    }
}

fn by_status(answer: &ProbeResult) -> Option<ResponseClass<'_>> {
    Some(match answer.exchange.status()? {
        200..=203 | 206..=299 => return None,
        204 | 205 => ResponseClass::Gone(Reason::Empty, Weight::Inferred),
        401 | 407 => ResponseClass::Restricted(Reason::Login),
        400..=599 if page_signatures::has_any(SignatureKind::Disabled, answer) => {
            ResponseClass::Gone(Reason::ServerError, Weight::Weak)
        }
        402 => ResponseClass::Restricted(Reason::Paywall),
        403 => ResponseClass::Refused(Reason::Forbidden),
        400 => ResponseClass::Gone(Reason::ClientError, Weight::Strong),
        404 => ResponseClass::Gone(Reason::NotFound, Weight::Strong),
        410 => ResponseClass::Gone(Reason::Gone, Weight::Decisive),
        451 => ResponseClass::Gone(Reason::Legal, Weight::Strong),
        429 => ResponseClass::Refused(Reason::RateLimited),
        405..=499 => ResponseClass::Refused(Reason::ClientError),
        500..=599 => ResponseClass::Gone(Reason::ServerError, Weight::Weak),
        600.. => ResponseClass::Refused(Reason::BotWall),
        ..=399 => ResponseClass::Unclear(Reason::ServerError),
    })
}

fn by_content(answer: &ProbeResult) -> ResponseClass<'_> {
    let Some(document) = &answer.document else {
        return ResponseClass::Unclear(Reason::Unreadable);
    };
    match document.defect {
        Some(DocumentDefect::Truncated) => return ResponseClass::Unclear(Reason::Truncated),
        Some(DocumentDefect::Unreadable | DocumentDefect::TooCostly) => {
            return ResponseClass::Unclear(Reason::Unreadable);
        }
        Some(DocumentDefect::DoublyCompressed) => return ResponseClass::Unclear(Reason::Unreadable),
        Some(DocumentDefect::LfsPointer) => return ResponseClass::Gone(Reason::WrongType, Weight::Inferred),
        // A file that needs a password still exists.
        Some(DocumentDefect::Locked) => return ResponseClass::Content(document),
        // A text in place of a file is compared with the baseline later.
        Some(DocumentDefect::ErrorText) => {}
        None => {}
    }
    if client_redirect::target(answer).is_some() {
        return ResponseClass::Content(document);
    }
    if answer.exchange.status() == Some(202) && !document.has_words(NOTICE_WORDS) {
        // 202 Accepted: firewalls use it while they check the visitor.
        return ResponseClass::Refused(Reason::BotWall);
    }
    if document.is_pointer() {
        return ResponseClass::Unclear(Reason::Unreadable);
    }
    let Some(html) = &document.html else {
        return if document.format == Format::Empty {
            ResponseClass::Gone(Reason::Empty, Weight::Inferred)
        } else {
            ResponseClass::Content(document)
        };
    };
    if page_signatures::count(SignatureKind::Parked, answer) >= 2 {
        ResponseClass::Gone(Reason::Parked, Weight::Decisive)
    } else if html.asks_password && html.words_shown < LOGIN_PAGE_WORDS {
        ResponseClass::Restricted(Reason::Login)
    } else if html.is_shell {
        ResponseClass::Unclear(Reason::ScriptOnly)
    } else if html.words_shown == 0 && document.title.is_none() {
        ResponseClass::Gone(Reason::Empty, Weight::Inferred)
    } else {
        ResponseClass::Content(document)
    }
}
