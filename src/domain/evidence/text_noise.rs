//! Separates changes of the work from text that differs at every fetch.
//!
//! Pages have advertisements, quotations of the day and random recommendations in
//! elements that no name identifies. A second reading shows them: one of the same night
//! shows what differs at every request, one of the night before shows what differs every
//! day.

use crate::domain::document::Document;
use crate::domain::evidence::drift;
use crate::domain::evidence::visit_context::VisitContext;
use crate::domain::evidence::{Drift, Evidence, TextChange};

/// The drift for a change of a page: small if the changed words differ at every fetch.
pub(super) fn classify_change(context: &VisitContext, document: &Document, change: TextChange) -> Drift {
    let Some(baseline) = context.baseline.filter(|_| document.html.is_some() && change.alarm.is_none())
    else {
        return Drift::Different(change);
    };
    let tonight = context
        .results
        .pages()
        .filter_map(|answer| answer.document.as_ref())
        .filter(|other| other.html.is_some() && !std::ptr::eq(*other, document));
    let last = context.last.filter(|_| persists(&context.history.evidence, &change));
    if tonight.chain(last).any(|other| drift::is_unsteady(baseline, document, other)) {
        Drift::Small(TextChange { is_noise: true, ..change })
    } else if second_reading_failed(context) {
        // It cannot be separated from text noise tonight; another night can.
        Drift::NotCompared
    } else {
        Drift::Different(change)
    }
}

fn second_reading_failed(context: &VisitContext) -> bool {
    context.results.retry().is_some_and(|again| again.document.is_none())
}

/// Whether the last night that found the work differed too, by about as much. A larger
/// change is news, and is compared only with the accepted text.
pub fn persists(history: &[Evidence], change: &TextChange) -> bool {
    // The result of the last night that found the work.
    match history.iter().rev().find_map(Evidence::drift) {
        Some(Drift::Different(before)) => drift::is_as_large(change, before),
        Some(Drift::Small(before)) => before.is_noise && drift::is_as_large(change, before),
        Some(Drift::First | Drift::Same | Drift::NotCompared) | None => false,
    }
}
