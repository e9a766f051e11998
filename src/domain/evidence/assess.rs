//! Assesses one response: whether it is the linked work.

use crate::domain::document::{Document, Format, text};
use crate::domain::evidence::classify::{ResponseClass, classify, redirects_to_itself};
use crate::domain::evidence::client_redirect;
use crate::domain::evidence::host_rules::PageStatement;
use crate::domain::evidence::identity::{self, Identity, Reference};
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::evidence::page_signatures::{self, SignatureKind};
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::redirect_target;
use crate::domain::evidence::soft_404::{self, NotFoundHandling};
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Evidence, Finding, Reason, Weight};

/// A page with fewer than this share of the earlier words is not the work any more.
const SHRUNKEN: f64 = 0.3;

/// The assessment of a page's response, with what is known of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assessment {
    Match,
    Unmodified,
    Mismatch(Reason, Weight),
    Restricted(Reason),
    Refused(Reason),
    Unclear(Reason),
}

pub(super) fn assess(context: &VisitContext, page: &ProbeResult) -> Assessment {
    match classify(page) {
        ResponseClass::Content(document) => of_work(context, page, document),
        ResponseClass::Unmodified => Assessment::Unmodified,
        ResponseClass::Gone(..) if has_the_right_body(context, page) => Assessment::Match,
        ResponseClass::Gone(Reason::NotFound | Reason::ClientError, _)
            if context.host_rules().hides_from_programs =>
        {
            Assessment::Refused(Reason::BotWall)
        }
        ResponseClass::Gone(Reason::NotFound, weight) => of_not_found(context, page, weight),
        ResponseClass::Gone(Reason::ClientError, weight)
            if front_page_has_status(context, page.exchange.status()) =>
        {
            debug_assert!(weight == Weight::Strong);
            Assessment::Refused(Reason::ClientError)
        }
        // Browsers may get the page even if programs only get a redirect loop.
        ResponseClass::Gone(Reason::RedirectLoop, _) if !was_seen(context) && redirects_to_itself(page) => {
            Assessment::Refused(Reason::BotWall)
        }
        ResponseClass::Gone(reason, weight) => Assessment::Mismatch(reason, weight),
        ResponseClass::Refused(Reason::Forbidden) => of_forbidden(context),
        ResponseClass::Restricted(reason) => Assessment::Restricted(reason),
        ResponseClass::Refused(reason) => Assessment::Refused(reason),
        ResponseClass::Unclear(Reason::InternalAddress) if context.history.baseline.is_some() => {
            Assessment::Mismatch(Reason::InternalAddress, Weight::Inferred)
        }
        ResponseClass::Unclear(reason) => Assessment::Unclear(reason),
    }
}

fn front_page_has_status(context: &VisitContext, status: Option<u16>) -> bool {
    status.is_some() && context.results.front_page().is_some_and(|root| root.exchange.status() == status)
}

/// The body decides before the status: an error status with the body of the work counts
/// as a match. Without a baseline only the link's words are known, and error pages
/// repeat these, so such a page needs more words.
fn has_the_right_body(context: &VisitContext, page: &ProbeResult) -> bool {
    const WORDS: u32 = 50;
    const WORDS_ON_THE_FIRST_NIGHT: u32 = 200;
    let is_error = page.exchange.status().is_some_and(|status| status >= 400);
    page.document.as_ref().filter(|_| is_error).is_some_and(|document| {
        let is_known = context.history.baseline.is_some();
        document.words() > if is_known { WORDS } else { WORDS_ON_THE_FIRST_NIGHT }
            && (is_known || !page_signatures::has_any(SignatureKind::Missing, page))
            && identity(context, document) == Identity::Confirmed
    })
}

