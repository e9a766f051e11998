//! The sites of open reviews and of proceedings: the paper behind the page of an article.

use super::{HostRules, PageStatement, is_host, with_path};
use crate::domain::address::Address;
use crate::domain::document::Document;

pub(super) fn openreview(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["openreview.net"]) {
        return None;
    }
    let id = address.url().query_pairs().find(|(key, _)| key == "id").map(|(_, id)| id.into_owned());
    let document = id.filter(|_| address.path() == "/forum").and_then(|id| {
        let mut url = address.root().url().clone();
        url.set_path("/pdf");
        url.query_pairs_mut().append_pair("id", &id);
        Address::from_url(url).ok()
    });
    Some(HostRules {
        document,
        skip_soft_404_probe: true,
        statement: Some(openreview_statement),
        ..HostRules::default()
    })
}

/// The application answers 200 for a forum that does not exist.
fn openreview_statement(document: &Document) -> Option<PageStatement> {
    let text: String = document.text.chars().take(400).collect::<String>().to_lowercase();
    (document.citation.title.is_none() && text.contains("the server responded with the following message"))
        .then_some(PageStatement::Missing)
}

pub(super) fn pmlr(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["proceedings.mlr.press"]) {
        return None;
    }
    let document = address.path().strip_suffix(".html").and_then(|stem| {
        let slug = stem.rsplit('/').next()?;
        with_path(address, &format!("{stem}/{slug}.pdf"))
    });
    Some(HostRules { document, ..HostRules::default() })
}

pub(super) fn cvf(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["openaccess.thecvf.com"]) {
        return None;
    }
    let document = address
        .path()
        .strip_suffix(".html")
        .filter(|path| path.contains("/html/"))
        .and_then(|stem| with_path(address, &format!("{}.pdf", stem.replacen("/html/", "/papers/", 1))));
    Some(HostRules { document, ..HostRules::default() })
}

pub(super) fn neurips(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["proceedings.neurips.cc", "papers.nips.cc", "papers.neurips.cc"]) {
        return None;
    }
    let document =
        address.path().strip_suffix(".html").filter(|path| path.contains("/hash/")).and_then(|stem| {
            let path = stem.replacen("/hash/", "/file/", 1).replacen("-Abstract", "-Paper", 1);
            with_path(address, &format!("{path}.pdf"))
        });
    Some(HostRules { document, ..HostRules::default() })
}

pub(super) fn acl(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["aclanthology.org", "aclweb.org"]) {
        return None;
    }
    let path = address.path();
    let id = path.strip_prefix("/anthology/").or_else(|| path.strip_prefix('/'))?;
    let id = id.trim_end_matches('/');
    let is_work = !id.is_empty() && !id.contains('/') && id.contains('-') && !id.ends_with(".pdf");
    Some(HostRules {
        document: is_work
            .then(|| Address::parse(&format!("https://aclanthology.org/{id}.pdf")).ok())
            .flatten(),
        ..HostRules::default()
    })
}

pub(super) fn jmlr(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["jmlr.org"]) {
        return None;
    }
    let document = address.path().strip_suffix(".html").and_then(|stem| {
        let (volume, slug) = stem.strip_prefix("/papers/v")?.split_once('/')?;
        with_path(address, &format!("/papers/volume{volume}/{slug}/{slug}.pdf"))
    });
    Some(HostRules { document, ..HostRules::default() })
}
