//! Shared drives and documents: the page of a share, and the shared file.

use super::{HostRules, is_host, path_after};
use crate::domain::address::Address;

/// The rules of a host whose page shows a file, if the address names it.
fn of_share(document: Option<Address>) -> HostRules {
    HostRules { document, skip_soft_404_probe: true, ..HostRules::default() }
}

/// The same address with one query parameter set.
fn with_parameter(address: &Address, name: &str, value: &str) -> Option<Address> {
    let mut url = address.url().clone();
    let others: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    Address::from_url(url).ok()
}

pub(super) fn drive_file(id: &str) -> Option<Address> {
    let id = id.split('/').next().filter(|id| !id.is_empty())?;
    Address::parse(&format!("https://drive.google.com/uc?export=download&id={id}")).ok()
}

pub(super) fn drive(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["drive.google.com"]) {
        return None;
    }
    let path = without_account(address.path());
    let by_query = || {
        let is_open = matches!(path.as_str(), "/open" | "/uc" | "/file/open");
        let (_, id) = address.url().query_pairs().find(|(key, _)| key == "id").filter(|_| is_open)?;
        // This is the address of the file already.
        drive_file(&id).filter(|document| document != address)
    };
    let document = path.strip_prefix("/file/d/").and_then(drive_file).or_else(by_query);
    Some(of_share(document))
}

pub(super) fn docs(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["docs.google.com"]) {
        return None;
    }
    let path = without_account(address.path());
    let export = |prefix: &str, suffix: &str| {
        let id = path.strip_prefix(prefix)?.split('/').next().filter(|id| !id.is_empty())?;
        // A published document (`/d/e/…`) has no export.
        (id != "e")
            .then(|| Address::parse(&format!("https://docs.google.com{prefix}{id}/{suffix}")).ok())
            .flatten()
    };
    let document = export("/document/d/", "export?format=pdf")
        .or_else(|| export("/presentation/d/", "export/pdf"))
        .or_else(|| export("/spreadsheets/d/", "export?format=pdf"))
        .or_else(|| export("/drawings/d/", "export/pdf"))
        .or_else(|| path.strip_prefix("/file/d/").and_then(drive_file));
    Some(of_share(document))
}

/// `/presentation/u/1/d/…` is the second account of the person who copied the
/// address; the same file is at the address without it.
fn without_account(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.windows(2).position(|pair| {
        let [word, number] = pair else { return false };
        *word == "u" && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    match at {
        Some(at) => [&parts[..at], &parts[at + 2..]].concat().join("/"),
        None => path.to_owned(),
    }
}

pub(super) fn dropbox(address: &Address) -> Option<HostRules> {
    if !is_host(address, &["dropbox.com"]) {
        return None;
    }
    let is_share = ["/s/", "/scl/", "/sh/"].iter().any(|prefix| path_after(address, prefix).is_some());
    let document = is_share.then(|| with_parameter(address, "dl", "1")).flatten();
    Some(of_share(document.filter(|document| document != address)))
}

/// `OneDrive` and `SharePoint`: a share with `download=1` is the file.
pub(super) fn onedrive(address: &Address) -> Option<HostRules> {
    let host = address.host();
    let is_sharepoint = host.ends_with(".sharepoint.com") && address.path().starts_with("/:");
    let is_onedrive = is_host(address, &["1drv.ms", "onedrive.live.com"]);
    if !is_sharepoint && !is_onedrive {
        return None;
    }
    // Folders (`/:f:/`) are not files.
    let is_folder = address.path().contains("/:f:/") || address.path().starts_with("/f/");
    let document = (!is_folder).then(|| with_parameter(address, "download", "1")).flatten();
    Some(of_share(document.filter(|document| document != address)))
}

/// Zenodo and other Invenio archives: the preview of a file, and the file itself.
pub(super) fn invenio(address: &Address) -> Option<HostRules> {
    let path = address.path();
    let is_record = ["/records/", "/record/"].iter().any(|prefix| path.starts_with(prefix));
    let is_file = is_record && (path.contains("/files/") || path.contains("/preview/"));
    if !is_host(address, &["zenodo.org"]) || !is_file {
        return None;
    }
    let mut url = address.url().clone();
    url.set_path(&path.replacen("/preview/", "/files/", 1));
    url.set_query(Some("download=1"));
    let document = Address::from_url(url).ok().filter(|document| document != address);
    Some(of_share(document))
}
