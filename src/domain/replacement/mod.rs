//! Replacements for a dead link: finds the candidate addresses, the most trustworthy
//! first, and checks whether a response is the work.
//!
//! Only addresses that work are offered. `night::replacement_search` makes the requests.

mod identifier;
mod proof;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::evidence::{Evidence, Finding};

pub use proof::prove;

/// The days between two searches for a dead link; a result is valid that long.
pub const SEARCHED_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24 - 1);

/// Shorter texts may be equal by chance.
const TELLING_WORDS: u32 = 50;

/// An address where readers find the work, and why it is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    pub address: Address,
    pub ground: Ground,
    pub proof: Proof,
    /// The number of pages, if it equals that of our copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// When it last worked.
    pub seen_at: Timestamp,
}

/// The origin of a candidate, the most trustworthy first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Its host redirected there permanently while it still worked.
    Moved,
    Arxiv(String),
    Doi(String),
    /// Another visited link has the same document.
    OwnLink,
    /// A web archive's copy of this time.
    Memento(Timestamp),
}

/// How it was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// It has the same bytes as our copy.
    Bytes,
    Text,
    Title,
    /// We have no copy; its title equals the words of the link.
    Words,
    /// It contains the identifier of the link.
    Identifier,
    /// There is no copy to compare it with.
    Nothing,
}

impl Replacement {
    /// Whether it may be put on the page without a check by a person.
    pub fn is_verified(&self) -> bool {
        self.proof != Proof::Nothing
    }
}

/// A link that needs a replacement, and the facts about the work.
#[derive(Clone, Copy, Debug)]
pub struct LostDocument<'a> {
    pub link: &'a Address,
    /// Its words on the course pages.
    pub words: &'a [String],
    pub history: &'a [Evidence],
    /// Our copy, and its document.
    pub copy: Option<&'a StoredCapture>,
    pub document: Option<&'a Document>,
    /// When the address certainly had the linked work.
    pub worked_at: Timestamp,
}

/// Sources of further candidates.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchSources<'a> {
    /// Working links with the same document.
    pub twins: &'a [Address],
    /// A Memento `TimeGate`, to which the link is appended; `None` if the link must not be disclosed.
    pub timegate: Option<&'a Address>,
}

/// A candidate address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub address: Address,
    pub lead: CandidateOrigin,
}

/// Why it is a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateOrigin {
    Moved,
    /// A certain identifier is in the link itself. Another one was found in our copy, and may
    /// be that of a cited work.
    Arxiv {
        id: String,
        is_certain: bool,
    },
    Doi {
        doi: String,
        is_certain: bool,
    },
    OwnLink,
    TimeGate {
        near: Timestamp,
    },
}

/// Whether a capture has enough text, so that an equal text is not a coincidence.
pub fn is_distinctive(copy: &StoredCapture) -> bool {
    copy.words >= TELLING_WORDS
}

/// The candidate addresses, the most trustworthy first.
///
/// arXiv comes before the publisher because it is open to every student.
pub fn candidates(lost: &LostDocument, helpers: SearchSources) -> Vec<Candidate> {
    let mut found = Vec::new();
    found.extend(moved_to(lost.history).map(|address| Candidate { address, lead: CandidateOrigin::Moved }));
    found.extend(identifier::arxiv(lost).and_then(|(id, is_certain)| {
        let address = Address::parse(&format!("https://arxiv.org/abs/{id}")).ok()?;
        Some(Candidate { address, lead: CandidateOrigin::Arxiv { id, is_certain } })
    }));
    found.extend(identifier::doi(lost).and_then(|(doi, is_certain)| {
        let address = Address::parse("https://doi.org/").ok()?.join(&doi_path(&doi)).ok()?;
        Some(Candidate { address, lead: CandidateOrigin::Doi { doi, is_certain } })
    }));
    let twins = helpers.twins.iter().cloned();
    found.extend(twins.map(|address| Candidate { address, lead: CandidateOrigin::OwnLink }));
    found.extend(helpers.timegate.and_then(|gate| {
        let address = Address::parse(&format!("{gate}{}", lost.link)).ok()?;
        Some(Candidate { address, lead: CandidateOrigin::TimeGate { near: lost.worked_at } })
    }));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in found {
        let is_new = kept.iter().all(|known| known.address != candidate.address);
        if is_new && !candidate.address.is_canonically(lost.link) {
            kept.push(candidate);
        }
    }
    kept
}

/// Percent-encoded for a path (RFC 3986), because a DOI may contain `?` or `#`.
fn doi_path(doi: &str) -> String {
    format!("/{}", doi.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

/// The target of the newest permanent redirect of the link.
fn moved_to(history: &[Evidence]) -> Option<Address> {
    history.iter().rev().find_map(|evidence| match &evidence.finding {
        Finding::Healthy { moved_to, .. } => moved_to.clone(),
        Finding::Gone { .. }
        | Finding::Restricted { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => None,
    })
}

#[cfg(test)]
mod tests;
