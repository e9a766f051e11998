//! All answers of one night about a link, weighed into one evidence.
//!
//! `next_ask` and `weigh` share `Case`: what is not clear enough to weigh is
//! what is asked next.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::domain::address::Address;
use crate::domain::document::{Document, Format};
use crate::domain::evidence::ask::{Answer, Answers, Ask, Subject};
use crate::domain::evidence::drift;
use crate::domain::evidence::flicker;
use crate::domain::evidence::fragment;
use crate::domain::evidence::glance::{Glance, glance};
use crate::domain::evidence::mark;
use crate::domain::evidence::memory::Memory;
use crate::domain::evidence::missing;
use crate::domain::evidence::site::{self, Manners, Says, Testimony};
use crate::domain::evidence::work::{self, Sight};
use crate::domain::evidence::{Alarm, Change, Drift, Evidence, Finding, Note, Reason};

/// A page may send its readers on this often before it goes in circles.
const ONWARD_AT_MOST: usize = 3;

/// All that is known of a link when one night is weighed.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub subject: &'a Subject,
    pub memory: &'a Memory,
    /// The last accepted text, where there is one and it was needed.
    pub baseline: Option<&'a Document>,
    /// The newest capture's text, where it is another and was needed.
    pub last: Option<&'a Document>,
    pub answers: Answers<'a>,
    pub at: Timestamp,
}

impl<'a> Case<'a> {
    pub(super) fn manners(&self) -> Manners {
        site::manners(&self.subject.address)
    }

    /// The document the night brought: the one behind the page, else the page itself.
    pub fn work(&self) -> Option<(&'a Answer, &'a Document)> {
        let behind = self.answers.documents().rev().find_map(|answer| match glance(answer) {
            Glance::Work(document) if is_file(document) => Some((answer, document)),
            _ => None,
        });
        // A second look that failed takes nothing from what the first one saw.
        behind.or_else(|| {
            let as_work = |page: &'a Answer| match glance(page) {
                Glance::Work(document) => Some((page, document)),
                Glance::Unmodified
                | Glance::Gone(..)
                | Glance::Restricted(_)
                | Glance::Refused(_)
                | Glance::Unclear(_) => None,
            };
            self.answers.page().and_then(as_work).or_else(|| self.answers.first().and_then(as_work))
        })
    }
}

fn is_file(document: &Document) -> bool {
    matches!(document.format, Format::Pdf | Format::Notebook)
}

/// What to ask next, or `None` when the night's answers can be weighed.
pub fn next_ask(case: &Case) -> Option<Ask> {
    let Some(first) = case.answers.first() else {
        return Some(Ask::Link);
    };
    if case.answers.again().is_none() && deserves_another_try(&glance(first)) {
        return Some(Ask::Again);
    }
    let page = case.answers.page()?;
    if case.manners().page_says_nothing {
        return document_to_ask(case, page, None).or_else(|| confirmation_to_ask(case));
    }
    match glance(page) {
        Glance::Work(document) => ask_about_work(case, page, document),
        Glance::Unmodified => witness_to_ask(case).or_else(|| missed_file_to_ask(case, page)),
        Glance::Gone(Reason::NotFound | Reason::ClientError, _) | Glance::Refused(Reason::Forbidden) => {
            let root = page.exchange.final_address().root();
            (case.answers.root().is_none() && !page.exchange.final_address().is_root())
                .then_some(Ask::Root(root))
        }
        Glance::Unclear(Reason::ScriptOnly) => witness_to_ask(case)
            .or_else(|| document_to_ask(case, page, None))
            .or_else(|| confirmation_to_ask(case)),
        Glance::Gone(..) | Glance::Restricted(_) | Glance::Refused(_) | Glance::Unclear(_) => None,
    }
}

/// Only what may be different a moment later; a refusal is not asked again,
/// except where the host itself says when to come back.
fn deserves_another_try(first: &Glance) -> bool {
    match first {
        Glance::Gone(..) | Glance::Unclear(Reason::Truncated) | Glance::Refused(Reason::RateLimited) => true,
        Glance::Work(_)
        | Glance::Unmodified
        | Glance::Restricted(_)
        | Glance::Refused(_)
        | Glance::Unclear(_) => false,
    }
}

