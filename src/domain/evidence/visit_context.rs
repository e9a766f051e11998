//! What is known of a link during a visit. `next_probe` and `evaluate` read it and are
//! separate modules.

use jiff::Timestamp;

use crate::domain::document::Document;
use crate::domain::evidence::classify::{ResponseClass, classify};
use crate::domain::evidence::document_file::is_the_document;
use crate::domain::evidence::host_rules::{self, HostRules};
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::probe::{CheckedLink, ProbeResult, ProbeResults};

/// The data of a link during one visit: what was stored before, and the results so far.
#[derive(Clone, Copy, Debug)]
pub struct VisitContext<'a> {
    pub link: &'a CheckedLink,
    pub history: &'a LinkHistory,
    /// The last accepted text, if there is one and it was needed.
    pub baseline: Option<&'a Document>,
    /// The text of the newest capture, if it is not the baseline and was needed.
    pub last: Option<&'a Document>,
    pub results: ProbeResults<'a>,
    pub at: Timestamp,
}

impl<'a> VisitContext<'a> {
    pub(super) fn host_rules(&self) -> HostRules {
        host_rules::rules_for(&self.link.address)
    }

    /// The document of this visit: the file behind the page, or else the page itself.
    pub fn document(&self) -> Option<(&'a ProbeResult, &'a Document)> {
        let behind = self.results.documents().rev().find_map(|answer| match classify(answer) {
            ResponseClass::Content(document) if is_the_document(answer, document) => Some((answer, document)),
            _ => None,
        });
        // A failed retry does not discard the page of the first try.
        behind.or_else(|| {
            let as_page = |page: &'a ProbeResult| match classify(page) {
                ResponseClass::Content(document) => Some((page, document)),
                ResponseClass::Unmodified
                | ResponseClass::Gone(..)
                | ResponseClass::Restricted(_)
                | ResponseClass::Refused(_)
                | ResponseClass::Unclear(_) => None,
            };
            self.results.page().and_then(as_page).or_else(|| self.results.first().and_then(as_page))
        })
    }
}
