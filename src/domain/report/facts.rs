//! What is known of a course and its links on the day of a report.
//!
//! Nothing here says what earlier reports said: that is `earlier`.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Verified};
use crate::domain::course::{CourseId, PageSource};
use crate::domain::decision::Decision;
use crate::domain::evidence::{Note, Reason};
use crate::domain::link::Mention;
use crate::domain::page::{Defect, Omission};
use crate::domain::patch::SourceLocation;
use crate::domain::replacement::Replacement;
use crate::domain::verdict::breaker::Void;
use crate::domain::verdict::{State, Verdict};

/// A change of state, kept for the history of a link. A report is not made of
/// events but of the facts of its night.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub link: Address,
    pub at: Timestamp,
    /// `None` on the first night of a link.
    pub before: Option<State>,
    pub after: State,
}

/// All that is known of a course on the day of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseFacts {
    pub course: CourseId,
    pub title: String,
    /// Where the pages are read from. A link below one of them is a file of the course itself.
    pub pages: Vec<PageSource>,
    pub time_zone: jiff::tz::TimeZone,
    /// The local day of the report: decides what is due.
    pub today: Date,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// The first night of the course: what it finds is a baseline, not news.
    pub is_first: bool,
    /// Why nothing was judged, on a night on which our own side failed.
    pub void: Option<Void>,
    pub items: Vec<LinkFacts>,
    pub defects: Vec<PageDefect>,
    /// What the pages have that is not read.
    pub omissions: Vec<PageOmission>,
    pub page_trouble: Option<PageTrouble>,
    /// How many nights in a row the page has had that trouble, tonight included.
    pub page_trouble_nights: u32,
    /// What can be changed in the sources of the pages, where these are known.
    pub patch: Option<PagePatch>,
    /// Students may open our copies. Otherwise a report does not offer them.
    pub students_get_copies: bool,
    pub requests: u64,
    pub bytes: u64,
}

/// All that is known of a link of a course on the day of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkFacts {
    pub link: Address,
    /// Every place on the pages where it stands, in order.
    pub mentions: Vec<Mention>,
    pub verdict: Verdict,
    /// What the last visit saw: the status, and where the redirects ended.
    pub status: Option<u16>,
    pub ended_at: Option<Address>,
    pub last_ok: Option<Timestamp>,
    /// The copy to offer to a reader.
    pub copy: Option<Capture>,
    /// Pages of the copy, where it has pages.
    pub copy_pages: Option<u32>,
    /// When the copy was last hashed again, and whether it was sound.
    pub verified: Option<Verified>,
    /// Our copy can stand in for the link: it is sound and, where students are
    /// offered copies, they may open it while the original is dead or asks
    /// for an account.
    pub is_covered: bool,
    /// Students may open our copy once a person decides to use it in place of
    /// the original.
    pub opens_if_chosen: bool,
    /// The accepted capture and the new one, where the link is `changed` and both are kept.
    pub versions: Option<(Capture, Capture)>,
    /// Where readers can go instead of a dead link.
    pub replacement: Option<Replacement>,
    pub notes: Vec<Note>,
    /// The decision that holds tonight: the link is then no news.
    pub decision: Option<Decision>,
    /// The decision that lapsed tonight.
    pub lapsed: Option<Decision>,
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

/// What a page has that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOmission {
    /// The page, an address or a path, where a course has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    #[serde(flatten)]
    pub omission: Omission,
}

/// New addresses put into the sources of the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagePatch {
    /// A unified diff, perhaps empty; `None` where it is too long to keep.
    pub diff: Option<String>,
    /// Where the sources have each link that needs another address.
    pub spots: Vec<(Address, Vec<SourceLocation>)>,
}

/// Trouble with the course page itself; its last good reading is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageTrouble {
    /// It could not be read; the reason is what the visit says.
    Unreachable { page: String, why: Reason, status: Option<u16> },
    /// Half of its links were gone at once.
    Shrunken { page: String, before: u32, after: u32 },
    /// It asks for an account, or is another page altogether.
    NotThePage { page: String, title: Option<String> },
}