fn ask_about_work(case: &Case, page: &Answer, document: &Document) -> Option<Ask> {
    let onward = document.html.as_ref().and_then(|html| html.sends_to.clone());
    if let Some(onward) = onward {
        let steps = case.answers.0.iter().filter(|answer| matches!(answer.ask, Ask::Onward(_))).count();
        return (steps < ONWARD_AT_MOST && onward != case.subject.address).then_some(Ask::Onward(onward));
    }
    witness_to_ask(case)
        .or_else(|| document_to_ask(case, page, Some(document)))
        .or_else(|| sibling_to_ask(case, page, document))
        .or_else(|| confirmation_to_ask(case))
}

fn witness_to_ask(case: &Case) -> Option<Ask> {
    let witness = case.manners().witness?;
    case.answers.witness().is_none().then_some(Ask::Witness(witness.address))
}

/// Candidates for the document behind a landing page, best first: what the
/// page itself declares, then what the host's rule says.
fn document_to_ask(case: &Case, page: &Answer, document: Option<&Document>) -> Option<Ask> {
    const TRIES: usize = 2;
    if !case.subject.kind.is_kept() || document.is_some_and(|document| document.html.is_none()) {
        return None;
    }
    if case.answers.documents().any(|answer| glance(answer).is_answer()) {
        return None;
    }
    let declared = document.and_then(|document| document.html.as_ref()).map(|html| html.documents.as_slice());
    let tried = |address: &Address| {
        *address == case.subject.address
            || *address == *page.exchange.final_address()
            || case.answers.0.iter().any(|answer| answer.exchange.asked == *address)
    };
    if case.answers.documents().count() >= TRIES {
        return None;
    }
    declared
        .unwrap_or_default()
        .iter()
        .cloned()
        .chain(case.manners().document)
        .find(|address| !tried(address))
        .map(Ask::Document)
}

/// The file behind a page that was kept because its file was not to be had.
fn missed_file_to_ask(case: &Case, page: &Answer) -> Option<Ask> {
    let kept = case.memory.baseline.as_ref().map(|kept| &kept.capture.document);
    let is_page = kept == Some(page.exchange.final_address());
    is_page.then(|| document_to_ask(case, page, None)).flatten()
}

fn sibling_to_ask(case: &Case, page: &Answer, document: &Document) -> Option<Ask> {
    let final_address = page.exchange.final_address();
    if case.answers.sibling().is_some()
        || case.manners().no_sibling
        || case.subject.address.is_root()
        || !work::is_suspicious(case, page, document)
    {
        return None;
    }
    // Redirected to a front page: the nonsense is asked for where the link points.
    let beside = if final_address.is_root() { &case.subject.address } else { final_address };
    let mut seed = Sha256::new();
    seed.update(case.subject.address.as_str());
    seed.update(case.at.as_second().to_be_bytes());
    missing::sibling_of(beside, seed.finalize().into()).map(Ask::Sibling)
}

/// A page whose identity is lost, and a file whose text differs, are fetched twice.
fn confirmation_to_ask(case: &Case) -> Option<Ask> {
    let (answer, document) = case.work()?;
    match answer.ask {
        Ask::Document(ref address) if differs(case, document) => Some(Ask::DocumentAgain(address.clone())),
        Ask::Link if is_file(document) && differs(case, document) => Some(Ask::Again),
        _ => None,
    }
    .or_else(|| {
        let page = case.answers.page()?;
        let lost = matches!(page.ask, Ask::Link) && matches!(work::sight(case, page), Sight::NotTheWork(..));
        let is_news = case.memory.last.as_ref().is_none_or(|last| last.text != document.fingerprint());
        let may_flicker = matches!(page.ask, Ask::Link) && is_news && differs(case, document);
        ((lost || may_flicker) && case.answers.again().is_none()).then_some(Ask::Again)
    })
}

fn differs(case: &Case, document: &Document) -> bool {
    case.baseline.is_some_and(|baseline| matches!(drift::compare(baseline, document), Drift::Different(_)))
}