/// A host that answers 404 to everything, even to its front page, gives weaker
/// evidence than other hosts.
fn of_not_found(context: &VisitContext, page: &ProbeResult, weight: Weight) -> Assessment {
    let says = context
        .host_rules()
        .statement
        .zip(page.document.as_ref())
        .and_then(|(says, document)| says(document));
    match says {
        Some(PageStatement::Withdrawn) => Assessment::Mismatch(Reason::Withdrawn, Weight::Strong),
        Some(PageStatement::Private) => Assessment::Restricted(Reason::Private),
        Some(PageStatement::Missing) | None if front_page_has_status(context, Some(404)) => {
            Assessment::Mismatch(Reason::NotFound, Weight::Inferred)
        }
        Some(PageStatement::Missing) | None => Assessment::Mismatch(Reason::NotFound, weight),
    }
}

/// The host refuses this address but not its front page, and the link worked before.
fn of_forbidden(context: &VisitContext) -> Assessment {
    let root_is_open = context.results.front_page().is_some_and(|root| classify(root).is_answer());
    if context.history.baseline.is_some() && root_is_open {
        Assessment::Restricted(Reason::Forbidden)
    } else {
        Assessment::Refused(Reason::Forbidden)
    }
}

fn of_work(context: &VisitContext, page: &ProbeResult, document: &Document) -> Assessment {
    if let Some(says) = context.host_rules().statement.and_then(|says| says(document)) {
        match says {
            PageStatement::Missing => return Assessment::Mismatch(Reason::Soft404, Weight::Inferred),
            PageStatement::Withdrawn => return Assessment::Match,
            PageStatement::Private => return Assessment::Restricted(Reason::Private),
        }
    }
    if client_redirect::target(page).is_some() {
        // The page redirects in a circle.
        return Assessment::Mismatch(Reason::RedirectLoop, Weight::Inferred);
    }
    if is_cut_off(context, document) {
        Assessment::Unclear(Reason::Truncated)
    } else if is_paywalled(context, page, document) {
        Assessment::Restricted(Reason::Paywall)
    } else if is_suspicious(context, page, document) {
        of_suspect(context, page, document)
    } else {
        Assessment::Match
    }
}

/// The order of the checks matters: the most specific finding comes first.
fn of_suspect(context: &VisitContext, page: &ProbeResult, document: &Document) -> Assessment {
    let host = context.results.nonexistent().map_or(NotFoundHandling::Unknown, |sibling| {
        let other = context.results.first().filter(|first| !std::ptr::eq(*first, page));
        soft_404::compare_with_nonexistent(page, other, sibling, context.history.baseline.is_none())
    });
    let identity = identity(context, document);
    let is_baseline_lost = context.baseline.is_some() && identity == Identity::Mismatch;
    if is_baseline_lost && page_signatures::has_any(SignatureKind::Maintenance, page)
        || says(SignatureKind::ServerError, page, document, is_baseline_lost)
    {
        Assessment::Mismatch(Reason::ServerError, Weight::Weak)
    } else if is_baseline_lost && is_hijacked(context, document) {
        Assessment::Mismatch(Reason::Hijacked, Weight::Decisive)
    } else if redirect_target::went_to_front_page(context, page, identity) {
        Assessment::Mismatch(Reason::FrontPage, Weight::Inferred)
    } else if redirect_target::is_search_engine(context, page) {
        Assessment::Mismatch(Reason::OtherPage, Weight::Inferred)
    } else if host == NotFoundHandling::SamePage {
        Assessment::Mismatch(
            if is_wrong_type(context, document) { Reason::WrongType } else { Reason::Soft404 },
            Weight::Inferred,
        )
    } else if document.format == Format::Text
        && is_wrong_type(context, document)
        && context.history.baseline.is_none()
    {
        // Probably an error of a program, which may be over on another night.
        Assessment::Mismatch(Reason::WrongType, Weight::Weak)
    } else if is_wrong_type(context, document) && context.history.baseline.is_some() {
        Assessment::Mismatch(Reason::WrongType, Weight::Strong)
    } else if redirect_target::went_to_another_site(context, page)
        && (is_baseline_lost || redirect_target::is_entrance(context, page, document))
    {
        Assessment::Mismatch(Reason::OtherPage, Weight::Inferred)
    } else if is_missing_notice(page, document, is_baseline_lost)
        || (is_baseline_lost && became_directory_index(context, document))
    {
        Assessment::Mismatch(Reason::Soft404, Weight::Inferred)
    } else if is_baseline_lost && redirect_target::went_elsewhere(context, page) {
        Assessment::Mismatch(Reason::OtherPage, Weight::Inferred)
    } else {
        Assessment::Match
    }
}

