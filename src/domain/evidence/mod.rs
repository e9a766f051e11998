//! A visit and what we knew before, weighed: what the visit says, not yet what we believe.

pub mod link_history;
pub mod probe;
pub mod page_signatures;
pub mod signature_list;
pub mod classify;
pub mod document_file;
pub mod host_rules;
pub mod identity;
pub mod comparison;
pub mod drift;
pub mod soft_404;
pub mod fragment;
pub mod text_noise;
mod assess;
pub mod visit_context;
pub mod document_search;
pub mod next_probe;
pub mod evaluate;
pub mod capture_decision;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::document::Fingerprint;
use crate::domain::evidence::comparison::ComparedBy;

/// What one night's visit says about a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub at: Timestamp,
    /// The status of the last response, where one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Where the redirects ended, where that is another address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Address>,
    pub finding: Finding,
    /// By what the document was compared with the accepted one, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_by: Option<ComparedBy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It answered with what was linked.
    Healthy {
        drift: Drift,
        /// A permanent redirect leads here, to the same work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_to: Option<Address>,
    },
    /// It did not, and that says something about the link.
    Gone { reason: Reason, weight: Weight },
    /// The reader needs an account or money.
    Restricted { reason: Reason },
    /// The host refuses us, which says nothing about students.
    Refused { reason: Reason },
    /// An answer that cannot be judged.
    Unclear { reason: Reason },
}

impl Evidence {
    /// What the night said of the text, if it saw the work.
    pub fn drift(&self) -> Option<&Drift> {
        match &self.finding {
            Finding::Healthy { drift, .. } => Some(drift),
            Finding::Gone { .. }
            | Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. } => None,
        }
    }
}

/// The text of the work beside that of the last accepted capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Nothing was kept before.
    First,
    Same,
    /// It answered, but without what could be compared: a landing page whose file was not to be had.
    NotCompared,
    /// Typo-level or expected: logged, not reported.
    Small(TextChange),
    Different(TextChange),
}

impl Drift {
    /// The change a reader would want to hear of.
    pub fn different(&self) -> Option<&TextChange> {
        match self {
            Self::Different(change) => Some(change),
            Self::First | Self::Same | Self::NotCompared | Self::Small(_) => None,
        }
    }

    /// How the text differs from the accepted one, much or little.
    pub fn change(&self) -> Option<&TextChange> {
        match self {
            Self::Different(change) | Self::Small(change) => Some(change),
            Self::First | Self::Same | Self::NotCompared => None,
        }
    }
}

/// How two versions of a work differ, in figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextChange {
    /// Shared 4-grams of words (Dice), or shared parts where there is no text; 0 to 1.
    pub similarity: f64,
    #[serde(default, skip_serializing_if = "ComparedBy::is_text")]
    pub compared_by: ComparedBy,
    pub words_changed: u32,
    pub words_before: u32,
    pub words_after: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_before: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_after: Option<u32>,
    /// The heading under which most of the change lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<CriticalChange>,
    /// Two fetches of one night brought this text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen_twice: bool,
    /// The words that differ are others at every look: an advertisement, a quotation of the day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flickers: bool,
    /// The new text; two nights agree when theirs are equal.
    pub text: Fingerprint,
}

/// Less alike than this, two texts are not versions of one work: the best
/// threshold for pages gone off topic in web archives (doi:10.1007/978-3-319-24592-8_17).
const ANOTHER_WORK: f64 = 0.10;

impl TextChange {
    /// The new text has nothing to do with the old one.
    pub fn is_replacement(&self) -> bool {
        match self.compared_by {
            ComparedBy::Text => self.similarity < ANOTHER_WORK,
            // Other pictures in the same number may be the same pages, scanned or packed anew.
            ComparedBy::PageImages => self.similarity < ANOTHER_WORK && self.pages_before != self.pages_after,
            ComparedBy::Members => self.similarity < ANOTHER_WORK,
            // One byte makes other bytes; that says nothing of the work.
            ComparedBy::Bytes | ComparedBy::Validators | ComparedBy::Nothing => false,
        }
    }

    /// Another work under the same address, or a notice where the work was:
    /// nothing to offer a reader, nor to compare later nights with.
    pub fn is_worse(&self) -> bool {
        match self.alarm {
            Some(
                CriticalChange::Withdrawn
                | CriticalChange::Retracted
                | CriticalChange::Shrunken
                | CriticalChange::Tampered,
            ) => true,
            Some(CriticalChange::NewVersion) | None => self.is_replacement(),
        }
    }
}

/// Changes that matter whatever their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriticalChange {
    Withdrawn,
    Retracted,
    Shrunken,
    /// Somebody put links of their own into it.
    Tampered,
    /// A later version of a numbered work (arXiv vN).
    NewVersion,
}

/// How much a sign of death weighs; decides how many nights must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    Weak,
    Inferred,
    Strong,
    Decisive,
}

/// Worth a line to the instructor, but no state of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The `#id` the link points to is not in the page.
    MissingFragment(String),
    /// `#page=n` beyond the last page.
    PageBeyondEnd { page: u32, pages: u32 },
    /// The server says 404, the page is the right one.
    WrongStatus(u16),
    /// The start time lies after the end of the video.
    StartsAfterEnd,
    /// The repository is read-only now: it works, but nobody mends it.
    RepositoryArchived,
}

/// Why a link is not simply `ok`. One sentence each, in `report::wording`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    NotFound,
    Gone,
    NoSuchHost,
    NameServer,
    Certificate,
    NotAnswering,
    ServerError,
    ClientError,
    #[serde(rename = "soft_404")]
    Soft404,
    FrontPage,
    OtherPage,
    Parked,
    Hijacked,
    WrongType,
    Empty,
    Truncated,
    Unreadable,
    RemovedVideo,
    RedirectLoop,
    InternalAddress,
    Legal,
    Login,
    Paywall,
    Private,
    Forbidden,
    BotWall,
    Consent,
    RateLimited,
    Robots,
    ScriptOnly,
    TooLarge,
    /// Our own side failed: the night says nothing.
    NotChecked,
    Withdrawn,
    Retracted,
    Tampered,
    Replaced,
    Revised,
    Renamed,
}

impl Reason {
    /// A stranger has the address now, or it leads where no reader should be sent.
    pub fn is_hostile(self) -> bool {
        matches!(self, Self::Parked | Self::Hijacked | Self::Tampered | Self::InternalAddress)
    }
}

impl Reason {
    /// The server itself says that nothing is there.
    pub fn is_missing(self) -> bool {
        matches!(self, Self::NotFound | Self::Gone)
    }
}
