//! Is what answered the work that was linked?

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::ask::Answer;
use crate::domain::evidence::glance::{Glance, glance};
use crate::domain::evidence::identity::{self, Identity, Known};
use crate::domain::evidence::mark::{self, What};
use crate::domain::evidence::missing::{self, Host};
use crate::domain::evidence::site::Says;
use crate::domain::evidence::weigh::Case;
use crate::domain::evidence::{Reason, Weight};
use crate::domain::visit::Hop;

/// Below this share of the words before, a page is not the work any more.
const SHRUNKEN: f64 = 0.3;

/// The page's answer in the light of what was linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    TheWork,
    Unmodified,
    NotTheWork(Reason, Weight),
    Restricted(Reason),
    Refused(Reason),
    Unclear(Reason),
}

pub(super) fn sight(case: &Case, page: &Answer) -> Sight {
    match glance(page) {
        Glance::Work(document) => of_work(case, page, document),
        Glance::Unmodified => Sight::Unmodified,
        Glance::Gone(Reason::NotFound, weight) => of_not_found(case, page, weight),
        Glance::Gone(Reason::ClientError, weight) if root_says(case, page.exchange.status()) => {
            debug_assert!(weight == Weight::Strong);
            Sight::Refused(Reason::ClientError)
        }
        Glance::Gone(reason, weight) => Sight::NotTheWork(reason, weight),
        Glance::Refused(Reason::Forbidden) => of_forbidden(case),
        Glance::Restricted(reason) => Sight::Restricted(reason),
        Glance::Refused(reason) => Sight::Refused(reason),
        Glance::Unclear(Reason::InternalAddress) if case.memory.baseline.is_some() => {
            Sight::NotTheWork(Reason::InternalAddress, Weight::Inferred)
        }
        Glance::Unclear(reason) => Sight::Unclear(reason),
    }
}

fn root_says(case: &Case, status: Option<u16>) -> bool {
    status.is_some() && case.answers.root().is_some_and(|root| root.exchange.status() == status)
}

/// A 404 with the right body is alive; a host that answers 404 to everything,
/// front page included, gives weaker evidence than one that does not.
fn of_not_found(case: &Case, page: &Answer, weight: Weight) -> Sight {
    let right_body = page.document.as_ref().is_some_and(|document| {
        case.baseline.is_some() && identity(case, document) == Identity::Proven && document.words() > 50
    });
    let withdrawn =
        case.manners().says.zip(page.document.as_ref()).and_then(|(says, document)| says(document));
    match (right_body, withdrawn) {
        (true, _) => Sight::TheWork,
        (_, Some(Says::Withdrawn)) => Sight::NotTheWork(Reason::Withdrawn, Weight::Strong),
        _ if root_says(case, Some(404)) => Sight::NotTheWork(Reason::NotFound, Weight::Inferred),
        _ => Sight::NotTheWork(Reason::NotFound, weight),
    }
}

/// Refused here but not at the front page, where it was open before.
fn of_forbidden(case: &Case) -> Sight {
    let root_is_open = case.answers.root().is_some_and(|root| glance(root).is_answer());
    if case.memory.baseline.is_some() && root_is_open {
        Sight::Restricted(Reason::Forbidden)
    } else {
        Sight::Refused(Reason::Forbidden)
    }
}