/// Whether there is any sign that the page is not the work. Only then are further probes sent.
pub(super) fn is_suspicious(context: &VisitContext, page: &ProbeResult, document: &Document) -> bool {
    if context.link.address.is_root() {
        return false;
    }
    let identity = identity(context, document);
    if identity == Identity::Confirmed {
        return false;
    }
    redirect_target::went_to_front_page(context, page, identity)
        || redirect_target::went_to_another_site(context, page)
        || is_wrong_type(context, document)
        || redirect_target::is_search_engine(context, page)
        || page_signatures::has_any(SignatureKind::Missing, page)
        || page_signatures::has_any(SignatureKind::ServerError, page)
        || is_file_gone(context)
        || context.baseline.is_some_and(|baseline| has_shrunken(baseline, document))
        || (context.baseline.is_some() && identity == Identity::Mismatch)
        || is_first_look(context, document)
}

/// No capture of this link was ever stored, and the link's words do not identify the
/// page. A probe of a nonexistent address then shows how the host reports errors. An
/// address of one segment is left out, because nonexistent addresses may redirect to it.
fn is_first_look(context: &VisitContext, document: &Document) -> bool {
    let is_deep = context.link.address.path().trim_matches('/').contains('/');
    !was_seen(context) && is_deep && document.html.is_some()
}

/// Whether the work was there on an earlier night.
fn was_seen(context: &VisitContext) -> bool {
    let is_healthy = |night: &Evidence| matches!(night.finding, Finding::Healthy { .. });
    context.history.baseline.is_some() || context.history.evidence.iter().any(is_healthy)
}

pub(super) fn identity(context: &VisitContext, document: &Document) -> Identity {
    let words: Vec<&str> = context.link.words.iter().map(String::as_str).collect();
    let known = Reference { baseline: context.baseline, words: &words };
    if context.history.baseline.as_ref().is_some_and(|baseline| baseline.text == document.fingerprint()) {
        return Identity::Confirmed;
    }
    if context.results.documents().any(|answer| classify(answer) == ResponseClass::Unmodified) {
        return Identity::Confirmed;
    }
    let behind = context.document().map(|(_, work)| work).filter(|work| !std::ptr::eq(*work, document));
    if behind.is_some_and(|work| identity::identify(work, &known) == Identity::Confirmed) {
        return Identity::Confirmed;
    }
    match identity::identify(document, &known) {
        // The page around a file may have a different text than the file.
        Identity::Mismatch if is_file_withheld(context) => Identity::Unknown,
        identity => identity,
    }
}

/// The work is a file behind the page, and the file was not available tonight. This
/// says nothing about the page.
fn is_file_withheld(context: &VisitContext) -> bool {
    let is_file = |kept: &StoredCapture| kept.capture.chain.first() != Some(&context.link.address);
    let is_withheld = |answer: &ProbeResult| match classify(answer) {
        ResponseClass::Gone(_, Weight::Weak)
        | ResponseClass::Restricted(_)
        | ResponseClass::Refused(_)
        | ResponseClass::Unclear(_) => true,
        ResponseClass::Gone(..) | ResponseClass::Content(_) | ResponseClass::Unmodified => false,
    };
    context.history.baseline.as_ref().is_some_and(is_file)
        && (context.results.documents().any(is_withheld) || is_file_gone(context))
}

