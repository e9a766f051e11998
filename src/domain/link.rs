//! A link as it stands on a page. What happens when it is visited lives in `visit`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;

/// What a link offers its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Paper,
    Slides,
    Notebook,
    Video,
    Article,
    Code,
    Book,
    CoursePage,
    Other,
}

impl Kind {
    /// Whether a document is kept for it: something a student reads offline.
    pub fn is_kept(self) -> bool {
        match self {
            Self::Paper
            | Self::Slides
            | Self::Notebook
            | Self::Article
            | Self::Book
            | Self::CoursePage
            | Self::Other => true,
            Self::Video | Self::Code => false,
        }
    }
}

/// A configured exception: addresses that contain `pattern` are of this kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindRule {
    pub pattern: String,
    pub kind: Kind,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Another address; the fragment stays with the mention, it is not sent.
    Web { address: Address, fragment: Option<String> },
    /// A place within the same page.
    InPage(String),
    /// `[words]()` or `<a href="">`: the author forgot the address.
    Nothing,
    /// `mailto:`, `javascript:` and the like: nothing to visit.
    OtherScheme(String),
    /// Meant as an address, but is none; says why.
    Malformed(String),
}

/// From where the day comes on which a link is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueFrom {
    pub sign: Sign,
    /// The words in which the day stands.
    pub text: String,
}

/// Which part of a page names a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    Heading,
    /// A line in bold, a term or a summary above.
    Label,
    /// The table's row.
    Row,
    Column,
    Cell,
    /// The list item, paragraph or line itself.
    Item,
    /// The fields of a data file.
    Field,
}

/// One link as it stands on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// The address exactly as the author wrote it.
    pub written: String,
    pub target: Target,
    /// The words of the link, whitespace collapsed; an image's `alt` where there are none.
    pub words: String,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// The text of the list item or table row it stands in.
    pub row: String,
    /// The week, as the calendar names it ("Week 5").
    pub week: Option<String>,
    /// When the class needs it.
    pub due: Option<Date>,
    /// What on the page says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_from: Option<DueFrom>,
    /// Line of the source, from 1.
    pub line: u32,
    pub kind: Kind,
    /// The page it stands on, an address or a path, where a course has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Mention {
    /// The address to visit, if there is one.
    pub fn address(&self) -> Option<&Address> {
        match &self.target {
            Target::Web { address, .. } => Some(address),
            Target::InPage(_) | Target::Nothing | Target::OtherScheme(_) | Target::Malformed(_) => None,
        }
    }
}
