//! A configured course: its pages, its term, its recipients and its rules for copies.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::address::{Address, InvalidAddress};
use crate::domain::link::KindRule;

/// The identifier of a course in commands, file names and addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CourseId(String);

/// A text that is not a course identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name a course: use 1 to 40 of the characters a-z, 0-9, `-`, `_` and `.`, starting with a letter or digit"
)]
pub struct InvalidCourseId(String);

impl FromStr for CourseId {
    type Err = InvalidCourseId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if starts_well && text.len() <= 40 && text.chars().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCourseId(text.to_owned()))
        }
    }
}

impl CourseId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CourseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CourseId {
    type Error = InvalidCourseId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CourseId> for String {
    fn from(id: CourseId) -> Self {
        id.0
    }
}

/// An email address without a display name: ASCII, which every relay accepts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// The name of a webhook in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct WebhookName(String);

/// A text that is not a name of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name of a webhook; use lower-case letters, digits and hyphens, as in team-chat")]
pub struct InvalidWebhookName(String);

impl TryFrom<String> for WebhookName {
    type Error = InvalidWebhookName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !text.is_empty() && text.len() <= 40 && text.chars().all(legal) {
            Ok(Self(text))
        } else {
            Err(InvalidWebhookName(text))
        }
    }
}

impl fmt::Display for WebhookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who gets a report: a person, or a program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    Email(EmailAddress),
    Webhook(WebhookName),
}

/// The text of a recipient that is a webhook begins with this. No email address does.
const WEBHOOK: &str = "webhook:";

/// A text that is not a recipient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecipient {
    #[error(transparent)]
    Email(#[from] InvalidEmailAddress),
    #[error(transparent)]
    Webhook(#[from] InvalidWebhookName),
}

impl FromStr for Recipient {
    type Err = InvalidRecipient;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix(WEBHOOK) {
            Some(name) => Self::Webhook(name.to_owned().try_into()?),
            None => Self::Email(text.parse()?),
        })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(email) => write!(f, "{email}"),
            Self::Webhook(name) => write!(f, "{WEBHOOK}{name}"),
        }
    }
}

/// A text that is not an email address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an email address; write for example instructor@school.edu")]
pub struct InvalidEmailAddress(String);

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    /// Narrower than RFC 5321: no address that would need quoting.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |part: &str, also: &str| {
            let legal = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
            !part.is_empty()
                && part.len() <= 250
                && part.split('.').all(|p| !p.is_empty() && p.chars().all(legal))
        };
        match text.split_once('@') {
            Some((local, host)) if is_word(local, "!#$%&'*+-/=?^_`{|}~") && is_word(host, "-") => {
                Ok(Self(text.to_owned()))
            }
            Some(_) | None => Err(InvalidEmailAddress(text.chars().take(100).collect())),
        }
    }
}

impl EmailAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmailAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// The source of a course page.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageSource {
    Web(Address),
    /// A file in HTML or Markdown. Relative links in it are resolved against
    /// `published_at`, if it is known.
    File {
        path: PathBuf,
        published_at: Option<Address>,
    },
}

impl PageSource {
    /// An address if the text is one, otherwise a path.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        if text.contains("://") {
            Address::parse(text).map(Self::Web)
        } else {
            Ok(Self::File { path: PathBuf::from(text), published_at: None })
        }
    }
}

impl PageSource {
    /// The address that was probably meant by the name of a file that does not exist: one that
    /// begins with a host name.
    pub fn meant_address(text: &str) -> Option<String> {
        const PAGE_ENDINGS: [&str; 14] = [
            "html", "htm", "md", "rst", "org", "tex", "qmd", "rmd", "ipynb", "bib", "yml", "yaml", "json",
            "csv",
        ];
        let host = text.split_once(['/', '?', '#']).map_or(text, |(host, _)| host);
        let last = host.rsplit_once(['.', ':']).map_or(host, |(_, last)| last);
        let is_host = host.contains('.')
            && !host.starts_with('.')
            && last.len() > 1
            && (text.contains('/') || !PAGE_ENDINGS.contains(&last.to_ascii_lowercase().as_str()));
        is_host.then(|| format!("https://{text}"))
    }

