//! The probes of a link, and their results.

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::ListedVersion;
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::link::Kind;
use crate::domain::visit::Exchange;

/// A request about a link. `night::execute` sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// The link itself.
    Link,
    /// The link itself once more, on a new connection.
    Retry,
    /// The target of a redirect by meta refresh or script.
    ClientRedirect(Address),
    /// The document behind a landing page.
    Document(Address),
    /// That document once more, before a change of it counts.
    DocumentRetry(Address),
    /// The front page of the host. It separates a missing page from a host that refuses us.
    FrontPage(Address),
    /// A nonexistent address beside the link, to see how the host reports missing pages.
    Nonexistent(Address),
    /// The host's own interface.
    HostApi(Address),
}

/// A probe, and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeResult {
    pub probe: Probe,
    pub exchange: Exchange,
    /// The document in the body; `None` if there is no body, or it was not read.
    pub document: Option<Document>,
    /// The bytes are those of the accepted capture, so the body was not read.
    pub is_known: bool,
    /// Searched at the first use.
    pub signatures: FoundSignatures,
}

/// A link, with the facts that judging uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedLink {
    pub address: Address,
    /// Its words on the course pages, each wording once.
    pub words: Vec<String>,
    pub kind: Kind,
    /// The fragments of its mentions, without the `#`.
    pub fragments: Vec<String>,
    /// The version of its work in the list of a bulk interface, if that was read tonight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_version: Option<ListedVersion>,
}

/// The results of one night for one link, in the order of the probes.
#[derive(Clone, Copy, Debug)]
pub struct ProbeResults<'a>(pub &'a [ProbeResult]);

impl<'a> ProbeResults<'a> {
    /// The results of the link itself and of its client-side redirects, in order.
    pub fn pages(self) -> impl DoubleEndedIterator<Item = &'a ProbeResult> {
        self.0
            .iter()
            .filter(|result| matches!(result.probe, Probe::Link | Probe::Retry | Probe::ClientRedirect(_)))
    }

    /// The latest result of the link itself.
    pub fn page(self) -> Option<&'a ProbeResult> {
        self.pages().next_back()
    }

    pub fn first(self) -> Option<&'a ProbeResult> {
        self.0.iter().find(|result| result.probe == Probe::Link)
    }

    pub fn retry(self) -> Option<&'a ProbeResult> {
        self.0.iter().find(|result| result.probe == Probe::Retry)
    }

    pub fn client_redirect(self) -> Option<&'a ProbeResult> {
        self.0.iter().rev().find(|result| matches!(result.probe, Probe::ClientRedirect(_)))
    }

    pub fn documents(self) -> impl DoubleEndedIterator<Item = &'a ProbeResult> {
        self.0.iter().filter(|result| matches!(result.probe, Probe::Document(_) | Probe::DocumentRetry(_)))
    }

    pub fn front_page(self) -> Option<&'a ProbeResult> {
        self.0.iter().find(|result| matches!(result.probe, Probe::FrontPage(_)))
    }

    pub fn nonexistent(self) -> Option<&'a ProbeResult> {
        self.0.iter().find(|result| matches!(result.probe, Probe::Nonexistent(_)))
    }

    pub fn host_api(self) -> Option<&'a ProbeResult> {
        self.0.iter().find(|result| matches!(result.probe, Probe::HostApi(_)))
    }
}