/// The file behind the page is gone, but the page itself still works. The page counts
/// more, because readers see it. A page with an error, with advertising or of another
/// work does not count as working.
fn is_file_gone(context: &VisitContext) -> bool {
    let is_behind = context
        .history
        .baseline
        .as_ref()
        .is_some_and(|kept| kept.capture.chain.first() != Some(&context.link.address));
    let is_gone = |answer: &ProbeResult| matches!(classify(answer), ResponseClass::Gone(..));
    let stands = context.results.page().is_some_and(|page| {
        let end = page.exchange.final_address();
        let is_same = end.is_canonically(&context.link.address)
            || redirect_target::has_same_name(end, &context.link.address);
        let is_spam =
            |document: &Document| page_signatures::spam(document).in_source >= page_signatures::SPAM_WORDS;
        is_same
            && !page_signatures::has_any(SignatureKind::Missing, page)
            && !page.document.as_ref().is_some_and(is_spam)
    });
    is_behind && stands && context.results.documents().any(is_gone)
}

fn is_wrong_type(context: &VisitContext, document: &Document) -> bool {
    let before = context.baseline.map(|baseline| baseline.format);
    let is_a_file = |answer: &ProbeResult| matches!(classify(answer), ResponseClass::Content(work) if work.html.is_none());
    let has_file = context.results.documents().any(is_a_file);
    !has_file
        && !is_file_withheld(context)
        && soft_404::is_wrong_type(&context.link.address, before, document)
}

fn is_missing_notice(page: &ProbeResult, document: &Document, is_baseline_lost: bool) -> bool {
    says(SignatureKind::Missing, page, document, is_baseline_lost)
}

/// Without a baseline, a page must be short and contain two different phrases: a handout
/// may say that something does not exist.
fn says(kind: SignatureKind, page: &ProbeResult, document: &Document, is_baseline_lost: bool) -> bool {
    const NOTICE_WORDS: u32 = 60;
    match page_signatures::count(kind, page) {
        0 => false,
        1 => is_baseline_lost,
        _ => is_baseline_lost || !document.has_words(NOTICE_WORDS),
    }
}

/// A directory listing in place of a page or a file.
fn became_directory_index(context: &VisitContext, document: &Document) -> bool {
    let is_index = |document: &Document| page_signatures::is_titled(SignatureKind::DirectoryIndex, document);
    is_index(document) && context.baseline.is_some_and(|baseline| !is_index(baseline))
}

/// A page with spam in place of a baseline without spam.
fn is_hijacked(context: &VisitContext, document: &Document) -> bool {
    let is_spam = |document: &Document| {
        let spam = page_signatures::spam(document);
        spam.in_title > 0 || spam.in_source >= page_signatures::SPAM_WORDS
    };
    is_spam(document) && context.baseline.is_some_and(|baseline| !is_spam(baseline))
}

/// The text and the markup both end early: the transfer was cut off, but no error
/// was reported.
fn is_cut_off(context: &VisitContext, document: &Document) -> bool {
    let has_end = |document: &Document| document.html.as_ref().map(|html| html.has_end);
    let Some(before) = context.baseline.filter(|before| has_end(before) == Some(true)) else { return false };
    let (old, mut new) = (text::words(&before.text), text::words(&document.text));
    // The last word may be cut off too.
    new.pop();
    has_end(document) == Some(false) && new.len() + 1 < old.len() && old.starts_with(&new)
}

fn has_shrunken(before: &Document, now: &Document) -> bool {
    f64::from(now.words()) < SHRUNKEN * f64::from(before.words())
}

fn is_paywalled(context: &VisitContext, page: &ProbeResult, document: &Document) -> bool {
    context.baseline.is_some_and(|baseline| has_shrunken(baseline, document))
        && page_signatures::has_any(SignatureKind::Paywall, page)
}
