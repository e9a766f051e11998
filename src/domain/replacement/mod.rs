//! What can stand in for a dead link: which addresses are worth asking, in the
//! order in which they are to be trusted, and whether what answered is the work.
//!
//! Nothing is offered that was not seen to work. Asking is `night::replacement_search`'s.

mod identifier;
mod proof;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::document::Document;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::evidence::{Evidence, Finding};

pub use proof::prove;

/// A dead link is searched for once a week; what was found stands that long.
pub const SEARCHED_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24 - 1);

/// Texts shorter than this may be equal by chance.
const TELLING_WORDS: u32 = 50;

/// Where a reader can go instead, and why that may be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    pub address: Address,
    pub ground: Ground,
    pub proof: Proof,
    /// The number of pages, where our copy has as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// When it was last seen to work.
    pub seen_at: Timestamp,
}

/// What led to it, the most trustworthy first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Its host redirected there for good, while it still answered.
    Moved,
    Arxiv(String),
    Doi(String),
    /// Another link that we visit has the same document.
    OwnLink,
    /// A web archive's copy, taken at this moment.
    Memento(Timestamp),
}

/// How it was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Byte for byte our copy.
    Bytes,
    Text,
    Title,
    /// We have no copy; its title is what the link says.
    Words,
    /// It names the identifier that the link itself has.
    Identifier,
    /// There was nothing to compare it with.
    Nothing,
}

impl Replacement {
    /// Whether it may be put on the page without anyone looking at it.
    pub fn is_verified(&self) -> bool {
        self.proof != Proof::Nothing
    }
}

/// A link that needs a replacement, and all that is known of the work.
#[derive(Clone, Copy, Debug)]
pub struct LostDocument<'a> {
    pub link: &'a Address,
    /// Its words on the course pages.
    pub words: &'a [String],
    pub history: &'a [Evidence],
    /// Our copy, and what it says.
    pub copy: Option<&'a StoredCapture>,
    pub document: Option<&'a Document>,
    /// When it surely was the work that was linked.
    pub worked_at: Timestamp,
}

/// Others that may help.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchSources<'a> {
    /// Links that work and gave the same document.
    pub twins: &'a [Address],
    /// A Memento `TimeGate`, to which the link is appended; `None` where it may not be told.
    pub timegate: Option<&'a Address>,
}

/// An address worth asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub address: Address,
    pub lead: CandidateOrigin,
}

/// Why it is worth asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateOrigin {
    Moved,
    /// A certain identifier stands in the link; another was found in our copy,
    /// and may be that of a work it cites.
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

/// Whether a capture says enough that an equal one is no accident.
pub fn is_distinctive(copy: &StoredCapture) -> bool {
    copy.words >= TELLING_WORDS
}

/// The addresses worth asking, the most trustworthy first.
///
/// arXiv goes before the publisher: it is open to every student.
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

/// As a path (RFC 3986), where a DOI's own signs might end it.
fn doi_path(doi: &str) -> String {
    format!("/{}", doi.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

/// Where the host sent readers for good, the newest time it said so.
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
