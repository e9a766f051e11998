//! `[[course]]`: a course with its pages, term, recipients and rules for copies.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::address::Address;
use crate::domain::course::{
    CopyRules, Course, CourseId, EmailAddress, Follow, Openness, PageSource, Rights, RightsRule, Term,
    WebhookName,
};
use crate::domain::link::{Kind, KindRule};

use super::access::{Access, PeopleKeys};
use super::diagnostics::TableDiagnostics;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CourseKeys {
    pub(super) id: CourseId,
    title: Option<String>,
    page: Option<String>,
    #[serde(default)]
    pages: Vec<String>,
    published_at: Option<Address>,
    source: Option<std::path::PathBuf>,
    time_zone: Option<String>,
    pub(super) schedule: Option<String>,
    term: Option<TermKeys>,
    #[serde(default)]
    pub(super) report_to: Vec<EmailAddress>,
    #[serde(default)]
    pub(super) webhooks: Vec<WebhookName>,
    follow: Option<FollowKeys>,
    #[serde(default)]
    kinds: Vec<KindKeys>,
    #[serde(default)]
    copies: Openness,
    #[serde(default)]
    rights: Vec<RightsKeys>,
    #[serde(default)]
    pub(super) access: Access,
    pub(super) readers: Option<PeopleKeys>,
    pub(super) staff: Option<PeopleKeys>,
    #[serde(default)]
    pub(super) origins: Vec<String>,
    pub(super) contact: Option<EmailAddress>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TermKeys {
    #[serde(deserialize_with = "date")]
    first: Date,
    #[serde(deserialize_with = "date")]
    last: Date,
}

/// A date, written as a TOML date or as a string.
fn date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum DayText {
        Date(toml::value::Datetime),
        ParsedFile(String),
    }
    let text = match DayText::deserialize(deserializer)? {
        DayText::Date(date) => date.to_string(),
        DayText::ParsedFile(text) => text,
    };
    text.parse()
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is not a date; write it as in 2026-09-21")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowKeys {
    prefix: Address,
    #[serde(default = "one")]
    depth: u32,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindKeys {
    contains: String,
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RightsKeys {
    contains: String,
    rights: Rights,
}

pub(super) fn course(keys: CourseKeys, table: &mut TableDiagnostics) -> Option<Course> {
    let id = keys.id;
    let pages = pages(&id, keys.page, keys.pages, keys.published_at.as_ref(), table);
    let time_zone = match keys.time_zone {
        None => Some(TimeZone::UTC),
        Some(name) => table.value(
            "time_zone",
            TimeZone::get(&name).map_err(|_| {
                format!("course `{id}`: `{name}` is not a time zone; use a name such as \"America/Chicago\"")
            }),
        ),
    };
    let term = keys.term.map(|term| Term { first: term.first, last: term.last });
    if term.is_some_and(|term| term.last < term.first) {
        table.error("term", format!("course `{id}`: the term ends before it begins; swap first and last"));
    }
    let rights = keys.rights.into_iter();
    let rights = rights.map(|rule| RightsRule { pattern: rule.contains, rights: rule.rights }).collect();
    Some(Course {
        title: keys.title.unwrap_or_else(|| id.to_string()),
        id,
        pages: pages?,
        follow: keys.follow.map(|follow| Follow { prefix: follow.prefix, depth: follow.depth }),
        kinds: keys
            .kinds
            .into_iter()
            .map(|rule| KindRule { pattern: rule.contains, kind: rule.kind })
            .collect(),
        time_zone: time_zone?,
        term,
        report_to: keys.report_to,
        webhooks: keys.webhooks,
        contact: None,
        source: keys.source,
        copies: Some(CopyRules { openness: keys.copies, rights }),
    })
}

/// A relay on the same machine may know such a domain, so it is no error.
pub(super) fn warn_of_short_domains(keys: &CourseKeys, table: &mut TableDiagnostics) {
    let is_short = |email: &EmailAddress| {
        email.as_str().rsplit_once('@').is_some_and(|(_, domain)| !domain.contains('.'))
    };
    let what = |email: &EmailAddress| {
        format!(
            "`{email}` has no complete domain, so email to it may not arrive; write it as in instructor@school.edu"
        )
    };
    if let Some(email) = keys.contact.as_ref().filter(|email| is_short(email)) {
        table.warn("contact", what(email));
    }
    let mut table = table.inside("report_to");
    for (at, email) in keys.report_to.iter().enumerate().filter(|(_, email)| is_short(email)) {
        table.warn(&at.to_string(), what(email));
    }
}

/// A page that is no address is a file. One that does not exist may be an address without a scheme.
fn warn_of_missing_file(key: &str, text: &str, page: &PageSource, table: &mut TableDiagnostics) {
    if let PageSource::File { path, .. } = page
        && !path.exists()
    {
        let meant = PageSource::meant_address(text);
        let mend = meant.map_or_else(
            || "correct the path".to_owned(),
            |address| format!("for a web address write {address}"),
        );
        table.warn(key, format!("there is no file `{text}`; {mend}"));
    }
}

fn pages(
    id: &CourseId,
    page: Option<String>,
    pages: Vec<String>,
    published_at: Option<&Address>,
    table: &mut TableDiagnostics,
) -> Option<Vec<PageSource>> {
    if page.is_none() && pages.is_empty() {
        table.missing(
            "page",
            format!("course `{id}` has no page; add page = \"https://…\" or the path of a file"),
        );
        return None;
    }
    let read = |key: &str, text: &str, table: &mut TableDiagnostics| {
        let page = PageSource::parse(text).map_err(|error| format!("course `{id}`: {error}"));
        let page = table.value(key, page);
        if let Some(page) = &page {
            warn_of_missing_file(key, text, page, table);
        }
        page.map(|page| match page {
            PageSource::File { path, .. } => PageSource::File { path, published_at: published_at.cloned() },
            web @ PageSource::Web(_) => web,
        })
    };
    let page = page.map(|text| read("page", &text, table));
    let mut all: Vec<Option<PageSource>> = page.into_iter().collect();
    let mut table = table.inside("pages");
    for (at, text) in pages.iter().enumerate() {
        all.push(read(&at.to_string(), text, &mut table));
    }
    all.into_iter().collect()
}