/// Weighs the night; `next_ask` must have nothing left to ask.
pub fn weigh(case: &Case) -> Evidence {
    let page = case.answers.page();
    let finding = page.map_or(Finding::Unclear { reason: Reason::NotChecked }, |page| find(case, page));
    Evidence {
        at: case.at,
        status: page.and_then(|page| page.exchange.status()),
        ended_at: page
            .map(|page| page.exchange.final_address())
            .filter(|address| **address != case.subject.address)
            .cloned(),
        notes: notes(case, &finding),
        finding,
    }
}

fn notes(case: &Case, finding: &Finding) -> Vec<Note> {
    if !matches!(finding, Finding::Healthy { .. }) {
        return Vec::new();
    }
    let unread = case.answers.page().is_some_and(|page| page.document.is_none());
    let is_healthy = |evidence: &&Evidence| matches!(evidence.finding, Finding::Healthy { .. });
    let mut notes = match case.memory.history.iter().rfind(is_healthy) {
        Some(last) if unread => last.notes.clone(),
        _ => fragment::notes(case),
    };
    notes.retain(|note| !matches!(note, Note::WrongStatus(_)));
    let status = case.answers.page().and_then(|page| page.exchange.status());
    notes.extend(status.filter(|status| *status >= 400).map(Note::WrongStatus));
    notes
}

fn find(case: &Case, page: &Answer) -> Finding {
    let manners = case.manners();
    if let Some(finding) = testimony(case, &manners) {
        return finding;
    }
    if let Some(finding) = withdrawn(case, &manners) {
        return finding;
    }
    if manners.page_says_nothing {
        return by_document_alone(case);
    }
    let found = by_page(case, page);
    // Only what both tries say counts against a link.
    match (&found, case.answers.first(), case.answers.again()) {
        (Finding::Healthy { .. }, ..) | (_, None, _) | (_, _, None) => found,
        (_, Some(first), Some(_)) if is_the_work(case, first) => by_page(case, first),
        (Finding::Gone { weight, .. }, Some(first), Some(_)) => match glance(first) {
            Glance::Refused(reason) => Finding::Refused { reason },
            Glance::Gone(reason, lighter) if lighter < *weight => Finding::Gone { reason, weight: lighter },
            Glance::Gone(..)
            | Glance::Work(_)
            | Glance::Unmodified
            | Glance::Restricted(_)
            | Glance::Unclear(_) => found,
        },
        (Finding::Restricted { .. } | Finding::Refused { .. } | Finding::Unclear { .. }, ..) => found,
    }
}

fn is_the_work(case: &Case, page: &Answer) -> bool {
    match work::sight(case, page) {
        Sight::TheWork | Sight::Unmodified => true,
        Sight::NotTheWork(..) | Sight::Restricted(_) | Sight::Refused(_) | Sight::Unclear(_) => false,
    }
}

fn testimony(case: &Case, manners: &Manners) -> Option<Finding> {
    let witness = manners.witness.as_ref()?;
    match (witness.read)(case.answers.witness()?) {
        Testimony::Alive => Some(Finding::Healthy { drift: Drift::NotCompared, moved_to: None }),
        Testimony::Gone(reason, weight) => Some(Finding::Gone { reason, weight }),
        Testimony::Restricted(reason) => Some(Finding::Restricted { reason }),
        Testimony::Silent => None,
    }
}

/// The host's own word that the work was withdrawn, at whatever status: told
/// as a change while we have a version from before, whatever the likeness of text.
fn withdrawn(case: &Case, manners: &Manners) -> Option<Finding> {
    let page = case.answers.page()?.document.as_ref()?;
    let says_so = |document: &Document| manners.says.and_then(|says| says(document)) == Some(Says::Withdrawn);
    let before = case.baseline.filter(|before| !says_so(before)).filter(|_| says_so(page))?;
    let change = Change { alarm: Some(Alarm::Withdrawn), seen_twice: true, ..drift::change(before, page) };
    Some(Finding::Healthy { drift: Drift::Different(change), moved_to: None })
}

/// For pages that are shells: the document behind decides.
fn by_document_alone(case: &Case) -> Finding {
    if let Some((_, document)) = case.work().filter(|(_, document)| is_file(document)) {
        return healthy(case, document, None);
    }
    match case.answers.documents().last().map(glance) {
        Some(Glance::Gone(reason, weight)) => Finding::Gone { reason, weight },
        Some(Glance::Restricted(reason)) => Finding::Restricted { reason },
        Some(Glance::Refused(reason)) => Finding::Refused { reason },
        Some(Glance::Unmodified) => unmodified(case, None),
        Some(Glance::Work(_) | Glance::Unclear(_)) | None => Finding::Unclear { reason: Reason::ScriptOnly },
    }
}

