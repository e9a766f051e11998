//! The entries of the journal: one fact each, in the order in which they became known.
//!
//! The archive stores the entries as lines, the catalogue indexes them; both
//! use the same values, so the catalogue can be rebuilt from the archive.

pub mod chain;
mod holdings;
mod sources;

pub use holdings::Holdings;
pub use sources::{BlobSource, BlobSources};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, EmailAddress, PageSource};
use crate::domain::decision::{Acceptance, Decision};
use crate::domain::document::Fingerprint;
use crate::domain::evidence::Evidence;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::page::Page;
use crate::domain::replacement::Replacement;
use crate::domain::verdict::breaker::Void;

/// The worker that visited a link.
///
/// A worker that loses its shard may write the line of a visit that does not count. The next
/// worker of the shard has a higher fence. So of the visits of one link in one night, that with
/// the highest fence counts, and of those with the same fence the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitedBy {
    /// The name of its machine and the number of its process.
    pub worker: String,
    /// How often the shard of the link was leased that night.
    pub fence: u32,
}

/// One line of the journal. Applying an entry twice has the effect of applying it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A night began; its start time identifies it.
    Night { started: Timestamp },
    /// A body was stored.
    Capture {
        #[serde(flatten)]
        kept: Box<StoredCapture>,
        /// The heads of the exchange (`warc::exchange_heads`). Captures of earlier versions have
        /// them in a blob.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heads: Option<String>,
    },
    /// A link was visited.
    Visit {
        night: Timestamp,
        link: Address,
        evidence: Evidence,
        /// The worker that visited it; `None` if one process runs the night.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<VisitedBy>,
    },
    /// A course page was read, and it differs from its last reading.
    Page { at: Timestamp, course: CourseId, title: String, source: PageSource, sha256: Digest, page: Page },
    /// A capture was accepted as the right version, by a person or after a time.
    Accepted {
        at: Timestamp,
        link: Address,
        sha256: Digest,
        /// `None` after a time, and in older journals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acceptance: Option<Acceptance>,
    },
    /// A person made a decision about a link of a course, or undid one.
    Decided { at: Timestamp, course: CourseId, link: Address, decision: Option<Decision> },
    /// The result changed that night, or a time limit passed: the decision
    /// of `decided` does not apply any more.
    Lapsed { night: Timestamp, course: CourseId, link: Address, decided: Timestamp },
    /// A reader unsubscribed from the emails of a course, or subscribed again.
    #[serde(rename = "letters")]
    EmailSubscription { at: Timestamp, course: CourseId, reader: EmailAddress, wanted: bool },
    /// The owner requested a takedown: every version of the link is closed, and the bodies
    /// that no other link needs are removed. No new copy is stored.
    TakenDown { at: Timestamp, link: Address, reason: String, by: Option<String>, removed: Vec<Digest> },
    /// A takedown was withdrawn. Removed bodies come back only with a new capture.
    Reinstated { at: Timestamp, link: Address, reason: String, by: Option<String> },
    /// A newer text extraction gave this text for the same capture.
    Reread { link: Address, sha256: Digest, text: Fingerprint },
    /// A replacement for a dead link was searched for.
    #[serde(rename = "sought")]
    ReplacementSearched { at: Timestamp, link: Address, found: Option<Replacement> },
    /// A person withdrew the night that began at `night`, or undid that. A withdrawn night is
    /// not counted.
    Withdrawn { at: Timestamp, night: Timestamp, withdrawn: bool, reason: String, by: Option<String> },
    /// A reader got a secret address for the calendar and the feed of a course. `token` is the
    /// digest of its token, `basis` that of the settings that say who may read the course.
    FeedTokenIssued { at: Timestamp, course: CourseId, token: Digest, basis: Digest, until: Timestamp },
    /// A secret address was withdrawn, or all of the course.
    FeedTokenWithdrawn { at: Timestamp, course: CourseId, token: Option<Digest> },
    /// Writers named these segments of a bucket and did not count them: of all segments that follow
    /// the same line, the one that begins with this entry counts.
    SegmentsDropped { at: Timestamp, segments: Vec<String> },
    /// A night ended.
    Finished { night: Timestamp, at: Timestamp, void: Option<Void> },
}

impl Entry {
    /// The entry as the catalogue applies it: only exports need the heads.
    #[must_use]
    pub fn without_heads(mut self) -> Self {
        if let Self::Capture { heads, .. } = &mut self {
            *heads = None;
        }
        self
    }

    /// The blobs that the archive holds because of this entry.
    pub fn blobs(&self) -> Vec<Digest> {
        match self {
            Self::Capture { kept, .. } => {
                let files = kept.files().map(|file| file.sha256);
                [Some(kept.capture.sha256), kept.capture.head].into_iter().flatten().chain(files).collect()
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
            | Self::Withdrawn { .. }
            | Self::FeedTokenIssued { .. }
            | Self::FeedTokenWithdrawn { .. }
            | Self::SegmentsDropped { .. }
            | Self::Finished { .. } => Vec::new(),
        }
    }
}
