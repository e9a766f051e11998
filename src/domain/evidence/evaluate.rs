//! All answers of one night about a link, weighed into one evidence.
//!
//! `next_probe` and `weigh` share `VisitContext`: what is not clear enough to weigh is
//! what is asked next.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::domain::address::Address;
use crate::domain::document::{Document, Format};
use crate::domain::evidence::assess::{self, Assessment};
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::drift;
use crate::domain::evidence::fragment;
use crate::domain::evidence::host_rules::{self, ApiStatus, HostRules, PageStatement};
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::page_signatures;
use crate::domain::evidence::probe::{CheckedLink, Probe, ProbeResult, ProbeResults};
use crate::domain::evidence::soft_404;
use crate::domain::evidence::text_noise;
use crate::domain::evidence::{Alarm, Change, Drift, Evidence, Finding, Note, Reason};

/// A page may send its readers on this often before it goes in circles.
const ONWARD_AT_MOST: usize = 3;

/// All that is known of a link when one night is weighed.
#[derive(Clone, Copy, Debug)]
pub struct VisitContext<'a> {
    pub link: &'a CheckedLink,
    pub history: &'a LinkHistory,
    /// The last accepted text, where there is one and it was needed.
    pub baseline: Option<&'a Document>,
    /// The newest capture's text, where it is another and was needed.
    pub last: Option<&'a Document>,
    pub results: ProbeResults<'a>,
    pub at: Timestamp,
}

impl<'a> VisitContext<'a> {
    pub(super) fn host_rules(&self) -> HostRules {
        host_rules::rules_for(&self.link.address)
    }

    /// The document the night brought: the one behind the page, else the page itself.
    pub fn document(&self) -> Option<(&'a ProbeResult, &'a Document)> {
        let behind = self.results.documents().rev().find_map(|answer| match classify(answer) {
            ResponseClass::Content(document) if is_file(document) => Some((answer, document)),
            _ => None,
        });
        // A second look that failed takes nothing from what the first one saw.
        behind.or_else(|| {
            let as_work = |page: &'a ProbeResult| match classify(page) {
                ResponseClass::Content(document) => Some((page, document)),
                ResponseClass::Unmodified
                | ResponseClass::Gone(..)
                | ResponseClass::Restricted(_)
                | ResponseClass::Refused(_)
                | ResponseClass::Unclear(_) => None,
            };
            self.results.page().and_then(as_work).or_else(|| self.results.first().and_then(as_work))
        })
    }
}

fn is_file(document: &Document) -> bool {
    matches!(document.format, Format::Pdf | Format::Notebook)
}

/// What to ask next, or `None` when the night's answers can be weighed.
pub fn next_probe(context: &VisitContext) -> Option<Probe> {
    let Some(first) = context.results.first() else {
        return Some(Probe::Link);
    };
    if context.results.retry().is_none() && deserves_another_try(&classify(first)) {
        return Some(Probe::Retry);
    }
    let page = context.results.page()?;
    if context.host_rules().page_is_shell {
        return document_to_ask(context, page, None).or_else(|| confirmation_to_ask(context));
    }
    match classify(page) {
        ResponseClass::Content(document) => ask_about_work(context, page, document),
        ResponseClass::Unmodified => witness_to_ask(context).or_else(|| missed_file_to_ask(context, page)),
        ResponseClass::Gone(Reason::NotFound | Reason::ClientError, _)
        | ResponseClass::Refused(Reason::Forbidden) => {
            let root = page.exchange.final_address().root();
            (context.results.front_page().is_none() && !page.exchange.final_address().is_root())
                .then_some(Probe::FrontPage(root))
        }
        ResponseClass::Unclear(Reason::ScriptOnly) => witness_to_ask(context)
            .or_else(|| document_to_ask(context, page, None))
            .or_else(|| confirmation_to_ask(context)),
        ResponseClass::Gone(..)
        | ResponseClass::Restricted(_)
        | ResponseClass::Refused(_)
        | ResponseClass::Unclear(_) => None,
    }
}

/// Only what may be different a moment later; a refusal is not asked again,
/// except where the host itself says when to come back.
fn deserves_another_try(first: &ResponseClass) -> bool {
    match first {
        ResponseClass::Gone(..)
        | ResponseClass::Unclear(Reason::Truncated)
        | ResponseClass::Refused(Reason::RateLimited) => true,
        ResponseClass::Content(_)
        | ResponseClass::Unmodified
        | ResponseClass::Restricted(_)
        | ResponseClass::Refused(_)
        | ResponseClass::Unclear(_) => false,
    }
}

