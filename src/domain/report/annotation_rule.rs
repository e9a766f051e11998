//! The rules of annotations. Their words are in `wording::annotation`.

use serde::Serialize;

use crate::domain::evidence::Reason;

/// The rule that an annotation is a case of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum AnnotationRule {
    Link(Reason),
    Page(PageRule),
}

/// Mistakes on a page that are found without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageRule {
    EmptyLink,
    Malformed,
    MissingFile,
    BrokenAnchor,
}