fn of_work(case: &Case, page: &Answer, document: &Document) -> Sight {
    if let Some(says) = case.manners().says.and_then(|says| says(document)) {
        match says {
            Says::Missing => return Sight::NotTheWork(Reason::Soft404, Weight::Inferred),
            Says::Withdrawn => return Sight::TheWork,
        }
    }
    if document.html.as_ref().is_some_and(|html| html.sends_to.is_some()) {
        // It sends its readers in circles.
        return Sight::NotTheWork(Reason::RedirectLoop, Weight::Inferred);
    }
    if !is_suspicious(case, page, document) {
        return Sight::TheWork;
    }
    let identity = identity(case, document);
    let host =
        case.answers.sibling().map_or(Host::Unknown, |sibling| missing::compare_with_sibling(page, sibling));
    let is_baseline_lost = case.baseline.is_some() && identity == Identity::Lost;
    if is_paywalled(case, page, document) {
        Sight::Restricted(Reason::Paywall)
    } else if went_to_front_page(case, page) {
        Sight::NotTheWork(Reason::FrontPage, Weight::Inferred)
    } else if host == Host::SaysTheSame {
        Sight::NotTheWork(
            if is_wrong_type(case, document) { Reason::WrongType } else { Reason::Soft404 },
            Weight::Inferred,
        )
    } else if is_wrong_type(case, document) && case.memory.baseline.is_some() {
        Sight::NotTheWork(Reason::WrongType, Weight::Strong)
    } else if went_to_another_site(case, page) && (is_baseline_lost || is_landing_page(page)) {
        Sight::NotTheWork(Reason::OtherPage, Weight::Inferred)
    } else if mark::any(What::Missing, page) && (is_baseline_lost || document.words() < 60) {
        Sight::NotTheWork(Reason::Soft404, Weight::Inferred)
    } else {
        Sight::TheWork
    }
}

/// Whether anything at all speaks against it; only then is more asked.
pub(super) fn is_suspicious(case: &Case, page: &Answer, document: &Document) -> bool {
    if case.subject.address.is_root() || identity(case, document) == Identity::Proven {
        return false;
    }
    went_to_front_page(case, page)
        || went_to_another_site(case, page)
        || is_wrong_type(case, document)
        || mark::any(What::Missing, page)
        || case.baseline.is_some_and(|baseline| has_shrunken(baseline, document))
        || (case.baseline.is_some() && identity(case, document) == Identity::Lost)
}

pub(super) fn identity(case: &Case, document: &Document) -> Identity {
    let words: Vec<&str> = case.subject.words.iter().map(String::as_str).collect();
    let known = Known { baseline: case.baseline, words: &words };
    if case.answers.documents().any(|answer| glance(answer) == Glance::Unmodified) {
        return Identity::Proven;
    }
    let behind = case.work().map(|(_, work)| work).filter(|work| !std::ptr::eq(*work, document));
    if behind.is_some_and(|work| identity::holds(work, &known) == Identity::Proven) {
        return Identity::Proven;
    }
    identity::holds(document, &known)
}

fn went_to_front_page(case: &Case, page: &Answer) -> bool {
    page.exchange.final_address().is_root() && !case.subject.address.is_root()
}

fn went_to_another_site(case: &Case, page: &Answer) -> bool {
    !case.manners().redirects_by_design
        && !missing::same_site(page.exchange.final_address(), &case.subject.address)
}

/// An address so short that it can hardly be one particular work.
fn is_landing_page(page: &Answer) -> bool {
    let address = page.exchange.final_address();
    address.path().trim_matches('/').split('/').count() <= 1 && address.url().query().is_none()
}

fn is_wrong_type(case: &Case, document: &Document) -> bool {
    let before = case.baseline.map(|baseline| baseline.format);
    let has_file = case.work().is_some_and(|(_, work)| work.html.is_none());
    !has_file && missing::is_wrong_type(&case.subject.address, before, document)
}

fn has_shrunken(before: &Document, now: &Document) -> bool {
    f64::from(now.words()) < SHRUNKEN * f64::from(before.words())
}

fn is_paywalled(case: &Case, page: &Answer, document: &Document) -> bool {
    case.baseline.is_some_and(|baseline| has_shrunken(baseline, document)) && mark::any(What::Paywall, page)
}

/// Where a permanent redirect leads, if it leads there all the way and is more
/// than the tidying every site does.
pub(super) fn moved_to(case: &Case, page: &Answer) -> Option<Address> {
    let asked = &case.subject.address;
    let first = case.answers.first()?;
    let by_page = case.answers.onward().is_some();
    let (last, before) = page.exchange.hops.split_last()?;
    let redirects: Vec<&Hop> = if by_page {
        first.exchange.hops.iter().rev().skip(1).chain(before).collect()
    } else {
        before.iter().collect()
    };
    let permanent = redirects.iter().all(|hop| matches!(hop.status, 301 | 308));
    let elsewhere = !last.address.is_canonically(asked);
    let designed = case.manners().redirects_by_design;
    ((by_page || !redirects.is_empty()) && permanent && elsewhere && !designed).then(|| last.address.clone())
}
