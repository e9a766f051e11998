//! What a document, or the page that leads to it, says of its work.

use serde::{Deserialize, Serialize};

/// Bibliographic marks (`citation_*`, Dublin Core, PDF metadata).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    pub title: Option<String>,
    pub doi: Option<String>,
    /// The arXiv id, with its version if one is given.
    pub arxiv: Option<String>,
    /// The names as written, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The date as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// The journal, the proceedings or the book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

impl Citation {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes what is missing from what another page says of the same work.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            title: self.title.or_else(|| other.title.clone()),
            doi: self.doi.or_else(|| other.doi.clone()),
            arxiv: self.arxiv.or_else(|| other.arxiv.clone()),
            authors: if self.authors.is_empty() { other.authors.clone() } else { self.authors },
            published: self.published.or_else(|| other.published.clone()),
            container: self.container.or_else(|| other.container.clone()),
        }
    }
}
