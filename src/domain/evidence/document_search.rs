//! Finds the document behind a landing page: chooses the next address to probe.
//! `document_file` decides whether a response is a document.

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::document_file::is_the_document;
use crate::domain::evidence::host_rules;
use crate::domain::evidence::probe::{Probe, ProbeResult};
use crate::domain::evidence::visit_context::VisitContext;

/// The most addresses that are probed for one document, redirecting pages and viewers included.
const TRIES: usize = 5;

/// The next address to probe for the document behind a page: first those that the page
/// declares, then that of the host's rule, then the addresses that these lead to.
pub(super) fn probe(
    context: &VisitContext,
    page: &ProbeResult,
    document: Option<&Document>,
) -> Option<Probe> {
    let is_a_file = |document: &Document| document.html.is_none() && !document.is_pointer();
    if !context.link.kind.is_kept() || document.is_some_and(is_a_file) {
        return None;
    }
    let answers = || context.results.documents();
    let is_found = |answer: &ProbeResult| match classify(answer) {
        ResponseClass::Unmodified => true,
        ResponseClass::Content(document) => is_the_document(answer, document),
        _ => false,
    };
    if answers().any(is_found) || answers().count() >= TRIES {
        return None;
    }
    let tried = |address: &Address| {
        *address == context.link.address
            || *address == *page.exchange.final_address()
            || context.results.0.iter().any(|answer| answer.exchange.asked == *address)
    };
    // The last response is closer to the document than the page itself.
    let further = answers().rev().flat_map(leads_to);
    let here = document.into_iter().flat_map(|document| declared(document, page.exchange.final_address()));
    // The host may have moved the page to another branch or address, and the file with it.
    let end = page.exchange.final_address();
    let of_final_address =
        (*end != context.link.address).then(|| host_rules::rules_for(end).document).flatten();
    further
        .chain(here)
        .chain(of_final_address)
        .chain(context.host_rules().document)
        .find(|address| !tried(address))
        .map(Probe::Document)
}

/// Whether a page only describes a work: it names the document, which could not be
/// fetched, and has too few words to be the work itself.
pub fn is_landing_page(context: &VisitContext, page: &Document) -> bool {
    const WORDS_OF_A_WORK: u32 = 1500;
    let Some(html) = &page.html else { return false };
    let names_one = !html.documents.is_empty() || context.host_rules().document.is_some();
    names_one && !page.has_words(WORDS_OF_A_WORK)
}

/// The address that a page on the way to a document leads to.
fn leads_to(answer: &ProbeResult) -> Vec<Address> {
    match &answer.document {
        Some(document) => declared(document, answer.exchange.final_address()),
        None => Vec::new(),
    }
}

fn declared(document: &Document, at: &Address) -> Vec<Address> {
    if document.is_pointer() {
        return host_rules::large_file(at).into_iter().collect();
    }
    let Some(html) = &document.html else { return Vec::new() };
    html.sends_to.iter().chain(&html.documents).cloned().collect()
}
