//! Bulk interfaces: one response of a host lists many works, each with the time of its newest
//! version. A link whose work has not changed since its last visit needs no visit of its own.
//!
//! A list never counts against a link: what it does not say leads to an ordinary visit.
//! `night::bulk_lists` requests the lists.

mod arxiv;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::domain::address::Address;
use crate::domain::evidence::comparison::ComparedBy;
use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::{Drift, Evidence, Finding};

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
}

/// The name of a work in the lists of its host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkId(String);

/// When the newest version of each listed work was submitted.
pub type ListedWorks = BTreeMap<WorkId, Timestamp>;

/// A response that is not a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response is not a list of works")]
pub struct NotAList;

impl BulkInterface {
    pub const ALL: [Self; 1] = [Self::Arxiv];

    /// Its key in `[fetch.bulk_interfaces]`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Arxiv => "arxiv",
        }
    }

    /// How many works one request may name.
    pub fn works_at_once(self) -> usize {
        match self {
            Self::Arxiv => 100,
        }
    }

    /// The work behind a link, if this interface lists it.
    pub fn work_of(self, link: &Address) -> Option<WorkId> {
        match self {
            Self::Arxiv => arxiv::work_of(link),
        }
    }

    /// The address of the list of these works.
    pub fn list_of(self, interface: &Address, works: &BTreeSet<WorkId>) -> Option<Address> {
        match self {
            Self::Arxiv => arxiv::list_of(interface, works),
        }
    }

    /// What a list says of these works. Those that it does not name are left out.
    pub fn read(self, list: &str, works: &BTreeSet<WorkId>) -> Result<ListedWorks, NotAList> {
        match self {
            Self::Arxiv => arxiv::read(list, works),
        }
    }
}

/// Whether a list can replace tonight's visit of a link with this history: the work is archived
/// and was the same at the last visit, which was not long ago.
pub fn may_replace_visit(link: &Address, history: &LinkHistory, now: Timestamp) -> bool {
    unchanged(history).is_some()
        && last_visit(history).is_some_and(|at| now.duration_since(at) < between_visits(link))
}

/// Tonight's evidence of a link whose work was last submitted at `submitted`. `None` if the
/// link needs a visit.
pub fn evidence(
    link: &Address,
    history: &LinkHistory,
    submitted: Timestamp,
    now: Timestamp,
) -> Option<Evidence> {
    let is_served = last_visit(history)?.duration_since(submitted) >= SERVED_AFTER;
    if !is_served || !may_replace_visit(link, history, now) {
        return None;
    }
    let last = unchanged(history)?;
    Some(Evidence {
        at: now,
        status: None,
        ended_at: last.ended_at.clone(),
        finding: Finding::Healthy { drift: Drift::Same, moved_to: None },
        compared_by: Some(ComparedBy::Validators),
        notes: last.notes.clone(),
        seen: last.seen.clone(),
        is_listed: true,
    })
}

/// The newest evidence, if it shows the archived work and nothing that a person may act on.
fn unchanged(history: &LinkHistory) -> Option<&Evidence> {
    let is_archived = history.last.is_some() && history.last_is_baseline() && !history.is_taken_down;
    let last = history.evidence.last().filter(|_| is_archived)?;
    match &last.finding {
        Finding::Healthy { drift: Drift::First | Drift::Same, moved_to: None } => Some(last),
        Finding::Healthy { .. }
        | Finding::Gone { .. }
        | Finding::Restricted { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => None,
    }
}

fn last_visit(history: &LinkHistory) -> Option<Timestamp> {
    history.evidence.iter().rfind(|evidence| !evidence.is_listed).map(|evidence| evidence.at)
}

fn between_visits(link: &Address) -> SignedDuration {
    let first = i64::from(Sha256::digest(link.as_str())[0]);
    let days =
        DAYS_BETWEEN_VISITS.start() + first % (DAYS_BETWEEN_VISITS.end() - DAYS_BETWEEN_VISITS.start() + 1);
    SignedDuration::from_hours(24 * days)
}

#[cfg(test)]
mod tests;
