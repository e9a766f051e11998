//! What may be asked of the web about a link, and the answers.

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::signature_list::FoundSignatures;
use crate::domain::link::Kind;
use crate::domain::visit::Exchange;

/// A question to the web. Deciding asks; the sweep carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// The link itself.
    Link,
    /// The link itself once more, on a new connection.
    Retry,
    /// Where a page sends its readers by meta refresh or script.
    ClientRedirect(Address),
    /// The document a landing page is about.
    Document(Address),
    /// That document once more, before a change of it is believed.
    DocumentRetry(Address),
    /// The front page of the host, to tell a missing page from a host that refuses us.
    FrontPage(Address),
    /// An address beside the link that cannot exist, to see how the host says "not found".
    Nonexistent(Address),
    /// What the host's own interface says of the work.
    HostApi(Address),
}

/// One question, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeResult {
    pub probe: Probe,
    pub exchange: Exchange,
    /// What the body is; `None` where no body came, or it was not read.
    pub document: Option<Document>,
    /// The bytes are those of the accepted capture, so there is nothing to read.
    pub is_known: bool,
    /// Filled at the first question about them.
    pub signatures: FoundSignatures,
}

/// A link as judging knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedLink {
    pub address: Address,
    /// Its words on the course pages, each wording once.
    pub words: Vec<String>,
    pub kind: Kind,
    /// Fragments of its mentions, without the `#`.
    pub fragments: Vec<String>,
}

/// The answers of one night about one link, in the order they were asked.
#[derive(Clone, Copy, Debug)]
pub struct ProbeResults<'a>(pub &'a [ProbeResult]);

impl<'a> ProbeResults<'a> {
    /// The answers about the link itself or where it sends its readers, in order.
    pub fn pages(self) -> impl DoubleEndedIterator<Item = &'a ProbeResult> {
        self.0
            .iter()
            .filter(|result| matches!(result.probe, Probe::Link | Probe::Retry | Probe::ClientRedirect(_)))
    }

    /// The latest of them.
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
