//! What is known about a course and its links on the day of a report.
//!
//! What earlier reports said is in `earlier`.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest, Verified};
use crate::domain::course::{CourseId, PageSource};
use crate::domain::decision::Decision;
use crate::domain::evidence::{Note, Reason};
use crate::domain::link::Mention;
use crate::domain::page::{LinkDefect, Omission, UnreadFormat};
use crate::domain::patch::SourceLocation;
use crate::domain::replacement::Replacement;
use crate::domain::verdict::breaker::Void;
use crate::domain::verdict::{State, StateName, Verdict};

/// A change of state, kept for the history of a link. A report is made from the
/// facts of its night, not from events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub link: Address,
    pub at: Timestamp,
    /// `None` on the first night of a link.
    pub before: Option<State>,
    pub after: State,
}

/// What is known about a course on the day of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseFacts {
    pub course: CourseId,
    pub title: String,
    /// The sources of the pages. A link below one of them is a file of the course itself.
    pub pages: Vec<PageSource>,
    pub time_zone: jiff::tz::TimeZone,
    /// The local day of the report. It decides which links are due.
    pub today: Date,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// The first night of the course. Its findings are a baseline, not news.
    pub is_first: bool,
    /// Why no link was judged, on a night when our own network failed.
    pub void: Option<Void>,
    pub links: Vec<LinkFacts>,
    pub defects: Vec<PageDefect>,
    /// Parts of the pages that are not read.
    pub omissions: Vec<PageOmission>,
    pub page_problem: Option<PageProblem>,
    /// For how many nights in a row the page has had that problem, with tonight.
    pub page_problem_nights: u32,
    /// The page with that problem has never been read.
    pub page_never_read: bool,
    /// Corrections to the sources of the pages, where the sources are known.
    pub patch: Option<PagePatch>,
    /// Students may open our copies. Otherwise a report does not mention that.
    pub students_get_copies: bool,
    pub requests: u64,
    pub bytes: u64,
}

/// What is known about a link of a course on the day of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkFacts {
    pub link: Address,
    /// Every mention of the link on the pages, in order.
    pub mentions: Vec<Mention>,
    pub verdict: Verdict,
    /// The HTTP status of the last visit, and the end of its redirects.
    pub status: Option<u16>,
    pub ended_at: Option<Address>,
    pub last_ok: Option<Timestamp>,
    /// The copy that readers are offered.
    pub copy: Option<Capture>,
    /// The number of pages of the copy, for documents with pages.
    pub copy_pages: Option<u32>,
    /// When the copy was last hashed again, and whether its digest was right.
    pub verified: Option<Verified>,
    /// Our copy can replace the link: it is intact and, where students are
    /// offered copies, they may open it while the original is dead or asks
    /// for an account.
    pub is_covered: bool,
    /// The day from which students may open the copy that replaces the link, if that day is
    /// still to come: the first day of the term.
    pub copy_opens_on: Option<Date>,
    /// Students may open our copy once a person decides to use it in place of
    /// the original.
    pub opens_if_chosen: bool,
    /// The accepted capture and the new one, if the link is `changed` and both are kept.
    pub versions: Option<(Capture, Capture)>,
    /// Another address for a dead link.
    pub replacement: Option<Replacement>,
    pub notes: Vec<Note>,
    /// The decision in force tonight. A decided link is no news.
    pub decision: Option<Decision>,
    /// The decision that lapsed tonight.
    pub lapsed: Option<Decision>,
    /// Set if the link is not visited every night, because its host has a crawl budget.
    pub revisit: Option<Revisit>,
}

/// When a link is visited that is not visited every night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisit {
    /// Its last visit in a valid night; `None` if no night visited it.
    pub last_visit: Option<Timestamp>,
    /// Each link of the host is visited at least once in so many nights.
    pub interval: u32,
}

impl CourseFacts {
    /// Whether a link is dead without a decision about it.
    pub fn has_dead(&self) -> bool {
        let is_dead = |link_facts: &LinkFacts| link_facts.verdict.state.name() == StateName::Dead;
        self.links.iter().any(|link_facts| is_dead(link_facts) && link_facts.decision.is_none())
    }
}

impl LinkFacts {
    /// Whether no night has visited the link, because its turn has not come.
    pub fn awaits_first_visit(&self) -> bool {
        self.revisit.is_some_and(|revisit| revisit.last_visit.is_none())
    }

    /// Whether the night that began then did not visit the link, because it was not its turn.
    pub fn is_left_for_later(&self, night: Timestamp) -> bool {
        self.revisit.is_some_and(|revisit| revisit.last_visit.is_none_or(|at| at < night))
    }

    /// The copy, unless its bytes are lost.
    pub fn sound_copy(&self) -> Option<&Capture> {
        self.copy.as_ref().filter(|_| !self.is_copy_lost())
    }

    /// Whether the copy was altered or missing when it was last looked for.
    pub fn is_copy_lost(&self) -> bool {
        self.copy.is_some() && self.verified.is_some_and(|verified| !verified.is_sound)
    }

    /// Updates what is known of the copy by the copies that are lost now, and when they
    /// were found to be.
    pub fn set_lost(&mut self, lost: &HashMap<Digest, Timestamp>) {
        match self.copy.as_ref().and_then(|copy| lost.get(&copy.sha256)) {
            Some(at) => self.verified = Some(Verified { at: *at, is_sound: false }),
            None if self.is_copy_lost() => self.verified = None,
            None => {}
        }
        self.is_covered &= !self.is_copy_lost();
    }

    /// Whether the link is dead and the bytes of its copy are lost.
    pub fn is_lost_for_good(&self) -> bool {
        matches!(self.verdict.state, State::Dead { .. }) && self.is_copy_lost()
    }
}

/// A mistake on a page that its author can correct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageDefect {
    /// The address or path of the page, if the course has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    #[serde(flatten)]
    pub defect: LinkDefect,
}

/// A part of a page that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOmission {
    /// The address or path of the page, if the course has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    #[serde(flatten)]
    pub omission: Omission,
}

/// A patch that puts new addresses into the sources of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagePatch {
    /// A unified diff, which may be empty; `None` if it is too long to store.
    pub diff: Option<String>,
    /// The places in the sources of each link that needs another address.
    pub spots: Vec<(Address, Vec<SourceLocation>)>,
}

/// A problem with the course page itself. The night uses its last good reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageProblem {
    /// The page could not be read; `why` is the reason of the failed visit.
    Unreachable { page: String, why: Reason, status: Option<u16> },
    /// Half of its links were missing at once.
    Shrunken { page: String, before: u32, after: u32 },
    /// The address asks for an account or shows another page.
    NotThePage { page: String, title: Option<String> },
    /// A page that was never read asks for an account.
    AsksForAccount { page: String },
    /// A page that was never read has no links.
    NoLinks { page: String },
    /// A page that was never read is a document of another format.
    NotAPage { page: String, format: UnreadFormat },
}
