//! Reads the configuration file, checks all of it, and builds the settings of each part.
//!
//! Only this module reads configuration. The other parts receive their own settings.

mod access;
mod archive;
mod catalogue;
mod course;
mod credential;
mod bulk_interfaces;
mod fetching;
mod duration;
mod mail;
mod diagnostics;
mod nights;
mod oidc;
mod pages;
mod example_value;
mod recovering_parse;
pub mod reference;
mod rendering;
mod rewording;
mod secret_files;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::course::{Course, CourseId, WebhookName};
use crate::domain::policy::quota::StorageQuotas;
use crate::outbox::{EmailSender, Senders, Webhook, WebhookSender};
use crate::world::archive::{Archive, ArchivePlace, BucketSettings};
use crate::world::browser::BrowserSettings;
use crate::world::catalogue::{CatalogueLocation, PostgresUrl};
use crate::world::fetch;
use diagnostics::{Diagnostics, TableDiagnostics};

pub use archive::archive_of;
pub use mail::MailSettings;
pub use nights::DaemonSettings;
pub use pages::PagesSettings;

const NO_COURSE: &str = "it has no course; add a [[course]] with an id and a page";

/// A configuration file with its values checked.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The archive, or its working directory if it is in a bucket.
    pub archive: PathBuf,
    pub bucket: Option<BucketSettings>,
    /// The database of the catalogue. Without it the catalogue is a file in the archive.
    pub catalogue: Option<PostgresUrl>,
    pub quotas: StorageQuotas,
    /// The browser that opens pages which only scripts make. Without it they have no copy.
    pub render: Option<BrowserSettings>,
    pub fetch: fetch::FetchSettings,
    pub courses: Vec<Course>,
    pub daemon: DaemonSettings,
    /// How emails are sent. Without it there are no emails.
    pub mail: Option<MailSettings>,
    /// The webhooks that get reports, by name.
    pub webhooks: BTreeMap<WebhookName, Webhook>,
    /// The web pages. Without it there are none.
    pub pages: Option<PagesSettings>,
    /// Values in the files that work, but probably not as they are meant; each with its place.
    pub doubtful_values: Vec<String>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the configuration {}: {what}", path.display())]
    Unreadable { path: PathBuf, what: std::io::Error },
    #[error("{}: {}{what}", path.display(), position.map_or_else(String::new, |position| format!("{position}: ")))]
    Invalid { path: PathBuf, position: Option<FilePosition>, what: String },
}

/// A position in a file; line and column count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePosition {
    pub line: usize,
    pub column: usize,
}

