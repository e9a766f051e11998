//! Which probe comes next: what the results so far leave open is probed again.

use sha2::{Digest as _, Sha256};

use crate::domain::document::Document;
use crate::domain::evidence::Reason;
use crate::domain::evidence::assess::{self, Assessment};
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::client_redirect;
use crate::domain::evidence::document_file::is_file;
use crate::domain::evidence::document_search;
use crate::domain::evidence::probe::{Probe, ProbeResult};
use crate::domain::evidence::soft_404;
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Drift, drift};

/// The most client-side redirects that are followed in one visit; more count as a loop.
const MOST_CLIENT_REDIRECTS: usize = 3;

/// The next probe, or `None` when the results can be evaluated.
pub fn next_probe(context: &VisitContext) -> Option<Probe> {
    let Some(first) = context.results.first() else {
        return Some(Probe::Link);
    };
    if context.results.retry().is_none() && is_worth_retrying(&classify(first)) {
        return Some(Probe::Retry);
    }
    let page = context.results.page()?;
    if context.host_rules().page_is_shell {
        return document_search::probe(context, page, None).or_else(|| confirmation_probe(context));
    }
    match classify(page) {
        ResponseClass::Content(document) => probe_about_page(context, page, document),
        ResponseClass::Unmodified => host_api_probe(context).or_else(|| missing_file_probe(context, page)),
        ResponseClass::Gone(Reason::NotFound | Reason::ClientError, _) => front_page_probe(context, page),
        // The host's interface may answer even if its pages refuse or ask for consent.
        ResponseClass::Refused(reason) => host_api_probe(context)
            .or_else(|| front_page_probe(context, page).filter(|_| reason == Reason::Forbidden)),
        ResponseClass::Unclear(Reason::ScriptOnly) => host_api_probe(context)
            .or_else(|| document_search::probe(context, page, None))
            .or_else(|| confirmation_probe(context)),
        // The pointer names the file.
        ResponseClass::Unclear(Reason::Unreadable) => {
            let pointer = page.document.as_ref().filter(|document| document.is_pointer())?;
            document_search::probe(context, page, Some(pointer))
        }
        ResponseClass::Gone(..) | ResponseClass::Restricted(_) | ResponseClass::Unclear(_) => None,
    }
}

/// The front page of the host, which shows whether the host answers every request in this way.
fn front_page_probe(context: &VisitContext, page: &ProbeResult) -> Option<Probe> {
    let end = page.exchange.final_address();
    (context.results.front_page().is_none() && !end.is_root()).then(|| Probe::FrontPage(end.root()))
}

/// A failure that may be over a moment later. A refusal is not retried, except a rate
/// limit, which names a time.
fn is_worth_retrying(first: &ResponseClass) -> bool {
    match first {
        ResponseClass::Gone(..)
        | ResponseClass::Unclear(Reason::Truncated | Reason::NotChecked)
        | ResponseClass::Refused(Reason::RateLimited) => true,
        ResponseClass::Content(_)
        | ResponseClass::Unmodified
        | ResponseClass::Restricted(_)
        | ResponseClass::Refused(_)
        | ResponseClass::Unclear(_) => false,
    }
}

fn probe_about_page(context: &VisitContext, page: &ProbeResult, document: &Document) -> Option<Probe> {
    if let Some(target) = client_redirect::target(page) {
        let steps = context
            .results
            .0
            .iter()
            .filter(|answer| matches!(answer.probe, Probe::ClientRedirect(_)))
            .count();
        return (steps < MOST_CLIENT_REDIRECTS && target != context.link.address)
            .then_some(Probe::ClientRedirect(target));
    }
    host_api_probe(context)
        .or_else(|| document_search::probe(context, page, Some(document)))
        .or_else(|| soft_404_probe(context, page, document))
        .or_else(|| confirmation_probe(context))
}

fn host_api_probe(context: &VisitContext) -> Option<Probe> {
    let api = context.host_rules().host_api?;
    context.results.host_api().is_none().then_some(Probe::HostApi(api.address))
}

/// The file behind a page that was captured because its file was unavailable.
fn missing_file_probe(context: &VisitContext, page: &ProbeResult) -> Option<Probe> {
    let kept = context.history.baseline.as_ref().map(|kept| &kept.capture.document);
    let is_page = kept == Some(page.exchange.final_address());
    is_page.then(|| document_search::probe(context, page, None)).flatten()
}

fn soft_404_probe(context: &VisitContext, page: &ProbeResult, document: &Document) -> Option<Probe> {
    let final_address = page.exchange.final_address();
    if context.results.nonexistent().is_some()
        || context.host_rules().skip_soft_404_probe
        || context.link.address.is_root()
        || !assess::is_suspicious(context, page, document)
    {
        return None;
    }
    // After a redirect to a front page, the nonexistent address is beside the link.
    let base = if final_address.is_root() { &context.link.address } else { final_address };
    let mut seed = Sha256::new();
    seed.update(context.link.address.as_str());
    seed.update(context.at.as_second().to_be_bytes());
    soft_404::nonexistent_address(base, seed.finalize().into()).map(Probe::Nonexistent)
}

/// A page that does not match the link, and a document whose text differs, are fetched twice.
fn confirmation_probe(context: &VisitContext) -> Option<Probe> {
    let (answer, document) = context.document()?;
    match answer.probe {
        Probe::Document(ref address) if differs(context, document) => {
            Some(Probe::DocumentRetry(address.clone()))
        }
        Probe::Link if is_file(document) && differs(context, document) => Some(Probe::Retry),
        _ => None,
    }
    .or_else(|| {
        let page = context.results.page()?;
        let is_mismatch = matches!(page.probe, Probe::Link)
            && matches!(assess::assess(context, page), Assessment::Mismatch(..));
        let is_news = context.history.last.as_ref().is_none_or(|last| last.text != document.fingerprint());
        let may_be_noise = matches!(page.probe, Probe::Link) && is_news && differs(context, document);
        ((is_mismatch || may_be_noise) && context.results.retry().is_none()).then_some(Probe::Retry)
    })
}

fn differs(context: &VisitContext, document: &Document) -> bool {
    context.baseline.is_some_and(|baseline| matches!(drift::compare(baseline, document), Drift::Different(_)))
}