fn ask_about_work(context: &VisitContext, page: &ProbeResult, document: &Document) -> Option<Probe> {
    let onward = document.html.as_ref().and_then(|html| html.sends_to.clone());
    if let Some(onward) = onward {
        let steps = context
            .results
            .0
            .iter()
            .filter(|answer| matches!(answer.probe, Probe::ClientRedirect(_)))
            .count();
        return (steps < ONWARD_AT_MOST && onward != context.link.address)
            .then_some(Probe::ClientRedirect(onward));
    }
    witness_to_ask(context)
        .or_else(|| document_to_ask(context, page, Some(document)))
        .or_else(|| sibling_to_ask(context, page, document))
        .or_else(|| confirmation_to_ask(context))
}

fn witness_to_ask(context: &VisitContext) -> Option<Probe> {
    let host_api = context.host_rules().host_api?;
    context.results.host_api().is_none().then_some(Probe::HostApi(host_api.address))
}

/// Candidates for the document behind a landing page, best first: what the
/// page itself declares, then what the host's rule says.
fn document_to_ask(context: &VisitContext, page: &ProbeResult, document: Option<&Document>) -> Option<Probe> {
    const TRIES: usize = 2;
    if !context.link.kind.is_kept() || document.is_some_and(|document| document.html.is_none()) {
        return None;
    }
    if context.results.documents().any(|answer| classify(answer).is_answer()) {
        return None;
    }
    let declared = document.and_then(|document| document.html.as_ref()).map(|html| html.documents.as_slice());
    let tried = |address: &Address| {
        *address == context.link.address
            || *address == *page.exchange.final_address()
            || context.results.0.iter().any(|answer| answer.exchange.asked == *address)
    };
    if context.results.documents().count() >= TRIES {
        return None;
    }
    declared
        .unwrap_or_default()
        .iter()
        .cloned()
        .chain(context.host_rules().document)
        .find(|address| !tried(address))
        .map(Probe::Document)
}

/// The file behind a page that was kept because its file was not to be had.
fn missed_file_to_ask(context: &VisitContext, page: &ProbeResult) -> Option<Probe> {
    let kept = context.history.baseline.as_ref().map(|kept| &kept.capture.document);
    let is_page = kept == Some(page.exchange.final_address());
    is_page.then(|| document_to_ask(context, page, None)).flatten()
}

fn sibling_to_ask(context: &VisitContext, page: &ProbeResult, document: &Document) -> Option<Probe> {
    let final_address = page.exchange.final_address();
    if context.results.nonexistent().is_some()
        || context.host_rules().skip_soft_404_probe
        || context.link.address.is_root()
        || !assess::is_suspicious(context, page, document)
    {
        return None;
    }
    // Redirected to a front page: the nonsense is asked for where the link points.
    let beside = if final_address.is_root() { &context.link.address } else { final_address };
    let mut seed = Sha256::new();
    seed.update(context.link.address.as_str());
    seed.update(context.at.as_second().to_be_bytes());
    soft_404::nonexistent_address(beside, seed.finalize().into()).map(Probe::Nonexistent)
}

/// A page whose identity is lost, and a file whose text differs, are fetched twice.
fn confirmation_to_ask(context: &VisitContext) -> Option<Probe> {
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
        let lost = matches!(page.probe, Probe::Link)
            && matches!(assess::assess(context, page), Assessment::Mismatch(..));
        let is_news = context.history.last.as_ref().is_none_or(|last| last.text != document.fingerprint());
        let may_flicker = matches!(page.probe, Probe::Link) && is_news && differs(context, document);
        ((lost || may_flicker) && context.results.retry().is_none()).then_some(Probe::Retry)
    })
}

fn differs(context: &VisitContext, document: &Document) -> bool {
    context.baseline.is_some_and(|baseline| matches!(drift::compare(baseline, document), Drift::Different(_)))
}

/// Weighs the night; `next_probe` must have nothing left to ask.
pub fn evaluate(context: &VisitContext) -> Evidence {
    let page = context.results.page();
    let finding = page.map_or(Finding::Unclear { reason: Reason::NotChecked }, |page| find(context, page));
    Evidence {
        at: context.at,
        status: page.and_then(|page| page.exchange.status()),
        ended_at: page
            .map(|page| page.exchange.final_address())
            .filter(|address| **address != context.link.address)
            .cloned(),
        notes: notes(context, &finding),
        finding,
    }
}

