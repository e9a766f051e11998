//! The course page: bytes in, mentions and defects out. Reading never fails.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::course::Term;
use crate::domain::link::{Kind, Mention};

/// A course page as it was read on one night.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub title: Option<String>,
    /// In the order of the source; a link that stands twice is there twice.
    pub mentions: Vec<Mention>,
    pub defects: Vec<Defect>,
}

/// Something the page's author can mend, seen without any request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// A link without an address.
    EmptyLink { words: String, line: u32 },
    /// An address that cannot be one.
    Malformed { words: String, written: String, line: u32, why: String },
    /// A link to a place in the page that is not there.
    BrokenAnchor { words: String, anchor: String, line: u32 },
}

/// In which language the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    Html,
    Markdown,
}

/// What reading needs to know beside the text.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Where the page is published: relative links are resolved against it.
    pub base: Option<&'a Address>,
    /// Gives the year to dates written without one.
    pub term: Option<Term>,
    /// The day of reading; gives the year where there is no term.
    pub today: Date,
    pub kinds: &'a [KindRule],
}

/// A configured exception: addresses that contain `pattern` are of this kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindRule {
    pub pattern: String,
    pub kind: Kind,
}
