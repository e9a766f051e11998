//! What may be asked of the web about a link, and the answers.

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::link::Kind;
use crate::domain::visit::Exchange;

/// A question to the web. Deciding asks; the sweep carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The link itself.
    Link,
    /// The link itself once more, on a new connection.
    Again,
    /// Where a page sends its readers by meta refresh or script.
    Onward(Address),
    /// The document a landing page is about.
    Document(Address),
    /// That document once more, before a change of it is believed.
    DocumentAgain(Address),
    /// The front page of the host, to tell a missing page from a host that refuses us.
    Root(Address),
    /// An address beside the link that cannot exist, to see how the host says "not found".
    Sibling(Address),
    /// What the host's own interface says of the work.
    Witness(Address),
}

/// One question, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub ask: Ask,
    pub exchange: Exchange,
    /// What the body is; `None` where no body came, or it was not read.
    pub document: Option<Document>,
    /// The bytes are those of the accepted capture, so there is nothing to read.
    pub is_known: bool,
}

/// A link as judging knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub address: Address,
    /// Its words on the course pages, each wording once.
    pub words: Vec<String>,
    pub kind: Kind,
    /// Fragments of its mentions, without the `#`.
    pub fragments: Vec<String>,
}

/// The answers of one night about one link, in the order they were asked.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'a>(pub &'a [Answer]);

impl<'a> Answers<'a> {
    /// The answers about the link itself or where it sends its readers, in order.
    pub fn pages(self) -> impl DoubleEndedIterator<Item = &'a Answer> {
        self.0.iter().filter(|answer| matches!(answer.ask, Ask::Link | Ask::Again | Ask::Onward(_)))
    }

    /// The latest of them.
    pub fn page(self) -> Option<&'a Answer> {
        self.pages().next_back()
    }

    pub fn first(self) -> Option<&'a Answer> {
        self.0.iter().find(|answer| answer.ask == Ask::Link)
    }

    pub fn again(self) -> Option<&'a Answer> {
        self.0.iter().find(|answer| answer.ask == Ask::Again)
    }

    pub fn onward(self) -> Option<&'a Answer> {
        self.0.iter().rev().find(|answer| matches!(answer.ask, Ask::Onward(_)))
    }

    pub fn documents(self) -> impl DoubleEndedIterator<Item = &'a Answer> {
        self.0.iter().filter(|answer| matches!(answer.ask, Ask::Document(_) | Ask::DocumentAgain(_)))
    }

    pub fn root(self) -> Option<&'a Answer> {
        self.0.iter().find(|answer| matches!(answer.ask, Ask::Root(_)))
    }

    pub fn sibling(self) -> Option<&'a Answer> {
        self.0.iter().find(|answer| matches!(answer.ask, Ask::Sibling(_)))
    }

    pub fn witness(self) -> Option<&'a Answer> {
        self.0.iter().find(|answer| matches!(answer.ask, Ask::Witness(_)))
    }
}