fn by_page(case: &Case, page: &Answer) -> Finding {
    match work::sight(case, page) {
        Sight::Unmodified => match case.work().filter(|(_, work)| is_file(work)) {
            Some((_, file)) => healthy(case, file, work::moved_to(case, page)),
            None => unmodified(case, work::moved_to(case, page)),
        },
        Sight::TheWork if case.answers.documents().any(|answer| glance(answer) == Glance::Unmodified) => {
            unmodified(case, work::moved_to(case, page))
        }
        // The right body may come with an error status, and is no work by itself then.
        Sight::TheWork => match case.work().map(|(_, work)| work).or(page.document.as_ref()) {
            Some(document) => healthy(case, document, work::moved_to(case, page)),
            None => Finding::Unclear { reason: Reason::Unreadable },
        },
        Sight::NotTheWork(reason, weight) => Finding::Gone { reason, weight },
        Sight::Restricted(reason) => Finding::Restricted { reason },
        Sight::Refused(reason) => Finding::Refused { reason },
        // What a script would show cannot be read, but the file behind it can.
        Sight::Unclear(reason) => match by_document_alone(case) {
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
fn unmodified(case: &Case, moved_to: Option<Address>) -> Finding {
    let is_baseline = case.answers.0.iter().any(|answer| answer.is_known) || case.memory.last_is_baseline();
    let drift = if is_baseline { Some(&Drift::Same) } else { case.memory.drift_of_last() };
    Finding::Healthy { drift: drift.cloned().unwrap_or(Drift::NotCompared), moved_to }
}

fn healthy(case: &Case, document: &Document, moved_to: Option<Address>) -> Finding {
    let drift = match case.baseline {
        None if case.memory.baseline.is_none() => Drift::First,
        // The page came without the file that is the work: nothing to compare.
        None => same_or_not_compared(case, document),
        Some(baseline) if baseline.format != document.format && is_file(baseline) => Drift::NotCompared,
        // The file behind a page that was kept without it takes its place.
        Some(baseline) if baseline.html.is_some() && is_file(document) && is_behind(case, document) => {
            Drift::First
        }
        Some(baseline) => drift::compare(baseline, document),
    };
    let drift = match (drift, case.baseline.filter(|baseline| is_tampered_with(baseline, document))) {
        (Drift::Same | Drift::Small(_) | Drift::Different(_), Some(baseline)) => {
            Drift::Different(Change { alarm: Some(Alarm::Tampered), ..drift::change(baseline, document) })
        }
        (Drift::Different(change), None) => {
            flicker::settle(case, document, Change { seen_twice: seen_twice(case, document), ..change })
        }
        (drift @ (Drift::First | Drift::Same | Drift::NotCompared | Drift::Small(_)), _) => drift,
    };
    Finding::Healthy { drift, moved_to }
}

/// Words of spam have come into a page that had none, and come in numbers:
/// a work may well mention one or the other.
fn is_tampered_with(before: &Document, after: &Document) -> bool {
    const TIMES: usize = 8;
    let spam = mark::spam(after);
    spam.in_source >= mark::SPAM_WORDS && spam.times >= TIMES && mark::spam(before).in_source == 0
}

fn is_behind(case: &Case, document: &Document) -> bool {
    case.answers
        .documents()
        .any(|answer| answer.document.as_ref().is_some_and(|it| std::ptr::eq(it, document)))
}

/// The caller leaves the baseline's text out where the fingerprints agree.
fn same_or_not_compared(case: &Case, document: &Document) -> Drift {
    match &case.memory.baseline {
        Some(baseline) if baseline.text == document.fingerprint() => Drift::Same,
        _ => Drift::NotCompared,
    }
}

fn seen_twice(case: &Case, document: &Document) -> bool {
    let text = document.fingerprint();
    let equal = |answer: &&Answer| answer.document.as_ref().is_some_and(|other| other.fingerprint() == text);
    is_file(document) && case.answers.0.iter().filter(equal).count() >= 2
}