impl FilePosition {
    fn of(text: &str, at: usize) -> Self {
        let before = &text[..text.floor_char_boundary(at)];
        let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl fmt::Display for FilePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// All errors of a configuration, in the order of the files.
#[derive(Debug)]
pub struct Errors {
    pub first: Error,
    pub more: Vec<Error>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigurationKeys {
    #[serde(default)]
    archive: archive::ArchiveKeys,
    #[serde(default)]
    catalogue: catalogue::CatalogueKeys,
    #[serde(default)]
    fetch: fetching::FetchKeys,
    render: Option<rendering::RenderKeys>,
    mail: Option<mail::MailKeys>,
    pages: Option<pages::PagesKeys>,
    #[serde(default)]
    service: nights::ServiceKeys,
    #[serde(default)]
    course: Vec<course::CourseKeys>,
    #[serde(default)]
    webhook: Vec<webhook::WebhookKeys>,
}

impl Configuration {
    pub fn archive_place(&self) -> ArchivePlace {
        ArchivePlace { dir: self.archive.clone(), bucket: self.bucket.clone() }
    }

    pub fn catalogue_location(&self) -> CatalogueLocation {
        archive::location(self.catalogue.clone(), &self.archive)
    }

    /// Settings that work but that the administrator should change.
    pub fn warnings(&self) -> Vec<String> {
        let mail = self.mail.as_ref().and_then(MailSettings::warning);
        let pages = self.pages.as_ref().and_then(PagesSettings::warning);
        self.doubtful_values.iter().cloned().chain(mail).chain(pages).collect()
    }

    /// How reports are sent, with the address of the pages that their links lead to; `None` if
    /// they are not sent.
    pub fn senders(&self, archive: &Archive) -> anyhow::Result<Option<Senders>> {
        if self.mail.is_none() && self.webhooks.is_empty() {
            return Ok(None);
        }
        let pages = self.pages.as_ref().map(|pages| pages.behind_emails(archive)).transpose()?.flatten();
        let base = pages.as_ref().map(|pages| pages.base.clone());
        let email = match &self.mail {
            Some(mail) => Some(EmailSender { pages, ..mail.sender()? }),
            None => None,
        };
        Ok(Some(Senders { email, webhooks: WebhookSender { webhooks: self.webhooks.clone(), base } }))
    }

    /// Keeps only the course with this id, or all courses if it is `None`.
    ///
    /// # Errors
    ///
    /// The configuration has no such course, or no course at all.
    pub fn only(mut self, course: Option<&CourseId>, path: &Path) -> Result<Self, Error> {
        let invalid = |what: String| Error::Invalid { path: path.to_owned(), position: None, what };
        if self.courses.is_empty() {
            return Err(invalid(NO_COURSE.to_owned()));
        }
        if let Some(wanted) = course {
            let known =
                self.courses.iter().map(|course| course.id.to_string()).collect::<Vec<_>>().join(", ");
            self.courses.retain(|course| course.id == *wanted);
            if self.courses.is_empty() {
                return Err(invalid(format!("it has no course `{wanted}`; its courses are {known}")));
            }
        }
        Ok(self)
    }
}

/// The keys of a file in `courses.d`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoursesFile {
    #[serde(default)]
    course: Vec<course::CourseKeys>,
}

/// Reads and checks a configuration file and the files of `courses.d` beside it.
/// Relative paths in them start at the working directory.
pub fn read(path: &Path) -> Result<Configuration, Error> {
    check(path).map_err(|errors| errors.first)
}

/// Like [`read`], but returns all errors.
pub fn check(path: &Path) -> Result<Configuration, Errors> {
    settings_of(texts(path).map_err(|first| Errors { first, more: Vec::new() })?)
}

/// The files with secrets that a configuration names.
pub fn secret_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(texts(path)?.iter().flat_map(|(_, text)| secret_files::named_in(text)).collect())
}

/// The configuration and the files of `courses.d`, with their texts.
fn texts(path: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    let mut files = vec![(path.to_owned(), text_of(path)?)];
    for more in course_files(path)? {
        let text = text_of(&more)?;
        files.push((more, text));
    }
    Ok(files)
}

fn text_of(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|what| Error::Unreadable { path: path.to_owned(), what })
}

/// The files of `courses.d`, sorted by name.
fn course_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let dir = path.with_file_name("courses.d");
    let unreadable = |what| Error::Unreadable { path: dir.clone(), what };
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&dir).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Checks files with their texts. The first is the configuration, the others hold courses.
fn settings_of(files: Vec<(PathBuf, String)>) -> Result<Configuration, Errors> {
    let (mut parsed, mut errors, mut courses) = (Vec::new(), Vec::new(), Vec::new());
    let mut main = ConfigurationKeys::default();
    for (nth, (path, text)) in files.into_iter().enumerate() {
        let (file, syntax, more) = if nth == 0 {
            let (keys, file, syntax) = recovering_parse::parse::<ConfigurationKeys>(path, text);
            // Without keys the errors below are returned, so the default is never used.
            main = keys.unwrap_or_default();
            (file, syntax, std::mem::take(&mut main.course))
        } else {
            let (keys, file, syntax) = recovering_parse::parse::<CoursesFile>(path, text);
            (file, syntax, keys.unwrap_or_default().course)
        };
        parsed.push(file);
        errors.extend(syntax.into_iter().map(|(at, error)| (nth, at, error)));
        courses.extend(more.into_iter().enumerate().map(|(at, keys)| ((nth, at), keys)));
    }
    let mut diagnostics = Diagnostics::default();
    let has_course = !courses.is_empty();
    let settings = settings(main, courses, &mut diagnostics);
    let (more, mut warnings) = diagnostics.positioned(&parsed);
    errors.extend(more);
    errors.sort_by_key(|(file, at, _)| (*file, *at));
    let mut errors = errors.into_iter().map(|(_, _, error)| error);
    for (nth, file) in parsed.iter().enumerate() {
        let found = example_value::example_values(&file.text).into_iter();
        warnings.extend(found.map(|(at, value)| {
            let what = format!("`{value}` is a value of the example configuration; give your own");
            (nth, at, invalid(&file.path, Some(FilePosition::of(&file.text, at)), what))
        }));
    }
    warnings.sort_by_key(|(file, at, _)| (*file, *at));
    let no_course =
        parsed.first().filter(|_| !has_course).map(|file| invalid(&file.path, None, NO_COURSE.to_owned()));
    let warnings = warnings.into_iter().map(|(_, _, warning)| warning).chain(no_course);
    let settings = Configuration { doubtful_values: warnings.map(|it| it.to_string()).collect(), ..settings };
    match errors.next() {
        None => Ok(settings),
        Some(first) => Err(Errors { first, more: errors.collect() }),
    }
}

