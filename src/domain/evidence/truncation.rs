//! Decides whether the server itself has only a part of the file. A transfer that ends
//! early by chance ends elsewhere at the next attempt.

use crate::domain::document::{DocumentDefect, Format};
use crate::domain::evidence::probe::ProbeResult;

/// Whether two attempts of one night returned the same part of a file.
pub(super) fn is_cut_alike(first: &ProbeResult, retry: &ProbeResult) -> bool {
    let is_cut_at_same_byte =
        first.exchange.cut_at.is_some() && first.exchange.cut_at == retry.exchange.cut_at;
    is_cut_at_same_byte || (is_useless_part(first) && is_useless_part(retry) && has_same_body(first, retry))
}

/// No program opens a part of a package or of a notebook. Viewers show the remaining pages
/// of a PDF, and browsers the remaining part of a web page.
fn is_useless_part(answer: &ProbeResult) -> bool {
    answer.document.as_ref().is_some_and(|document| {
        document.defect == Some(DocumentDefect::Truncated)
            && !matches!(document.format, Format::Pdf | Format::Html)
    })
}

fn has_same_body(first: &ProbeResult, retry: &ProbeResult) -> bool {
    let digest = |answer: &ProbeResult| answer.exchange.body().map(|body| body.sha256);
    digest(first).is_some() && digest(first) == digest(retry)
}