fn notes(context: &VisitContext, finding: &Finding) -> Vec<Note> {
    if !matches!(finding, Finding::Healthy { .. }) {
        return Vec::new();
    }
    let unread = context.results.page().is_some_and(|page| page.document.is_none());
    let is_healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    let mut notes = match context.history.evidence.iter().rfind(is_healthy) {
        Some(last) if unread => last.notes.clone(),
        _ => fragment::notes(context),
    };
    notes.retain(|note| !matches!(note, Note::WrongStatus(_)));
    let status = context.results.page().and_then(|page| page.exchange.status());
    notes.extend(status.filter(|status| *status >= 400).map(Note::WrongStatus));
    notes
}

fn find(context: &VisitContext, page: &ProbeResult) -> Finding {
    let rules = context.host_rules();
    if let Some(finding) = by_host_api(context, &rules) {
        return finding;
    }
    if let Some(finding) = withdrawn(context, &rules) {
        return finding;
    }
    if rules.page_is_shell {
        return by_document_alone(context);
    }
    let found = by_page(context, page);
    // Only what both tries say counts against a link.
    match (&found, context.results.first(), context.results.retry()) {
        (Finding::Healthy { .. }, ..) | (_, None, _) | (_, _, None) => found,
        (_, Some(first), Some(_)) if is_the_work(context, first) => by_page(context, first),
        (Finding::Gone { weight, .. }, Some(first), Some(_)) => match classify(first) {
            ResponseClass::Refused(reason) => Finding::Refused { reason },
            ResponseClass::Gone(reason, lighter) if lighter < *weight => {
                Finding::Gone { reason, weight: lighter }
            }
            ResponseClass::Gone(..)
            | ResponseClass::Content(_)
            | ResponseClass::Unmodified
            | ResponseClass::Restricted(_)
            | ResponseClass::Unclear(_) => found,
        },
        (Finding::Restricted { .. } | Finding::Refused { .. } | Finding::Unclear { .. }, ..) => found,
    }
}

fn is_the_work(context: &VisitContext, page: &ProbeResult) -> bool {
    match assess::assess(context, page) {
        Assessment::Match | Assessment::Unmodified => true,
        Assessment::Mismatch(..)
        | Assessment::Restricted(_)
        | Assessment::Refused(_)
        | Assessment::Unclear(_) => false,
    }
}

fn by_host_api(context: &VisitContext, rules: &HostRules) -> Option<Finding> {
    let host_api = rules.host_api.as_ref()?;
    match (host_api.read)(context.results.host_api()?) {
        ApiStatus::Available => Some(Finding::Healthy { drift: Drift::NotCompared, moved_to: None }),
        ApiStatus::Gone(reason, weight) => Some(Finding::Gone { reason, weight }),
        ApiStatus::Restricted(reason) => Some(Finding::Restricted { reason }),
        ApiStatus::Unknown => None,
    }
}

/// The host's own word that the work was withdrawn, at whatever status: told
/// as a change while we have a version from before, whatever the likeness of text.
fn withdrawn(context: &VisitContext, rules: &HostRules) -> Option<Finding> {
    let page = context.results.page()?.document.as_ref()?;
    let says_so = |document: &Document| {
        rules.statement.and_then(|says| says(document)) == Some(PageStatement::Withdrawn)
    };
    let before = context.baseline.filter(|before| !says_so(before)).filter(|_| says_so(page))?;
    let change = Change { alarm: Some(Alarm::Withdrawn), seen_twice: true, ..drift::change(before, page) };
    Some(Finding::Healthy { drift: Drift::Different(change), moved_to: None })
}

/// For pages that are shells: the document behind decides.
fn by_document_alone(context: &VisitContext) -> Finding {
    if let Some((_, document)) = context.document().filter(|(_, document)| is_file(document)) {
        return healthy(context, document, None);
    }
    match context.results.documents().last().map(classify) {
        Some(ResponseClass::Gone(reason, weight)) => Finding::Gone { reason, weight },
        Some(ResponseClass::Restricted(reason)) => Finding::Restricted { reason },
        Some(ResponseClass::Refused(reason)) => Finding::Refused { reason },
        Some(ResponseClass::Unmodified) => unmodified(context, None),
        Some(ResponseClass::Content(_) | ResponseClass::Unclear(_)) | None => {
            Finding::Unclear { reason: Reason::ScriptOnly }
        }
    }
}

