//! All results of one visit to a link, evaluated into one piece of evidence.

use crate::domain::address::Address;
use crate::domain::document::{Document, DocumentDefect};
use crate::domain::evidence::assess::{self, Assessment};
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::comparison::{self, ComparedBy};
use crate::domain::evidence::document_file::is_file;
use crate::domain::evidence::drift;
use crate::domain::evidence::fragment;
use crate::domain::evidence::host_rules::{ApiStatus, HostRules, PageStatement};
use crate::domain::evidence::page_signatures;
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::redirect_target;
use crate::domain::evidence::text_noise;
use crate::domain::evidence::truncation;
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{
    CriticalChange, Drift, Evidence, Finding, Note, Reason, SeenVersion, TextChange, Weight,
};
use crate::domain::visit::{ExchangeEnd, Failure};

/// Evaluates a visit for which `next_probe` has nothing left.
pub fn evaluate(context: &VisitContext) -> Evidence {
    let page = context.results.page();
    let finding = page.map_or(Finding::Unclear { reason: Reason::NotChecked }, |page| finding(context, page));
    Evidence {
        at: context.at,
        status: page.and_then(|page| page.exchange.status()),
        ended_at: page
            .map(|page| page.exchange.final_address())
            .filter(|address| **address != context.link.address)
            .cloned(),
        notes: notes(context, &finding),
        compared_by: compared_by(context, &finding),
        seen: seen(context, &finding),
        finding,
        is_listed: false,
        listed_version: context.link.listed_version.clone(),
    }
}

/// The version of the response, for the next conditional request. A 304 gives no new
/// version.
fn seen(context: &VisitContext, finding: &Finding) -> Option<Box<SeenVersion>> {
    let Finding::Healthy { drift, .. } = finding else { return None };
    if let Some(before) = context.history.seen().filter(|_| is_seen_again(context)) {
        return Some(Box::new(before.clone()));
    }
    if matches!(drift, Drift::NotCompared) {
        return None;
    }
    let (answer, document) = context.document()?;
    // Pages have parts that the validators do not cover.
    let body = answer.exchange.body().filter(|_| is_file(document))?;
    let validators = answer.exchange.last_hop()?.headers.validators();
    let seen = SeenVersion {
        asked: answer.exchange.asked.clone(),
        at: answer.exchange.final_address().clone(),
        sha256: body.sha256,
        text: document.fingerprint(),
        validators,
    };
    (!seen.validators.is_empty()).then(|| Box::new(seen))
}

/// The server reports that the version of an earlier night is not modified.
fn is_seen_again(context: &VisitContext) -> bool {
    context.history.seen().is_some_and(|seen| {
        let is_unmodified = |answer: &ProbeResult| {
            answer.exchange.ending == ExchangeEnd::NotModified && answer.exchange.asked == seen.asked
        };
        context.results.0.iter().any(is_unmodified)
    })
}

/// How the document was compared with the accepted version.
fn compared_by(context: &VisitContext, finding: &Finding) -> Option<ComparedBy> {
    let Finding::Healthy { drift, .. } = finding else { return None };
    match drift {
        Drift::First => None,
        Drift::NotCompared => Some(ComparedBy::Nothing),
        Drift::Small(change) | Drift::Different(change) => Some(change.compared_by),
        Drift::Same if context.results.0.iter().any(|answer| answer.is_known) => Some(ComparedBy::Bytes),
        Drift::Same => Some(match (context.baseline, context.document()) {
            (Some(baseline), Some((_, document))) => comparison::basis(baseline, document),
            (None, Some((_, document))) => comparison::basis_of(document),
            (_, None) => ComparedBy::Validators,
        }),
    }
}

fn notes(context: &VisitContext, finding: &Finding) -> Vec<Note> {
    if !matches!(finding, Finding::Healthy { .. }) {
        return Vec::new();
    }
    let is_page_unread = context.results.page().is_some_and(|page| page.document.is_none());
    let is_healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    let mut notes = match context.history.evidence.iter().rfind(is_healthy) {
        Some(last) if is_page_unread => last.notes.clone(),
        _ => fragment::notes(context),
    };
    notes.retain(|note| !matches!(note, Note::WrongStatus(_) | Note::NeedsPassword | Note::TooLargeToKeep));
    let is_locked = context.document().is_some_and(|(_, it)| it.defect == Some(DocumentDefect::Locked));
    notes.extend(is_locked.then_some(Note::NeedsPassword));
    let is_large = context.results.page().is_some_and(is_large_file);
    notes.extend(is_large.then_some(Note::TooLargeToKeep));
    let status = context.results.page().and_then(|page| page.exchange.status());
    notes.extend(status.filter(|status| *status >= 400).map(Note::WrongStatus));
    notes
}

