//! Rules for particular hosts, one row each: the document behind a page, an interface
//! that knows more than the page, and the meaning of a redirect.
//!
//! To add a host, add a row to `ROWS` and a test.

mod arxiv;
mod code_hosts;
mod proceedings;
mod redirect_services;
mod share_hosts;
mod short_addresses;
mod social_hosts;
mod video_hosts;

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::probe::ProbeResult;
use crate::domain::evidence::{Note, Reason, Weight};

/// How a host is probed, and how its responses are read.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Clone, Debug, Default)]
pub struct HostRules {
    /// The document behind the page, if the address alone determines it.
    pub document: Option<Address>,
    /// An interface that knows more than the page.
    pub host_api: Option<HostApi>,
    /// The page itself shows nothing; only its document or the host's interface counts.
    pub page_is_shell: bool,
    /// The address redirects by design, so its target is not news.
    pub redirects_by_design: bool,
    /// The address has the form of a short address, and its host is not in a list.
    pub looks_shortened: bool,
    /// No nonexistent address is probed: the host's error page is known, or such probes are unwelcome.
    pub skip_soft_404_probe: bool,
    /// The host answers 404 or 400 to programs for pages that it shows in browsers.
    pub hides_from_programs: bool,
    /// Statements in the page's own words, beyond the general rules.
    pub statement: Option<fn(&Document) -> Option<PageStatement>>,
    /// Notes in the page's own words on a link that works.
    pub note: Option<fn(&Address, &Document) -> Option<Note>>,
}

/// An interface of the host, and how to read its responses.
#[derive(Clone, Debug)]
pub struct HostApi {
    pub address: Address,
    pub read: fn(&ProbeResult) -> ApiStatus,
}

/// The result of a host's interface for the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiStatus {
    Available,
    Gone(Reason, Weight),
    Restricted(Reason),
    /// Nothing reliable.
    Unknown,
}

/// A statement about the work in the host's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStatement {
    Withdrawn,
    Missing,
    /// Only some people may see it.
    Private,
}

type Row = fn(&Address) -> Option<HostRules>;

const ROWS: &[Row] = &[
    arxiv::rules,
    proceedings::openreview,
    proceedings::pmlr,
    proceedings::cvf,
    proceedings::neurips,
    proceedings::acl,
    proceedings::jmlr,
    redirect_services::rules,
    code_hosts::github,
    code_hosts::raw_file,
    code_hosts::colab,
    code_hosts::nbviewer,
    code_hosts::gist,
    code_hosts::other_forges,
    share_hosts::drive,
    share_hosts::docs,
    share_hosts::dropbox,
    share_hosts::onedrive,
    share_hosts::invenio,
    video_hosts::youtube,
    video_hosts::vimeo,
    social_hosts::hidden,
    short_addresses::shortener,
];

/// The rules for the address's host; the default for a host without a row.
pub fn rules_for(address: &Address) -> HostRules {
    ROWS.iter().find_map(|row| row(address)).unwrap_or_default()
}

/// The id of the video that a `YouTube` address leads to.
pub fn youtube_video(address: &Address) -> Option<String> {
    video_hosts::youtube_video(address)
}

/// The address of the large file for a pointer on this host (Git LFS).
pub fn large_file(pointer: &Address) -> Option<Address> {
    code_hosts::large_file(pointer)
}

/// The path after `prefix`, if it has one.
fn path_after<'a>(address: &'a Address, prefix: &str) -> Option<&'a str> {
    address.path().strip_prefix(prefix).filter(|rest| !rest.is_empty())
}

fn is_host(address: &Address, hosts: &[&str]) -> bool {
    let host = address.host();
    let host = host.strip_prefix("www.").unwrap_or(host);
    hosts.contains(&host)
}

/// The same address with another path and no query.
fn with_path(address: &Address, path: &str) -> Option<Address> {
    let mut url = address.url().clone();
    url.set_path(path);
    url.set_query(None);
    Address::from_url(url).ok()
}

#[cfg(test)]
mod tests;