    /// The address where it is published, if known.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Web(address) | Self::File { published_at: Some(address), .. } => Some(address),
            Self::File { published_at: None, .. } => None,
        }
    }

    /// Whether the address is at or below the folder of this page.
    pub fn is_above(&self, link: &Address) -> bool {
        self.address().is_some_and(|page| {
            let folder = page.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            link.host() == page.host()
                && link.url().port() == page.url().port()
                && link.path().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

impl fmt::Display for PageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(address) => address.fmt(f),
            Self::File { path, .. } => path.display().fmt(f),
        }
    }
}

/// First and last day of teaching; both belong to the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub first: Date,
    pub last: Date,
}

/// Which pages linked from the course page are read as parts of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// Only addresses that start with this are followed.
    pub prefix: Address,
    /// The greatest number of steps from the configured pages.
    pub depth: u32,
}

/// The course's rule for links without configured rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Openness {
    /// Copies open even while originals work, in and out of term.
    Open,
    /// A copy opens when its original is dead, and closes with the term.
    #[default]
    Dark,
}

/// What may be done with the copies of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rights {
    /// The course's own material.
    Own,
    /// Under a licence that lets anyone share it.
    OpenLicence,
    /// Copied for teaching under a legal exception: a copy opens only if the original is dead, with any course rule.
    FairUse,
    /// Under a contract with the publisher: readers go through the library.
    Licensed,
    /// The owner requested a takedown.
    TakenDown,
    #[default]
    Unknown,
}

/// A configured statement: addresses that contain `pattern` have these rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsRule {
    pub pattern: String,
    pub rights: Rights,
}

/// The course's settings for its copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyRules {
    pub openness: Openness,
    /// The first rule that matches a link counts.
    pub rights: Vec<RightsRule>,
}

/// A course as configured.
#[derive(Clone, Debug)]
pub struct Course {
    pub id: CourseId,
    pub title: String,
    pub pages: Vec<PageSource>,
    pub follow: Option<Follow>,
    /// Configured exceptions to the recognition of kinds.
    pub kinds: Vec<KindRule>,
    pub time_zone: TimeZone,
    pub term: Option<Term>,
    /// Who gets the reports; empty if no relay is configured.
    pub report_to: Vec<EmailAddress>,
    /// The webhooks that get the reports too.
    pub webhooks: Vec<WebhookName>,
    /// The person who answers questions about the reports.
    pub contact: Option<EmailAddress>,
    /// The directory of the page sources, if a generator makes the pages.
    pub source: Option<PathBuf>,
    /// What students may open; `None` if no pages are served.
    pub copies: Option<CopyRules>,
}

impl Course {
    /// Whether a link leads to a file of the course itself, at or below the folder of one of its pages.
    pub fn owns(&self, link: &Address) -> bool {
        self.pages.iter().any(|page| page.is_above(link))
    }

    /// Everyone and everything that gets the reports.
    pub fn recipients(&self) -> Vec<Recipient> {
        let emails = self.report_to.iter().cloned().map(Recipient::Email);
        emails.chain(self.webhooks.iter().cloned().map(Recipient::Webhook)).collect()
    }

    /// A course without configuration; only its pages are known.
    pub fn unconfigured(id: CourseId, title: String, pages: Vec<PageSource>) -> Self {
        Self {
            id,
            title,
            pages,
            follow: None,
            kinds: Vec::new(),
            time_zone: TimeZone::UTC,
            term: None,
            report_to: Vec::new(),
            webhooks: Vec::new(),
            contact: None,
            source: None,
            copies: None,
        }
    }
}
