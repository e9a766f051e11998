//! Is what answered the work that was linked?

use crate::domain::address::Address;
use crate::domain::document::{Document, text};
use crate::domain::evidence::ask::Answer;
use crate::domain::evidence::glance::{Glance, glance};
use crate::domain::evidence::identity::{self, Identity, Known};
use crate::domain::evidence::mark::{self, What};
use crate::domain::evidence::memory::Kept;
use crate::domain::evidence::missing::{self, Host};
use crate::domain::evidence::site::Says;
use crate::domain::evidence::weigh::Case;
use crate::domain::evidence::{Finding, Reason, Weight};
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
        Glance::Gone(..) if has_the_right_body(case, page) => Sight::TheWork,
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

/// Identity beats status: an error with the body of the work is alive. Where
/// nothing is known of the work but the link's words, error pages repeat those
/// too, so that more has to stand there.
fn has_the_right_body(case: &Case, page: &Answer) -> bool {
    const WORDS: u32 = 50;
    const WORDS_ON_THE_FIRST_NIGHT: u32 = 200;
    let is_error = page.exchange.status().is_some_and(|status| status >= 400);
    page.document.as_ref().filter(|_| is_error).is_some_and(|document| {
        let is_known = case.memory.baseline.is_some();
        document.words() > if is_known { WORDS } else { WORDS_ON_THE_FIRST_NIGHT }
            && (is_known || !mark::any(What::Missing, page))
            && identity(case, document) == Identity::Proven
    })
}

/// A host that answers 404 to everything, front page included, gives weaker
/// evidence than one that does not.
fn of_not_found(case: &Case, page: &Answer, weight: Weight) -> Sight {
    let says = case.manners().says.zip(page.document.as_ref()).and_then(|(says, document)| says(document));
    match says {
        Some(Says::Withdrawn) => Sight::NotTheWork(Reason::Withdrawn, Weight::Strong),
        Some(Says::Missing) | None if root_says(case, Some(404)) => {
            Sight::NotTheWork(Reason::NotFound, Weight::Inferred)
        }
        Some(Says::Missing) | None => Sight::NotTheWork(Reason::NotFound, weight),
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
    if is_cut_off(case, document) {
        Sight::Unclear(Reason::Truncated)
    } else if is_paywalled(case, page, document) {
        Sight::Restricted(Reason::Paywall)
    } else if is_suspicious(case, page, document) {
        of_suspect(case, page, document)
    } else {
        Sight::TheWork
    }
}

/// The order is the point: what says most of the page comes first.
fn of_suspect(case: &Case, page: &Answer, document: &Document) -> Sight {
    let host = case.answers.sibling().map_or(Host::Unknown, |sibling| {
        let other = case.answers.first().filter(|first| !std::ptr::eq(*first, page));
        missing::compare_with_sibling(page, other, sibling, case.memory.baseline.is_none())
    });
    let identity = identity(case, document);
    let is_baseline_lost = case.baseline.is_some() && identity == Identity::Lost;
    if is_baseline_lost && mark::any(What::Maintenance, page) {
        Sight::NotTheWork(Reason::ServerError, Weight::Weak)
    } else if is_baseline_lost && is_hijacked(case, document) {
        Sight::NotTheWork(Reason::Hijacked, Weight::Decisive)
    } else if went_to_front_page(case, page, identity) {
        Sight::NotTheWork(Reason::FrontPage, Weight::Inferred)
    } else if host == Host::SaysTheSame {
        Sight::NotTheWork(
            if is_wrong_type(case, document) { Reason::WrongType } else { Reason::Soft404 },
            Weight::Inferred,
        )
    } else if is_wrong_type(case, document) && case.memory.baseline.is_some() {
        Sight::NotTheWork(Reason::WrongType, Weight::Strong)
    } else if went_to_another_site(case, page) && (is_baseline_lost || is_entrance(case, page, document)) {
        Sight::NotTheWork(Reason::OtherPage, Weight::Inferred)
    } else if says_missing(page, document, is_baseline_lost) {
        Sight::NotTheWork(Reason::Soft404, Weight::Inferred)
    } else if is_baseline_lost && went_elsewhere(case, page) {
        Sight::NotTheWork(Reason::OtherPage, Weight::Inferred)
    } else {
        Sight::TheWork
    }
}

/// Whether anything at all speaks against it; only then is more asked.
pub(super) fn is_suspicious(case: &Case, page: &Answer, document: &Document) -> bool {
    if case.subject.address.is_root() {
        return false;
    }
    let identity = identity(case, document);
    if identity == Identity::Proven {
        return false;
    }
    went_to_front_page(case, page, identity)
        || went_to_another_site(case, page)
        || is_wrong_type(case, document)
        || mark::any(What::Missing, page)
        || case.baseline.is_some_and(|baseline| has_shrunken(baseline, document))
        || (case.baseline.is_some() && identity == Identity::Lost)
        || is_first_look(case, document)
}

/// Nothing was ever kept of this link, and its own words do not tell what
/// came: how the host answers nonsense is worth asking. An address of one
/// segment may be an entrance that nonsense is sent to.
fn is_first_look(case: &Case, document: &Document) -> bool {
    let was_seen = case.memory.history.iter().any(|night| matches!(night.finding, Finding::Healthy { .. }));
    let is_deep = case.subject.address.path().trim_matches('/').contains('/');
    case.memory.baseline.is_none() && !was_seen && is_deep && document.html.is_some()
}

pub(super) fn identity(case: &Case, document: &Document) -> Identity {
    let words: Vec<&str> = case.subject.words.iter().map(String::as_str).collect();
    let known = Known { baseline: case.baseline, words: &words };
    if case.memory.baseline.as_ref().is_some_and(|baseline| baseline.text == document.fingerprint()) {
        return Identity::Proven;
    }
    if case.answers.documents().any(|answer| glance(answer) == Glance::Unmodified) {
        return Identity::Proven;
    }
    let behind = case.work().map(|(_, work)| work).filter(|work| !std::ptr::eq(*work, document));
    if behind.is_some_and(|work| identity::holds(work, &known) == Identity::Proven) {
        return Identity::Proven;
    }
    match identity::holds(document, &known) {
        // The page around a file need not read like it.
        Identity::Lost if is_file_withheld(case) => Identity::Unproven,
        identity => identity,
    }
}

/// The work is a file behind the page, and tonight it was not to be had: that
/// says nothing of the page.
fn is_file_withheld(case: &Case) -> bool {
    let is_file = |kept: &Kept| kept.capture.chain.first() != Some(&case.subject.address);
    let is_withheld = |answer: &Answer| match glance(answer) {
        Glance::Gone(_, Weight::Weak) | Glance::Restricted(_) | Glance::Refused(_) | Glance::Unclear(_) => {
            true
        }
        Glance::Gone(..) | Glance::Work(_) | Glance::Unmodified => false,
    };
    case.memory.baseline.as_ref().is_some_and(is_file) && case.answers.documents().any(is_withheld)
}

/// What is made to redirect may lead to the front page of another site from the
/// beginning: there it tells only where a work was known, was elsewhere and is lost.
fn went_to_front_page(case: &Case, page: &Answer, identity: Identity) -> bool {
    let (asked, end) = (&case.subject.address, page.exchange.final_address());
    let before = case.memory.baseline.as_ref().map(|baseline| &baseline.capture.document);
    let is_lost = case.baseline.is_some() && identity == Identity::Lost;
    let is_meant = case.manners().redirects_by_design
        && !missing::same_site(end, asked)
        && !(is_lost && before.is_some_and(|before| !end.is_canonically(before)));
    end.is_root() && !asked.is_root() && !end.is_canonically(asked) && !is_meant
}

/// Redirected to an address that neither is where the work was found before
/// nor keeps the name of what was linked, as `/v1/guide` to `/latest/guide` does.
fn went_elsewhere(case: &Case, page: &Answer) -> bool {
    let (asked, end) = (&case.subject.address, page.exchange.final_address());
    let before = case.memory.baseline.as_ref().map(|baseline| &baseline.capture.document);
    !end.is_canonically(asked)
        && before.is_none_or(|before| !end.is_canonically(before))
        && !has_same_name(end, asked)
}

fn went_to_another_site(case: &Case, page: &Answer) -> bool {
    !case.manners().redirects_by_design
        && !missing::same_site(page.exchange.final_address(), &case.subject.address)
}

/// An address so short that it can hardly be one particular work, unless it
/// keeps the name of what was linked or has a work to show.
fn is_entrance(case: &Case, page: &Answer, document: &Document) -> bool {
    let address = page.exchange.final_address();
    let shows_a_work =
        document.citation.doi.is_some() || case.work().is_some_and(|(_, work)| work.html.is_none());
    address.path().trim_matches('/').split('/').count() <= 1
        && address.url().query().is_none()
        && !has_same_name(address, &case.subject.address)
        && !shows_a_work
}

fn has_same_name(one: &Address, other: &Address) -> bool {
    let name = |address: &Address| {
        let path = address.path().trim_end_matches('/');
        path.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_lowercase)
    };
    name(one).is_some_and(|one| name(other) == Some(one))
}

