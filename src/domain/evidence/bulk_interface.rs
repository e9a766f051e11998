//! Bulk interfaces: one response of a host lists many works. A link whose work has not changed
//! since its last visit needs no visit of its own.
//!
//! A list never counts against a link: what it does not say leads to an ordinary visit.
//! `night::bulk_lists` requests the lists.

mod arxiv;
mod github;
mod youtube;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::domain::address::Address;
use crate::domain::evidence::comparison::ComparedBy;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::{Drift, Evidence, Finding, ListedVersion};
use crate::domain::link::Kind;

/// A host may list a version some weeks before it serves it, because moderators read it first.
const SERVED_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A list does not show that the file can be opened, so each link is visited at least once in
/// so many days. The number differs from link to link, so that not all are due in one night.
const DAYS_BETWEEN_VISITS: std::ops::RangeInclusive<i64> = 14..=28;

/// An interface that the configuration can switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkInterface {
    /// <https://info.arxiv.org/help/api/user-manual.html>
    Arxiv,
    /// <https://developers.google.com/youtube/v3/docs/videos/list>
    Youtube,
    /// <https://docs.github.com/en/graphql>
    Github,
}

/// The name of a work in the lists of its host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkId(String);

/// What a list says of a work that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedWork {
    /// When its newest version was submitted.
    Submitted(Timestamp),
    /// Its present version.
    Version(ListedVersion),
}

pub type ListedWorks = BTreeMap<WorkId, ListedWork>;

/// A request for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    pub address: Address,
    /// The JSON that is sent to the address; `None` if the address says all.
    pub body: Option<String>,
}

/// A response that is not a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response is not a list of works")]
pub struct NotAList;

impl BulkInterface {
    pub const ALL: [Self; 3] = [Self::Arxiv, Self::Youtube, Self::Github];

    /// Its key in `[fetch.bulk_interfaces]`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Arxiv => "arxiv",
            Self::Youtube => "youtube",
            Self::Github => "github",
        }
    }

    /// The header in which it takes its token; `None` if it needs none.
    pub fn token_header(self, token: &str) -> Option<(&'static str, String)> {
        match self {
            Self::Arxiv => None,
            Self::Youtube => Some(("x-goog-api-key", token.to_owned())),
            Self::Github => Some(("authorization", format!("Bearer {token}"))),
        }
    }

    /// How many works one request may name.
    pub fn works_at_once(self) -> usize {
        match self {
            Self::Arxiv | Self::Github => 100,
            Self::Youtube => 50,
        }
    }

    /// The work behind a link, if this interface lists it.
    pub fn work_of(self, link: &Address) -> Option<WorkId> {
        match self {
            Self::Arxiv => arxiv::work_of(link),
            Self::Youtube => youtube::work_of(link),
            Self::Github => github::work_of(link),
        }
    }

    /// A work that the interface has listed for years, to see whether it gives lists at all.
    pub fn known_work(self) -> WorkId {
        let id = match self {
            Self::Arxiv => "1706.03762",
            Self::Youtube => "jNQXAC9IVRw",
            Self::Github => "git/git",
        };
        WorkId(id.to_owned())
    }

    /// The request for the list of these works.
    pub fn list_of(self, interface: &Address, works: &BTreeSet<WorkId>) -> Option<ListRequest> {
        match self {
            Self::Arxiv => arxiv::list_of(interface, works),
            Self::Youtube => youtube::list_of(interface, works),
            Self::Github => Some(github::list_of(interface, works)),
        }
    }

    /// What a list says of these works. Those that it does not name are left out.
    pub fn read(self, list: &str, works: &BTreeSet<WorkId>) -> Result<ListedWorks, NotAList> {
        match self {
            Self::Arxiv => arxiv::read(list, works),
            Self::Youtube => youtube::read(list, works),
            Self::Github => github::read(list, works),
        }
    }

    /// Whether its lists have versions, which are compared with those of the last visit. So they
    /// also name the works of links that are visited.
    pub fn lists_versions(self) -> bool {
        match self {
            Self::Arxiv => false,
            Self::Youtube | Self::Github => true,
        }
    }

    /// Whether a link of this kind that works has a copy. A link that should have one and has none,
    /// for lack of room, is visited.
    fn has_copy(self, link: &Address, kind: Kind) -> bool {
        match self {
            Self::Arxiv => true,
            Self::Youtube => kind.is_kept(),
            Self::Github => kind.is_kept() || github::is_archived_file(link),
        }
    }
}