fn invalid(path: &Path, position: Option<FilePosition>, what: String) -> Error {
    Error::Invalid { path: path.to_owned(), position, what }
}

/// The settings that the keys give, without the entries that have errors. Each
/// course comes with its file and its index there.
fn settings(
    file: ConfigurationKeys,
    courses: Vec<((usize, usize), course::CourseKeys)>,
    found: &mut Diagnostics,
) -> Configuration {
    let has_mail = file.mail.is_some();
    let mail =
        file.mail.map(|keys| mail::mail(keys, &mut found.table(0, &["mail"]), credential::environment));
    let pages =
        file.pages.map(|keys| pages::pages(keys, &mut found.table(0, &["pages"]), credential::environment));
    let service = nights::service(&file.service, &mut found.table(0, &["service"]), credential::environment);
    let fetch = fetching::settings(file.fetch, &mut found.table(0, &["fetch"]), credential::environment);
    let catalogue = catalogue::database(&file.catalogue, credential::environment).unwrap_or_else(|wrong| {
        found.table(0, &["catalogue"]).error(wrong.key, wrong.what);
        None
    });
    let bucket = file.archive.bucket(catalogue.is_some(), credential::environment).unwrap_or_else(|wrong| {
        found.table(0, &["archive"]).error(wrong.key, wrong.what);
        None
    });
    let render = file.render.map(|keys| rendering::settings(keys, &mut found.table(0, &["render"])));
    let mut settings = Configuration {
        quotas: file.archive.quotas(),
        render,
        archive: file.archive.dir,
        bucket,
        catalogue,
        courses: Vec::new(),
        daemon: DaemonSettings {
            ping: service.ping.clone(),
            lease: service.lease,
            ..DaemonSettings::default()
        },
        mail: mail.flatten(),
        webhooks: webhook::webhooks(file.webhook, found, credential::environment),
        pages: pages.flatten().map(|mut pages| {
            pages.set_plan(&fetch);
            pages
        }),
        fetch,
        doubtful_values: Vec::new(),
    };
    let mut ids = BTreeSet::new();
    for ((nth, at), mut keys) in courses {
        let mut table = found.table(nth, &["course", &at.to_string()]);
        if !ids.insert(keys.id.clone()) {
            table.error("id", format!("two courses have the id `{}`; give one another id", keys.id));
        }
        course::warn_of_short_domains(&keys, &mut table);
        if !has_mail && !keys.report_to.is_empty() {
            let what =
                "no reports are sent, because there is no [mail] section; add one, or remove report_to";
            table.warn("report_to", format!("course `{}`: {what}", keys.id));
            keys.report_to.clear();
        }
        for name in &keys.webhooks {
            if !settings.webhooks.contains_key(name) {
                let what =
                    format!("there is no [[webhook]] with the name `{name}`; add one, or correct the name");
                table.error("webhooks", format!("course `{}`: {what}", keys.id));
            }
        }
        add(keys, &service, &mut settings, &mut table);
    }
    settings
}

/// Adds a course to the settings of the archive, the nights, the reports and the pages.
fn add(
    mut keys: course::CourseKeys,
    service: &nights::ServiceSettings,
    settings: &mut Configuration,
    table: &mut TableDiagnostics,
) -> Option<()> {
    let schedule = keys.schedule.take();
    let web =
        pages::CourseWebKeys { origins: std::mem::take(&mut keys.origins), contact: keys.contact.take() };
    let access =
        access::AccessKeys { access: keys.access, readers: keys.readers.take(), staff: keys.staff.take() };
    let admission = access::admission(&keys.id, access, table, credential::environment);
    let id = keys.id.clone();
    let course = course::course(keys, table);
    // Read even if the course has other errors, so that an error in the schedule is reported too.
    let zone = course.as_ref().map_or(TimeZone::UTC, |course| course.time_zone.clone());
    let when = nights::schedules(schedule.as_deref(), &id, zone, service, table);
    let (mut course, when) = (course?, when?);
    // The contact of the requests is the person who runs the service.
    let operator = settings.fetch.contact.as_deref().and_then(|contact| contact.parse().ok());
    course.contact = web.contact.clone().or(operator);
    settings.daemon.nights.insert(id.clone(), when.nights.within(course.term));
    settings.daemon.rechecks.extend(when.rechecks.map(|rechecks| (id, rechecks.within(course.term))));
    match &mut settings.pages {
        Some(pages) => pages.add(&course, admission?, web, table),
        None => course.copies = None,
    }
    settings.courses.push(course);
    Some(())
}
#[cfg(test)]
mod tests;
