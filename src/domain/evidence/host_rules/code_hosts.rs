//! Code hosts, notebooks and shared drives.

use super::{HostRules, is_host, path_after};
use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::Note;

fn raw(path: &str) -> Option<Address> {
    Address::parse(&format!("https://raw.githubusercontent.com/{path}")).ok()
}

/// `owner/repository/blob/branch/path` as the file itself.
fn blob_to_raw(path: &str) -> Option<Address> {
    let mut parts = path.splitn(4, '/');
    let (owner, repository, word, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    matches!(word, "blob" | "raw" | "blame").then(|| raw(&format!("{owner}/{repository}/{rest}"))).flatten()
}

/// Files a student reads offline; source code is not kept.
fn is_readable_offline(path: &str) -> bool {
    [".pdf", ".ipynb"].iter().any(|extension| path.to_ascii_lowercase().ends_with(extension))
}

pub(super) fn github(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["github.com"]) {
        return None;
    }
    let document = path_after(address, "/").filter(|path| is_readable_offline(path)).and_then(blob_to_raw);
    Some(HostRules { document, skip_soft_404_probe: true, note: Some(archived), ..HostRules::default() })
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
        .or_else(|| path_after(address, "/drive/").and_then(download));
    Some(HostRules {
        page_is_shell: document.is_some(),
        document,
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}

/// Its 400, 404 and 503 often mean that the code host limits it; the file decides.
pub(super) fn nbviewer(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["nbviewer.org", "nbviewer.jupyter.org"]) {
        return None;
    }
    let document = path_after(address, "/github/").and_then(blob_to_raw);
    Some(HostRules {
        page_is_shell: document.is_some(),
        document,
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}

fn download(path: &str) -> Option<Address> {
    let id = path.split('/').next().filter(|id| !id.is_empty())?;
    Address::parse(&format!("https://drive.google.com/uc?export=download&id={id}")).ok()
}

pub(super) fn drive(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["drive.google.com"]) {
        return None;
    }
    Some(HostRules {
        document: path_after(address, "/file/d/").and_then(download),
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}

pub(super) fn docs(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["docs.google.com"]) {
        return None;
    }
    let export = |prefix: &str, suffix: &str| {
        let id = path_after(address, prefix)?.split('/').next()?;
        // A published document (`/d/e/…`) has no export.
        (id != "e")
            .then(|| Address::parse(&format!("https://docs.google.com{prefix}{id}/{suffix}")).ok())
            .flatten()
    };
    Some(HostRules {
        document: export("/document/d/", "export?format=pdf")
            .or_else(|| export("/presentation/d/", "export/pdf"))
            .or_else(|| export("/spreadsheets/d/", "export?format=pdf")),
        skip_soft_404_probe: true,
        ..HostRules::default()
    })
}
