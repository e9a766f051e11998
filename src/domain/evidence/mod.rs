//! Evidence: what one visit shows about a link, compared with its history. `domain::verdict` judges it.

pub mod link_history;
pub mod probe;
mod redirect_target;
pub mod page_signatures;
pub mod signature_list;
mod client_redirect;
pub mod classify;
pub mod document_file;
pub mod host_rules;
pub mod bulk_interface;
pub mod identity;
pub mod comparison;
pub mod drift;
pub mod soft_404;
pub mod fragment;
pub mod text_noise;
mod truncation;
mod assess;
pub mod visit_context;
pub mod document_search;
pub mod next_probe;
pub mod evaluate;
pub mod capture_decision;
pub mod rendering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::document::Fingerprint;
use crate::domain::evidence::comparison::ComparedBy;
use crate::domain::visit::Validators;

/// The evidence of one night's visit to a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub at: Timestamp,
    /// The status of the last response, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The final address, if redirects led to another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Address>,
    pub finding: Finding,
    /// How the document was compared with the accepted version, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_by: Option<ComparedBy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The version that was read, if it was not stored. The next night requests a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Box<SeenVersion>>,
    /// A bulk interface of the host shows that the work has not changed, so the link was not
    /// requested.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_listed: bool,
    /// The version in the list of a bulk interface, if that was read before the visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_version: Option<ListedVersion>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The response is the linked work.
    Healthy {
        drift: Drift,
        /// The target of a permanent redirect, with the same work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_to: Option<Address>,
    },
    /// The response is not the work, and this counts against the link.
    Gone { reason: Reason, weight: Weight },
    /// The reader needs an account or money.
    Restricted { reason: Reason },
    /// The host refuses us, which says nothing about the access of students.
    Refused { reason: Reason },
    /// A response that cannot be judged.
    Unclear { reason: Reason },
}

impl Evidence {
    /// The result of the text comparison, if the night found the work.
    pub fn drift(&self) -> Option<&Drift> {
        match &self.finding {
            Finding::Healthy { drift, .. } => Some(drift),
            Finding::Gone { .. }
            | Finding::Restricted { .. }
            | Finding::Refused { .. }
            | Finding::Unclear { .. } => None,
        }
    }

    /// Whether another visit, at another time, shows the same about the link. The bytes that
    /// were read may differ where their text does not.
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        let Self { at: _, seen: _, status, ended_at, finding, compared_by, notes, is_listed, listed_version } =
            self;
        *status == other.status
            && *is_listed == other.is_listed
            && *listed_version == other.listed_version
            && *compared_by == other.compared_by
            && *ended_at == other.ended_at
            && *notes == other.notes
            && *finding == other.finding
    }
}

/// The version of a work in a list of its host. Equal ones mean that the work is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedVersion(String);

impl ListedVersion {
    /// Half a SHA-256 digest: the evidence of every night holds one.
    const DIGITS: usize = 32;

    /// The version of a work that the list describes by these facts.
    pub fn of(facts: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for fact in facts {
            bytes.extend((fact.len() as u64).to_be_bytes());
            bytes.extend(fact.as_bytes());
        }
        let mut digits = Digest::of(&bytes).to_string();
        digits.truncate(Self::DIGITS);
        Self(digits)
    }
}

/// A version that was read but not stored, for the next conditional request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenVersion {
    /// The requested address.
    pub asked: Address,
    /// The final address.
    pub at: Address,
    pub sha256: Digest,
    pub text: Fingerprint,
    pub validators: Validators,
}

/// The difference between the work's text and the last accepted capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// There is no earlier capture.
    First,
    Same,
    /// The response had nothing to compare, for example a landing page whose file was not available.
    NotCompared,
    /// A typo or an expected difference: logged, not reported.
    Small(TextChange),
    Different(TextChange),
}

impl Drift {
    /// The change, if it is reported.
    pub fn different(&self) -> Option<&TextChange> {
        match self {
            Self::Different(change) => Some(change),
            Self::First | Self::Same | Self::NotCompared | Self::Small(_) => None,
        }
    }

    /// The difference from the accepted text, small or large.
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
    /// Shared 4-grams of words (Dice), or shared parts if there is no text; 0 to 1.
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
    /// The heading above most of the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<CriticalChange>,
    /// Two fetches of one night gave this text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen_twice: bool,
    /// The changed words differ at every fetch: an advertisement, a quotation of the day.
    #[serde(default, rename = "flickers", skip_serializing_if = "std::ops::Not::not")]
    pub is_noise: bool,
    /// The new text; two nights agree if theirs are equal.
    pub text: Fingerprint,
}

/// Texts of less similarity are not versions of one work. This is the best threshold for
/// pages that went off topic in web archives (doi:10.1007/978-3-319-24592-8_17).
const ANOTHER_WORK: f64 = 0.10;

impl TextChange {
    /// The new text has nothing to do with the old one.
    pub fn is_replacement(&self) -> bool {
        match self.compared_by {
            ComparedBy::Text => self.similarity < ANOTHER_WORK,
            // The same number of other images may be the same pages, scanned or compressed again.
            ComparedBy::PageImages => self.similarity < ANOTHER_WORK && self.pages_before != self.pages_after,
            ComparedBy::Members => self.similarity < ANOTHER_WORK,
            // Other bytes say nothing about the work.
            ComparedBy::Bytes | ComparedBy::Validators | ComparedBy::Nothing => false,
        }
    }

    /// Another work at the same address, or a notice in its place. It is not offered to
    /// readers, and later nights are not compared with it.
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

/// Changes that matter in any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriticalChange {
    Withdrawn,
    Retracted,
    Shrunken,
    /// An intruder has put spam links into it.
    Tampered,
    /// A later version of a numbered work (arXiv vN).
    NewVersion,
}

/// The weight of evidence that a link is dead. It decides how many nights must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    Weak,
    Inferred,
    Strong,
    Decisive,
}

/// A small point for the instructor that does not change the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The page does not have the `#id` of the link.
    MissingFragment(String),
    /// `#page=n` is beyond the last page.
    PageBeyondEnd { page: u32, pages: u32 },
    /// The server answers 404 with the right page.
    WrongStatus(u16),
    /// The start time lies after the end of the video.
    StartsAfterEnd,
    /// The repository is read-only and not maintained any more, but it works.
    RepositoryArchived,
    /// The file opens only with a password.
    NeedsPassword,
    /// The file has more bytes than are stored of one file; it was not read.
    TooLargeToKeep,
}

/// Why a link is not `ok`. `report::wording` has a sentence for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    NotFound,
    Gone,
    NoSuchHost,
    NameServer,
    Certificate,
    /// Its server offers only versions of TLS that browsers refuse.
    OldTls,
    /// Its server offers only ciphers that browsers accept and we do not.
    OldCipher,
    /// Its server does not send an intermediate certificate, which browsers fetch.
    IncompleteChain,
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
    /// A failure on our side: the night says nothing about the link.
    NotChecked,
    Withdrawn,
    Retracted,
    Tampered,
    Replaced,
    Revised,
    Renamed,
}

impl Reason {
    /// The address has a hostile owner, or leads readers to an unsafe place.
    pub fn is_hostile(self) -> bool {
        matches!(self, Self::Parked | Self::Hijacked | Self::Tampered | Self::InternalAddress)
    }
}

impl Reason {
    /// The server itself reports that the document does not exist.
    pub fn is_missing(self) -> bool {
        matches!(self, Self::NotFound | Self::Gone)
    }
}