/// A link whose visit a list may replace.
#[derive(Clone, Copy, Debug)]
pub struct ListCandidate<'a> {
    pub interface: BulkInterface,
    pub link: &'a Address,
    pub kind: Kind,
    pub history: &'a LinkHistory,
}

impl<'a> ListCandidate<'a> {
    /// Whether a list can replace a visit now: the work is archived, if works of its kind are,
    /// and was the same at the last visit, which was not long ago.
    pub fn may_replace_visit(self, now: Timestamp) -> bool {
        self.unchanged().is_some()
            && (!self.interface.lists_versions() || self.known_version().is_some())
            && self.last_visit().is_some_and(|at| now.duration_since(at) < between_visits(self.link))
    }

    /// Tonight's evidence of the link, of whose work the list says this. `None` if it needs a
    /// visit.
    pub fn evidence(self, listed: &ListedWork, now: Timestamp) -> Option<Evidence> {
        let is_same = match listed {
            ListedWork::Submitted(at) => self.last_visit()?.duration_since(*at) >= SERVED_AFTER,
            ListedWork::Version(version) => self.known_version() == Some(version),
        };
        if !is_same || !self.may_replace_visit(now) {
            return None;
        }
        let last = self.unchanged()?;
        // A link without a copy was not compared with one.
        let (finding, compared_by) = match &self.history.last {
            Some(_) => {
                (Finding::Healthy { drift: Drift::Same, moved_to: None }, Some(ComparedBy::Validators))
            }
            None => (last.finding.clone(), last.compared_by),
        };
        Some(Evidence {
            at: now,
            status: None,
            ended_at: last.ended_at.clone(),
            finding,
            compared_by,
            notes: last.notes.clone(),
            seen: last.seen.clone(),
            is_listed: true,
            listed_version: self.known_version().cloned(),
        })
    }

    /// The newest evidence, if it shows the archived work and nothing that a person may act on.
    fn unchanged(self) -> Option<&'a Evidence> {
        let history = self.history;
        let is_archived = history.last.is_some() && history.last_is_baseline();
        let needs_no_copy = history.last.is_none()
            && history.baseline.is_none()
            && !self.interface.has_copy(self.link, self.kind);
        let last = history.evidence.last().filter(|_| !history.is_taken_down)?;
        match &last.finding {
            Finding::Healthy { drift: Drift::First | Drift::Same, moved_to: None } if is_archived => {
                Some(last)
            }
            finding if needs_no_copy && is_healthy_without_copy(finding) => Some(last),
            Finding::Healthy { .. }
            | Finding::Gone { .. }
            | Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. } => None,
        }
    }

    /// The version in the newest list, if every visit since then has found the same work.
    fn known_version(self) -> Option<&'a ListedVersion> {
        let is_same = |evidence: &&Evidence| match &evidence.finding {
            Finding::Healthy { drift: Drift::First | Drift::Same, moved_to: None } => true,
            finding => self.history.last.is_none() && is_healthy_without_copy(finding),
        };
        let mut same = self.history.evidence.iter().rev().take_while(is_same);
        same.find_map(|evidence| evidence.listed_version.as_ref())
    }

    fn last_visit(self) -> Option<Timestamp> {
        self.history.evidence.iter().rfind(|evidence| !evidence.is_listed).map(|evidence| evidence.at)
    }
}

fn is_healthy_without_copy(finding: &Finding) -> bool {
    let Finding::Healthy { drift, moved_to: None } = finding else { return false };
    matches!(drift, Drift::First | Drift::Same | Drift::NotCompared)
}

fn between_visits(link: &Address) -> SignedDuration {
    let first = i64::from(Sha256::digest(link.as_str())[0]);
    let days =
        DAYS_BETWEEN_VISITS.start() + first % (DAYS_BETWEEN_VISITS.end() - DAYS_BETWEEN_VISITS.start() + 1);
    SignedDuration::from_hours(24 * days)
}

#[cfg(test)]
mod tests;