fn is_wrong_type(case: &Case, document: &Document) -> bool {
    let before = case.baseline.map(|baseline| baseline.format);
    let is_a_file = |answer: &Answer| matches!(glance(answer), Glance::Work(work) if work.html.is_none());
    let has_file = case.answers.documents().any(is_a_file);
    !has_file && !is_file_withheld(case) && missing::is_wrong_type(&case.subject.address, before, document)
}

/// A page without anything to compare it with must be short, and say it twice:
/// that something does not exist may be what a handout is about.
fn says_missing(page: &Answer, document: &Document, is_baseline_lost: bool) -> bool {
    const NOTICE_WORDS: u32 = 60;
    match mark::count(What::Missing, page) {
        0 => false,
        1 => is_baseline_lost,
        _ => is_baseline_lost || document.words() < NOTICE_WORDS,
    }
}

/// Another work in the place of the one that was kept, and it advertises.
fn is_hijacked(case: &Case, document: &Document) -> bool {
    let is_spam = |document: &Document| {
        let spam = mark::spam(document);
        spam.in_title > 0 || spam.in_source >= mark::SPAM_WORDS
    };
    is_spam(document) && case.baseline.is_some_and(|baseline| !is_spam(baseline))
}

/// The text stops in the middle of the one before, and so does the markup: a
/// transfer that ended early without anyone saying so.
fn is_cut_off(case: &Case, document: &Document) -> bool {
    let has_end = |document: &Document| document.html.as_ref().map(|html| html.has_end);
    let Some(before) = case.baseline.filter(|before| has_end(before) == Some(true)) else { return false };
    let (old, mut new) = (text::words(&before.text), text::words(&document.text));
    // The last word may be cut as well.
    new.pop();
    has_end(document) == Some(false) && new.len() + 1 < old.len() && old.starts_with(&new)
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
