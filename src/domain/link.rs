//! A link on a page. The result of a visit is in `visit`.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;

/// The kind of material behind a link.
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
    /// Whether documents of this kind are stored, because students read them offline.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindRule {
    pub pattern: String,
    pub kind: Kind,
}

/// The target of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Another address. The fragment stays with the mention, because it is not sent.
    Web { address: Address, fragment: Option<String> },
    /// A place within the same page.
    InPage(String),
    /// `[words]()` or `<a href="">`: the address is missing.
    Nothing,
    /// `mailto:`, `javascript:` and the like, which cannot be visited.
    OtherScheme(String),
    /// Not a valid address, with the reason.
    Malformed(String),
}

/// The part of the page that gives the due day of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueFrom {
    pub sign: Sign,
    /// The text with the day.
    pub text: String,
}

/// The kind of part that gives a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    Heading,
    /// A line in bold, a term or a summary above the link.
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

/// One mention of a link on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// The address exactly as the author wrote it.
    pub written: String,
    pub target: Target,
    /// The words of the link, with white space collapsed; without words, the `alt` of an image.
    pub words: String,
    /// The headings above it, outermost first. Mentions under the same headings share them.
    pub headings: Arc<[String]>,
    /// The text of the list item or table row around it.
    pub row: String,
    /// The week, as the calendar names it ("Week 5").
    pub week: Option<String>,
    /// The day on which the class needs it.
    pub due: Option<Date>,
    /// The part of the page that gives this day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_from: Option<Arc<DueFrom>>,
    /// The line in the source, starting at 1.
    pub line: u32,
    pub kind: Kind,
    /// The page with the mention, an address or a path, if the course has several.
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
