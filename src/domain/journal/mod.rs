//! What is written down of a night, one entry a fact, in the order they became known.
//!
//! The archive keeps the entries as lines, the catalogue indexes them; both
//! take the same values, so that one can be made from the other.

mod holdings;

pub use holdings::Holdings;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, EmailAddress, PageSource};
use crate::domain::decision::Decision;
use crate::domain::document::Fingerprint;
use crate::domain::evidence::Evidence;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::page::Page;
use crate::domain::replacement::Replacement;
use crate::domain::verdict::breaker::Void;

/// One line of the journal. Entering one twice changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A night began; its start names it.
    Night { started: Timestamp },
    /// A body was kept.
    Capture(StoredCapture),
    /// A link was visited.
    Visit { night: Timestamp, link: Address, evidence: Evidence },
    /// A course page was read, and says something else than before.
    Page { at: Timestamp, course: CourseId, title: String, source: PageSource, sha256: Digest, page: Page },
    /// Someone took a capture as the right one.
    Accepted { at: Timestamp, link: Address, sha256: Digest },
    /// Someone decided what a result means to a course, or took that back.
    Decided { at: Timestamp, course: CourseId, link: Address, decision: Option<Decision> },
    /// The result was another one that night, or the time was up: the decision
    /// of `decided` speaks for the link no more.
    Lapsed { night: Timestamp, course: CourseId, link: Address, decided: Timestamp },
    /// A reader wants no more letters of a course, or wants them again.
    #[serde(rename = "letters")]
    EmailSubscription { at: Timestamp, course: CourseId, reader: EmailAddress, wanted: bool },
    /// The owner asked us to stop: every version of the link is closed, and
    /// the bodies that no other link needs are removed. Nothing new is kept.
    TakenDown { at: Timestamp, link: Address, reason: String, by: Option<String>, removed: Vec<Digest> },
    /// A takedown was taken back. What was removed stays so until it is kept anew.
    Reinstated { at: Timestamp, link: Address, reason: String, by: Option<String> },
    /// A newer extraction reads the same capture as this text.
    Reread { link: Address, sha256: Digest, text: Fingerprint },
    /// A replacement for a dead link was searched for.
    #[serde(rename = "sought")]
    ReplacementSearched { at: Timestamp, link: Address, found: Option<Replacement> },
    /// A night is over.
    Finished { night: Timestamp, at: Timestamp, void: Option<Void> },
}

impl Entry {
    /// The blobs that the archive holds because of this entry.
    pub fn blobs(&self) -> Vec<Digest> {
        match self {
            Self::Capture(kept) => {
                [Some(kept.capture.sha256), kept.capture.head].into_iter().flatten().collect()
            }
            Self::Page { sha256, .. } => vec![*sha256],
            Self::Night { .. }
            | Self::Visit { .. }
            | Self::Accepted { .. }
            | Self::Decided { .. }
            | Self::Lapsed { .. }
            | Self::EmailSubscription { .. }
            | Self::TakenDown { .. }
            | Self::Reinstated { .. }
            | Self::Reread { .. }
            | Self::ReplacementSearched { .. }
            | Self::Finished { .. } => Vec::new(),
        }
    }
}
