//! Decides whether the redirects of a link ended at the work at another address, or elsewhere.

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::identity::Identity;
use crate::domain::evidence::page_signatures::{self, SignatureKind};
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::soft_404;
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::visit::Hop;

/// An address that redirects by design may lead to the front page of another site from
/// the first night on. That counts only if an earlier capture came from another address
/// and the page differs from it.
pub(super) fn went_to_front_page(context: &VisitContext, page: &ProbeResult, identity: Identity) -> bool {
    let (asked, end) = (&context.link.address, page.exchange.final_address());
    let before = context.history.baseline.as_ref().map(|baseline| &baseline.capture.document);
    let is_lost = context.baseline.is_some() && identity == Identity::Mismatch;
    let is_meant = is_made_to_redirect(context, end)
        && !soft_404::same_site(end, asked)
        && !(is_lost && before.is_some_and(|before| !end.is_canonically(before)));
    end.is_root() && !asked.is_root() && !end.is_canonically(asked) && !is_meant
}

/// Whether the address redirects by design. An address in the form of a short one does so
/// only if the work was never at this address, and the target has another file name.
fn is_made_to_redirect(context: &VisitContext, end: &Address) -> bool {
    let (rules, asked) = (context.host_rules(), &context.link.address);
    let before = context.history.baseline.as_ref().map(|baseline| &baseline.capture.document);
    rules.redirects_by_design
        || (rules.looks_shortened
            && before.is_none_or(|before| !before.is_canonically(asked))
            && !has_same_name(end, asked))
}

/// Redirected to an address that is neither that of the baseline nor has the file name
/// of the link. `/latest/guide` has the name of `/v1/guide`.
pub(super) fn went_elsewhere(context: &VisitContext, page: &ProbeResult) -> bool {
    let (asked, end) = (&context.link.address, page.exchange.final_address());
    let before = context.history.baseline.as_ref().map(|baseline| &baseline.capture.document);
    !end.is_canonically(asked)
        && before.is_none_or(|before| !end.is_canonically(before))
        && !has_same_name(end, asked)
}

pub(super) fn went_to_another_site(context: &VisitContext, page: &ProbeResult) -> bool {
    let end = page.exchange.final_address();
    !is_made_to_redirect(context, end) && !soft_404::same_site(end, &context.link.address)
}

/// An address of at most one segment is probably a front page and not one work. It is
/// not, if it has the file name of the link or leads to a document.
pub(super) fn is_entrance(context: &VisitContext, page: &ProbeResult, document: &Document) -> bool {
    let address = page.exchange.final_address();
    let shows_a_work =
        document.citation.doi.is_some() || context.document().is_some_and(|(_, work)| work.html.is_none());
    address.path().trim_matches('/').split('/').count() <= 1
        && address.url().query().is_none()
        && !has_same_name(address, &context.link.address)
        && !shows_a_work
}

/// Some services redirect an unknown short address to the front page of a search engine.
pub(super) fn is_search_engine(context: &VisitContext, page: &ProbeResult) -> bool {
    let is_entrance =
        |address: &Address| address.path() == "/" && !address.is_canonically(&context.link.address);
    is_entrance(page.exchange.final_address()) && page_signatures::has_any(SignatureKind::SearchEngine, page)
}

pub(super) fn has_same_name(one: &Address, other: &Address) -> bool {
    let name = |address: &Address| {
        let path = address.path().trim_end_matches('/');
        path.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_lowercase)
    };
    name(one).is_some_and(|one| name(other) == Some(one))
}

/// The target of a permanent redirect, if every redirect was permanent and the address
/// differs by more than its canonical form.
pub(super) fn moved_to(context: &VisitContext, page: &ProbeResult) -> Option<Address> {
    let asked = &context.link.address;
    let first = context.results.first()?;
    let by_page = context.results.client_redirect().is_some();
    let (last, before) = page.exchange.hops.split_last()?;
    let redirects: Vec<&Hop> = if by_page {
        first.exchange.hops.iter().rev().skip(1).chain(before).collect()
    } else {
        before.iter().collect()
    };
    let permanent = redirects.iter().all(|hop| matches!(hop.status, 301 | 308));
    let elsewhere = !last.address.is_canonically(asked);
    let designed = is_made_to_redirect(context, &last.address);
    ((by_page || !redirects.is_empty()) && permanent && elsewhere && !designed).then(|| last.address.clone())
}