fn finding(context: &VisitContext, page: &ProbeResult) -> Finding {
    let rules = context.host_rules();
    // An interface that only reports that embedding is off does not show who may see the page.
    if let Some(finding) = private(context, &rules) {
        return finding;
    }
    if let Some(finding) = by_host_api(context, &rules) {
        return finding;
    }
    if let Some(finding) = withdrawn(context, &rules) {
        return finding;
    }
    if rules.page_is_shell {
        return by_document_alone(context);
    }
    // A file that is too large to store cannot be the work of the stored copy.
    if context.history.baseline.is_none() && is_large_file(page) {
        return Finding::Healthy { drift: Drift::NotCompared, moved_to: None };
    }
    let found = by_page(context, page);
    // A result counts against a link only if both tries agree.
    match (&found, context.results.first(), context.results.retry()) {
        (Finding::Healthy { .. }, ..) | (_, None, _) | (_, _, None) => found,
        (_, Some(first), Some(_)) if is_match(context, first) => by_page(context, first),
        (Finding::Gone { weight, .. }, Some(first), Some(_)) => match classify(first) {
            ResponseClass::Refused(reason) => Finding::Refused { reason },
            ResponseClass::Unclear(reason @ Reason::NotChecked) => Finding::Unclear { reason },
            ResponseClass::Gone(reason, weaker) if weaker < *weight => {
                Finding::Gone { reason, weight: weaker }
            }
            ResponseClass::Gone(..)
            | ResponseClass::Content(_)
            | ResponseClass::Unmodified
            | ResponseClass::Restricted(_)
            | ResponseClass::Unclear(_) => found,
        },
        (Finding::Unclear { reason: Reason::Truncated }, Some(first), Some(retry))
            if truncation::is_cut_alike(first, retry) =>
        {
            Finding::Gone { reason: Reason::Truncated, weight: Weight::Inferred }
        }
        (Finding::Restricted { .. } | Finding::Refused { .. } | Finding::Unclear { .. }, ..) => found,
    }
}

/// A video or a data set whose announced size exceeds the limit for one file.
/// A file that unpacks to too many bytes or never ends does not count, because its size was not announced.
fn is_large_file(page: &ProbeResult) -> bool {
    let Some(hop) = page.exchange.last_hop() else { return false };
    let is_page = |kind: &str| kind.starts_with("text/") || kind.contains("html") || kind.contains("xml");
    page.exchange.ending == ExchangeEnd::Failed(Failure::TooLarge)
        && matches!(hop.status, 200..=299)
        && hop.headers.get("content-encoding").is_none()
        && hop.headers.get("content-length").is_some()
        && hop.headers.media_type().is_some_and(|kind| !is_page(&kind))
}

fn is_match(context: &VisitContext, page: &ProbeResult) -> bool {
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

/// The page itself shows that only some people may see it.
fn private(context: &VisitContext, rules: &HostRules) -> Option<Finding> {
    let page = context.results.page()?.document.as_ref()?;
    (rules.statement?(page) == Some(PageStatement::Private))
        .then_some(Finding::Restricted { reason: Reason::Private })
}

/// The host states that the document is withdrawn. With any status and text this is
/// reported as a change, as long as an earlier version is stored.
fn withdrawn(context: &VisitContext, rules: &HostRules) -> Option<Finding> {
    let page = context.results.page()?.document.as_ref()?;
    let says_so = |document: &Document| {
        rules.statement.and_then(|says| says(document)) == Some(PageStatement::Withdrawn)
    };
    let before = context.baseline.filter(|before| !says_so(before)).filter(|_| says_so(page))?;
    let change = TextChange {
        alarm: Some(CriticalChange::Withdrawn),
        seen_twice: true,
        ..drift::change(before, page)
    };
    Some(Finding::Healthy { drift: Drift::Different(change), moved_to: None })
}

/// For a page that is an empty shell, only the document behind it counts.
fn by_document_alone(context: &VisitContext) -> Finding {
    if let Some((_, document)) = context.document().filter(|(_, document)| is_file(document)) {
        return healthy(context, document, None);
    }
    match context.results.documents().last().map(classify) {
        Some(ResponseClass::Gone(reason, weight)) => Finding::Gone { reason, weight },
        Some(ResponseClass::Restricted(reason)) => Finding::Restricted { reason },
        Some(ResponseClass::Refused(reason)) => Finding::Refused { reason },
        Some(ResponseClass::Unmodified) => unmodified(context, None),
        Some(ResponseClass::Unclear(reason @ Reason::NotChecked)) => Finding::Unclear { reason },
        Some(ResponseClass::Content(_) | ResponseClass::Unclear(_)) | None => {
            Finding::Unclear { reason: Reason::ScriptOnly }
        }
    }
}

fn by_page(context: &VisitContext, page: &ProbeResult) -> Finding {
    match assess::assess(context, page) {
        Assessment::Unmodified => match context.document().filter(|(_, work)| is_file(work)) {
            Some((_, file)) => healthy(context, file, redirect_target::moved_to(context, page)),
            None => unmodified(context, redirect_target::moved_to(context, page)),
        },
        Assessment::Match
            if context.results.documents().any(|answer| classify(answer) == ResponseClass::Unmodified) =>
        {
            unmodified(context, redirect_target::moved_to(context, page))
        }
        // The right body may come with an error status; then it is not classified as content.
        Assessment::Match => match context.document().map(|(_, work)| work).or(page.document.as_ref()) {
            Some(document) => healthy(context, document, redirect_target::moved_to(context, page)),
            None => Finding::Unclear { reason: Reason::Unreadable },
        },
        Assessment::Mismatch(reason, weight) => Finding::Gone { reason, weight },
        Assessment::Restricted(reason) => Finding::Restricted { reason },
        Assessment::Refused(reason) => Finding::Refused { reason },
        // A page that scripts fill cannot be read, but the file behind it can.
        Assessment::Unclear(reason) => match by_document_alone(context) {
            healthy @ Finding::Healthy { .. }
                if matches!(reason, Reason::ScriptOnly | Reason::Unreadable) =>
            {
                healthy
            }
            Finding::Healthy { .. }
            | Finding::Gone { .. }
            | Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. } => Finding::Unclear { reason },
        },
    }
}

