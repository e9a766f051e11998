//! Code hosts, and hosts that show notebooks.

use super::share_hosts::drive_file;
use super::{HostRules, is_host, path_after, with_path};
use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::Note;

fn raw(path: &str) -> Option<Address> {
    Address::parse(&format!("https://raw.githubusercontent.com/{path}")).ok()
}

/// The raw file of a path `owner/repository/blob/branch/path`.
fn blob_to_raw(path: &str) -> Option<Address> {
    let mut parts = path.splitn(4, '/');
    let (owner, repository, word, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    matches!(word, "blob" | "raw" | "blame").then(|| raw(&format!("{owner}/{repository}/{rest}"))).flatten()
}

/// The file of an address whose path has `/-/blob/`, `/blob/` or `/src/` and
/// the like, with that word replaced.
fn replaced(address: &Address, words: &[(&str, &str)]) -> Option<Address> {
    let path = address.path();
    let (word, other) = words.iter().find(|(word, _)| path.contains(word))?;
    with_path(address, &path.replacen(word, other, 1))
}

/// The address of a large file whose raw address returns a Git LFS pointer.
pub(super) fn large_file(pointer: &Address) -> Option<Address> {
    if !is_host(pointer, &["raw.githubusercontent.com"]) {
        return None;
    }
    Address::parse(&format!("https://media.githubusercontent.com/media{}", pointer.path())).ok()
}

pub(super) fn github(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["github.com"]) {
        return None;
    }
    let document = path_after(address, "/").and_then(blob_to_raw);
    Some(HostRules { document, skip_soft_404_probe: true, note: Some(archived), ..HostRules::default() })
}

/// GitLab, Bitbucket and model hubs: the raw file of a file's page.
pub(super) fn other_forges(address: &Address) -> Option<HostRules> {
    let document = if address.path().contains("/-/") {
        replaced(address, &[("/-/blob/", "/-/raw/")])
    } else if is_host(address, &["bitbucket.org"]) {
        replaced(address, &[("/src/", "/raw/")])
    } else if is_host(address, &["huggingface.co"]) {
        replaced(address, &[("/blob/", "/resolve/")])
    } else if is_host(address, &["codeberg.org"]) {
        replaced(address, &[("/src/", "/raw/")])
    } else {
        None
    };
    document.map(|document| HostRules {
        document: Some(document),
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}

/// The newest version of the first file, if the page does not name it.
pub(super) fn gist(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["gist.github.com"]) {
        return None;
    }
    let document = path_after(address, "/").and_then(gist_file);
    Some(HostRules { document, skip_soft_404_probe: true, ..HostRules::default() })
}

fn gist_file(path: &str) -> Option<Address> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (owner, id) = (parts.next()?, parts.next()?);
    Address::parse(&format!("https://gist.githubusercontent.com/{owner}/{id}/raw")).ok()
}

fn archived(_: &Address, page: &Document) -> Option<Note> {
    let source = &page.html.as_ref()?.source;
    let is_archived =
        ["This repository was archived by the owner", "This repository has been archived by the owner"]
            .iter()
            .any(|words| source.contains(words) || page.text.contains(words));
    is_archived.then_some(Note::RepositoryArchived)
}

pub(super) fn raw_file(address: &Address) -> Option<HostRules> {
    is_host(address, &["raw.githubusercontent.com", "gist.githubusercontent.com"])
        .then(|| HostRules { skip_soft_404_probe: true, ..HostRules::default() })
}

/// The page is an application that answers 200 for any notebook.
pub(super) fn colab(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["colab.research.google.com", "colab.google.com"]) {
        return None;
    }
    let document = path_after(address, "/github/")
        .and_then(blob_to_raw)
        .or_else(|| path_after(address, "/gist/").and_then(gist_file))
        .or_else(|| path_after(address, "/drive/").and_then(drive_file));
    Some(HostRules {
        page_is_shell: document.is_some(),
        document,
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}

/// Its 400, 404 and 503 often mean that the code host limits it, so the file decides.
pub(super) fn nbviewer(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["nbviewer.org", "nbviewer.jupyter.org"]) {
        return None;
    }
    let document = path_after(address, "/github/")
        .and_then(blob_to_raw)
        .or_else(|| path_after(address, "/gist/").and_then(gist_file))
        .or_else(|| Address::parse(&format!("http://{}", path_after(address, "/url/")?)).ok())
        .or_else(|| Address::parse(&format!("https://{}", path_after(address, "/urls/")?)).ok());
    Some(HostRules {
        page_is_shell: document.is_some(),
        document,
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}
