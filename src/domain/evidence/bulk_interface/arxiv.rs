//! arXiv's query interface: an Atom feed of the works in `id_list`.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{ListRequest, ListedWork, ListedWorks, NotAList, WorkId};
use crate::domain::address::Address;
use crate::domain::document::xml::{Broken, Xml, XmlEvent};

const HOSTS: [&str; 3] = ["arxiv.org", "www.arxiv.org", "export.arxiv.org"];

/// The id in the address of an abstract, a PDF or an HTML page.
pub(super) fn work_of(link: &Address) -> Option<WorkId> {
    if !HOSTS.contains(&link.host()) {
        return None;
    }
    let path = link.path();
    let id = ["/abs/", "/pdf/", "/html/"].iter().find_map(|prefix| path.strip_prefix(prefix))?;
    let id = id.strip_suffix(".pdf").unwrap_or(id);
    is_id(id).then(|| WorkId(id.to_owned()))
}

pub(super) fn list_of(interface: &Address, works: &BTreeSet<WorkId>) -> Option<ListRequest> {
    let ids: Vec<&str> = works.iter().map(|work| work.0.as_str()).collect();
    let mut url = interface.url().clone();
    url.query_pairs_mut()
        .append_pair("id_list", &ids.join(","))
        .append_pair("max_results", &ids.len().to_string());
    Some(ListRequest { address: Address::from_url(url).ok()?, body: None })
}

pub(super) fn read(list: &str, works: &BTreeSet<WorkId>) -> Result<ListedWorks, NotAList> {
    let listed = entries(list).map_err(|Broken| NotAList)?.ok_or(NotAList)?;
    let of_work = |work: &WorkId| {
        // A work without a version is listed under its newest one.
        let is_it = |id: &str| id == work.0 || without_version(id) == work.0;
        let submitted = listed.iter().filter(|(id, _)| is_it(id)).map(|(_, at)| *at);
        Some((work.clone(), ListedWork::Submitted(submitted.max()?)))
    };
    Ok(works.iter().filter_map(of_work).collect())
}

/// The ids and times of the entries; `None` if this is no Atom feed.
fn entries(list: &str) -> Result<Option<Vec<(String, Timestamp)>>, Broken> {
    let mut xml = Xml::new(list);
    let (mut path, mut entries) = (Vec::new(), Vec::new());
    let (mut id, mut updated) = (String::new(), String::new());
    let mut is_feed = false;
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Open(tag) => {
                is_feed |= path.is_empty() && tag.name == "feed";
                path.push(tag.name);
                if path.len() == 2 {
                    (id, updated) = (String::new(), String::new());
                }
            }
            XmlEvent::Text(text) if path == ["feed", "entry", "id"] => id.push_str(&text),
            XmlEvent::Text(text) if path == ["feed", "entry", "updated"] => updated.push_str(&text),
            XmlEvent::Text(_) => {}
            XmlEvent::Close(_) => {
                if path == ["feed", "entry"] {
                    entries.extend(entry(&id, &updated));
                }
                path.pop();
            }
        }
    }
    Ok(is_feed.then_some(entries))
}

fn entry(id: &str, updated: &str) -> Option<(String, Timestamp)> {
    let (_, id) = id.trim().split_once("/abs/")?;
    is_id(id).then_some((id.to_owned(), updated.trim().parse().ok()?))
}

/// `2006.11239`, `math.GT/0309136` or `hep-th/9901001`, each with or without a version
/// (<https://info.arxiv.org/help/arxiv_identifier.html>).
fn is_id(id: &str) -> bool {
    let is_digits = |text: &str, lengths: &[usize]| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let work = without_version(id);
    match work.split_once('/') {
        Some((archive, number)) => {
            let is_name = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'.');
            !archive.is_empty() && archive.bytes().all(is_name) && is_digits(number, &[7])
        }
        None => work
            .split_once('.')
            .is_some_and(|(month, number)| is_digits(month, &[4]) && is_digits(number, &[4, 5])),
    }
}

fn without_version(id: &str) -> &str {
    match id.rsplit_once('v') {
        Some((work, version)) if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) => {
            work
        }
        Some(_) | None => id,
    }
}
