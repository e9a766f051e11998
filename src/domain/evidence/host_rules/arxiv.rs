//! arXiv: a link to the page of an abstract, or to the HTML of a paper, leads to its PDF.

use super::{HostRules, PageStatement, is_host, path_after, with_path};
use crate::domain::address::Address;
use crate::domain::document::Document;

pub(super) fn rules(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["arxiv.org", "export.arxiv.org"]) {
        return None;
    }
    let id = path_after(address, "/abs/").or_else(|| path_after(address, "/html/"));
    Some(HostRules {
        document: id.and_then(|id| with_path(address, &format!("/pdf/{id}"))),
        skip_soft_404_probe: true,
        statement: Some(withdrawal),
        ..HostRules::default()
    })
}

fn withdrawal(document: &Document) -> Option<PageStatement> {
    let text: String = document.text.chars().take(6000).collect::<String>().to_lowercase();
    (text.contains("this paper has been withdrawn") || text.contains("has been withdrawn and is unavailable"))
        .then_some(PageStatement::Withdrawn)
}
