//! Verdicts become what an instructor reads. Sentences live in `wording` alone.
//!
//! A [`CourseReport`] is composed into a [`compose::ComposedReport`], which `text`, `html` and
//! `summary` only lay out; `json` tells the same night to programs, and
//! `sarif`, `annotations` and `junit` to those that review a change of the page.

pub mod plain;
pub mod figures;
pub mod wording;
pub mod placement;
pub mod page_trouble;
pub mod entry;
pub mod tally;
pub mod compose;
pub mod text;
pub mod html;
pub mod json;
pub mod annotation;
pub mod sarif;
pub mod github;
pub mod junit;
pub mod summary;
pub mod unsent;
pub mod due;

#[cfg(test)]
pub(crate) mod tests;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Verified};
use crate::domain::course::{CourseId, PageSource};
use crate::domain::decision::Decision;
use crate::domain::evidence::Note;
use crate::domain::link::Mention;
use crate::domain::page::Defect;
use crate::domain::patch::Spot;
use crate::domain::replacement::Replacement;
pub use crate::domain::report::page_trouble::PageTrouble;
pub use crate::domain::verdict::breaker::Void;
use crate::domain::verdict::{State, Verdict};

/// A change of state, kept for a link's history. What a letter tells is made of
/// what is known on the day of its night, not of these: see [`LinkFacts`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub link: Address,
    pub at: Timestamp,
    /// `None` on the first night of a link.
    pub before: Option<State>,
    pub after: State,
}

/// All that is known of a course's link on the day of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkFacts {
    pub link: Address,
    /// Every place on the pages where it stands, in order.
    pub mentions: Vec<Mention>,
    pub verdict: Verdict,
    /// The state of the night before, changed or not; `None` for a link that is new.
    pub before: Option<State>,
    /// What was seen last: status and where the redirects ended.
    pub status: Option<u16>,
    pub ended_at: Option<Address>,
    pub last_ok: Option<Timestamp>,
    /// The copy to offer a reader.
    pub copy: Option<Capture>,
    /// Pages of the copy, where it has pages.
    pub copy_pages: Option<u32>,
    /// When that copy was last hashed again, and what came of it.
    #[serde(default)]
    pub verified: Option<Verified>,
    /// Our copy can stand in for it: one is kept undamaged and, where students
    /// are offered copies, it opens for them: once the original is dead, or
    /// beside one that asks for an account.
    #[serde(default)]
    pub is_covered: bool,
    /// Our copy opens for students once somebody decides that it is read in
    /// place of the original.
    #[serde(default)]
    pub opens_if_chosen: bool,
    /// The accepted capture and the new one, where the verdict is `changed` and both are kept.
    #[serde(default)]
    pub versions: Option<(Capture, Capture)>,
    /// Where readers can go instead of a dead link.
    #[serde(default)]
    pub replacement: Option<Replacement>,
    /// What an earlier report reminded of; the same again is no news.
    #[serde(default)]
    pub reminder_before: Option<placement::Reminder>,
    pub notes: Vec<Note>,
    /// The notes of the night before; what is among them is no news.
    #[serde(default)]
    pub notes_before: Vec<Note>,
    /// What was decided of it, where that speaks for it tonight: it is no news then.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// What was decided of it, where that speaks for it no more since tonight.
    #[serde(default)]
    pub lapsed: Option<Decision>,
}

/// One night of one course, ready to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourseReport {
    pub course: CourseId,
    pub title: String,
    /// Where the pages are read from; also tells which links are the course's own files.
    #[serde(default)]
    pub pages: Vec<PageSource>,
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub time_zone: jiff::tz::TimeZone,
    /// The local day for which it is written: decides what is due.
    pub today: Date,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// The first night of the course: everything found is a baseline, not news.
    pub is_first: bool,
    /// Nothing was judged because our own side failed.
    pub void: Option<Void>,
    pub items: Vec<LinkFacts>,
    pub defects: Vec<PageDefect>,
    /// The defects of the reading before; what is among them is no news.
    #[serde(default)]
    pub defects_before: Vec<PageDefect>,
    pub page_trouble: Option<PageTrouble>,
    /// The trouble of the night before; the same again is no news.
    #[serde(default)]
    pub page_trouble_before: Option<PageTrouble>,
    /// So many nights running, tonight and as of the night before.
    #[serde(default)]
    pub page_trouble_nights: u32,
    #[serde(default)]
    pub page_trouble_nights_before: u32,
    /// What could be changed in the sources tonight, where any are known.
    #[serde(default)]
    pub patch: Option<PagePatch>,
    /// The weekly letter: what has long been dead is told once more.
    #[serde(default)]
    pub is_weekly: bool,
    /// The letter is the first since a term came near that begins on this day:
    /// what fails or is dead is told, new or not.
    #[serde(default)]
    pub before_term: Option<Date>,
    /// Students are offered our copies. Where they are not, a letter must not say so.
    #[serde(default)]
    pub students_get_copies: bool,
    pub requests: u64,
    pub bytes: u64,
}

/// Something that the author of a page can mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageDefect {
    /// The page, an address or a path, where a course has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    #[serde(flatten)]
    pub defect: Defect,
}

/// New addresses put into the sources of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagePatch {
    /// A unified diff, perhaps empty; `None` where it is too long to keep.
    pub diff: Option<String>,
    /// Where the sources have each link that needs another address.
    pub spots: Vec<(Address, Vec<Spot>)>,
}