fn by_page(context: &VisitContext, page: &ProbeResult) -> Finding {
    match assess::assess(context, page) {
        Assessment::Unmodified => match context.document().filter(|(_, work)| is_file(work)) {
            Some((_, file)) => healthy(context, file, assess::moved_to(context, page)),
            None => unmodified(context, assess::moved_to(context, page)),
        },
        Assessment::Match
            if context.results.documents().any(|answer| classify(answer) == ResponseClass::Unmodified) =>
        {
            unmodified(context, assess::moved_to(context, page))
        }
        // The right body may come with an error status, and is no work by itself then.
        Assessment::Match => match context.document().map(|(_, work)| work).or(page.document.as_ref()) {
            Some(document) => healthy(context, document, assess::moved_to(context, page)),
            None => Finding::Unclear { reason: Reason::Unreadable },
        },
        Assessment::Mismatch(reason, weight) => Finding::Gone { reason, weight },
        Assessment::Restricted(reason) => Finding::Restricted { reason },
        Assessment::Refused(reason) => Finding::Refused { reason },
        // What a script would show cannot be read, but the file behind it can.
        Assessment::Unclear(reason) => match by_document_alone(context) {
            healthy @ Finding::Healthy { .. } if reason == Reason::ScriptOnly => healthy,
            Finding::Healthy { .. }
            | Finding::Gone { .. }
            | Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. } => Finding::Unclear { reason },
        },
    }
}

/// The body is the baseline's, or that of a later capture, whose drift the
/// night told that read it.
fn unmodified(context: &VisitContext, moved_to: Option<Address>) -> Finding {
    let is_baseline =
        context.results.0.iter().any(|answer| answer.is_known) || context.history.last_is_baseline();
    let drift = if is_baseline { Some(&Drift::Same) } else { context.history.drift_of_last() };
    Finding::Healthy { drift: drift.cloned().unwrap_or(Drift::NotCompared), moved_to }
}

fn healthy(context: &VisitContext, document: &Document, moved_to: Option<Address>) -> Finding {
    let drift = match context.baseline {
        None if context.history.baseline.is_none() => Drift::First,
        // The page came without the file that is the work: nothing to compare.
        None => same_or_not_compared(context, document),
        Some(baseline) if baseline.format != document.format && is_file(baseline) => Drift::NotCompared,
        // The file behind a page that was kept without it takes its place.
        Some(baseline) if baseline.html.is_some() && is_file(document) && is_behind(context, document) => {
            Drift::First
        }
        Some(baseline) => drift::compare(baseline, document),
    };
    let drift = match (drift, context.baseline.filter(|baseline| is_tampered_with(baseline, document))) {
        (Drift::Same | Drift::Small(_) | Drift::Different(_), Some(baseline)) => {
            Drift::Different(Change { alarm: Some(Alarm::Tampered), ..drift::change(baseline, document) })
        }
        (Drift::Different(change), None) => text_noise::settle(
            context,
            document,
            Change { seen_twice: seen_twice(context, document), ..change },
        ),
        (drift @ (Drift::First | Drift::Same | Drift::NotCompared | Drift::Small(_)), _) => drift,
    };
    Finding::Healthy { drift, moved_to }
}

/// Words of spam have come into a page that had none, and come in numbers:
/// a work may well mention one or the other.
fn is_tampered_with(before: &Document, after: &Document) -> bool {
    const TIMES: usize = 8;
    let spam = page_signatures::spam(after);
    spam.in_source >= page_signatures::SPAM_WORDS
        && spam.times >= TIMES
        && page_signatures::spam(before).in_source == 0
}

fn is_behind(context: &VisitContext, document: &Document) -> bool {
    context
        .results
        .documents()
        .any(|answer| answer.document.as_ref().is_some_and(|it| std::ptr::eq(it, document)))
}

/// The caller leaves the baseline's text out where the fingerprints agree.
fn same_or_not_compared(context: &VisitContext, document: &Document) -> Drift {
    match &context.history.baseline {
        Some(baseline) if baseline.text == document.fingerprint() => Drift::Same,
        _ => Drift::NotCompared,
    }
}

fn seen_twice(context: &VisitContext, document: &Document) -> bool {
    let text = document.fingerprint();
    let equal =
        |answer: &&ProbeResult| answer.document.as_ref().is_some_and(|other| other.fingerprint() == text);
    is_file(document) && context.results.0.iter().filter(equal).count() >= 2
}