/// The body is that of the baseline, or of a later capture. The night that captured it
/// recorded its drift in its evidence.
fn unmodified(context: &VisitContext, moved_to: Option<Address>) -> Finding {
    let is_baseline =
        context.results.0.iter().any(|answer| answer.is_known) || context.history.last_is_baseline();
    let drift = if is_seen_again(context) {
        context.history.drift_of_seen()
    } else if is_baseline {
        Some(&Drift::Same)
    } else {
        context.history.drift_of_last()
    };
    Finding::Healthy { drift: drift.cloned().unwrap_or(Drift::NotCompared), moved_to }
}

fn healthy(context: &VisitContext, document: &Document, moved_to: Option<Address>) -> Finding {
    let drift = match context.baseline {
        None if context.history.baseline.is_none() => Drift::First,
        // The file of the page was not available, so there is nothing to compare.
        None => same_or_not_compared(context, document),
        Some(baseline) if baseline.format != document.format && is_file(baseline) => Drift::NotCompared,
        // The page was captured without its file; now the file is captured too.
        Some(baseline)
            if baseline.html.is_some() && is_file(document) && is_behind_page(context, document) =>
        {
            Drift::First
        }
        Some(baseline) => drift::compare(baseline, document),
    };
    let drift = match (drift, context.baseline.filter(|baseline| is_tampered_with(baseline, document))) {
        (Drift::Same | Drift::Small(_) | Drift::Different(_), Some(baseline)) => {
            Drift::Different(TextChange {
                alarm: Some(CriticalChange::Tampered),
                ..drift::change(baseline, document)
            })
        }
        (Drift::Different(change), None) => text_noise::classify_change(
            context,
            document,
            TextChange { seen_twice: seen_twice(context, document, change.compared_by), ..change },
        ),
        (drift @ (Drift::First | Drift::Same | Drift::NotCompared | Drift::Small(_)), _) => drift,
    };
    Finding::Healthy { drift, moved_to }
}

/// Many spam words are in a page that had none before. A few do not count: any
/// document may mention one.
fn is_tampered_with(before: &Document, after: &Document) -> bool {
    const TIMES: usize = 8;
    let spam = page_signatures::spam(after);
    spam.in_source >= page_signatures::SPAM_WORDS
        && spam.times >= TIMES
        && page_signatures::spam(before).in_source == 0
}

fn is_behind_page(context: &VisitContext, document: &Document) -> bool {
    context
        .results
        .documents()
        .any(|answer| answer.document.as_ref().is_some_and(|it| std::ptr::eq(it, document)))
}

/// The baseline's text is not loaded where the fingerprints agree.
fn same_or_not_compared(context: &VisitContext, document: &Document) -> Drift {
    match &context.history.baseline {
        Some(baseline) if baseline.text == document.fingerprint() => Drift::Same,
        _ => Drift::NotCompared,
    }
}

/// Whether two fetches of the night have the same new version. Where versions are
/// compared by their text, two files without text are the same.
fn seen_twice(context: &VisitContext, document: &Document, compared_by: ComparedBy) -> bool {
    let text = document.fingerprint();
    let has_no_text = compared_by.is_text() && !document.has_words(1);
    let is_equal = |other: &Document| {
        other.fingerprint() == text
            || (has_no_text
                && !other.has_words(1)
                && other.format == document.format
                && other.pages == document.pages)
    };
    let equal = |answer: &&ProbeResult| answer.document.as_ref().is_some_and(is_equal);
    is_file(document) && context.results.0.iter().filter(equal).count() >= 2
}
