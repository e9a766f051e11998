//! Is it a change of the work, or only what differs at every look?
//!
//! Pages carry advertisements, quotations of the day and random
//! recommendations in places that no name gives away. A second reading tells:
//! of the same night, for what differs at every request; of the night before,
//! for what differs every day.

use crate::domain::document::Document;
use crate::domain::evidence::drift;
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Drift, Evidence, TextChange};

/// A page's change as it counts: small, where its words do not last.
pub(super) fn settle(context: &VisitContext, document: &Document, change: TextChange) -> Drift {
    let Some(baseline) = context.baseline.filter(|_| document.html.is_some() && change.alarm.is_none())
    else {
        return Drift::Different(change);
    };
    let tonight = context
        .results
        .pages()
        .filter_map(|answer| answer.document.as_ref())
        .filter(|other| other.html.is_some() && !std::ptr::eq(*other, document));
    let last = context.last.filter(|_| goes_on(&context.history.evidence, &change));
    if tonight.chain(last).any(|other| drift::is_unsteady(baseline, document, other)) {
        Drift::Small(TextChange { flickers: true, ..change })
    } else if second_reading_failed(context) {
        // Nothing told it from flicker; another night will.
        Drift::NotCompared
    } else {
        Drift::Different(change)
    }
}

fn second_reading_failed(context: &VisitContext) -> bool {
    context.results.retry().is_some_and(|again| again.document.is_none())
}

/// Whether the last night that saw the work differed as well, and about as
/// much: more than the usual flicker is news, and compared with nothing but
/// the accepted text.
pub fn goes_on(history: &[Evidence], change: &TextChange) -> bool {
    // What the last night that saw the work said of its text.
    match history.iter().rev().find_map(Evidence::drift) {
        Some(Drift::Different(before)) => drift::is_as_large(change, before),
        Some(Drift::Small(before)) => before.flickers && drift::is_as_large(change, before),
        Some(Drift::First | Drift::Same | Drift::NotCompared) | None => false,
    }
}
