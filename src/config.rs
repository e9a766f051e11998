//! The configuration file: read once, checked whole, turned into what each part needs.
//!
//! This is the only reader of configuration; nothing below it sees more than
//! its own settings.

mod access;
mod course;
mod credential;
mod fetching;
mod length;
mod mail;
mod meaning;
mod nights;
mod oidc;
mod pages;
mod slips;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::course::{Course, CourseId};
use crate::outbox::EmailSender;
use crate::world::archive::Archive;
use crate::world::fetch;
use meaning::{Found, Table};

pub use mail::Mail;
pub use nights::DaemonSettings;
pub use pages::Pages;

/// What a configuration file says.
#[derive(Clone, Debug)]
pub struct Settings {
    pub archive: PathBuf,
    pub fetch: fetch::FetchSettings,
    pub courses: Vec<Course>,
    pub daemon: DaemonSettings,
    /// How letters leave; without it none are written.
    pub mail: Option<Mail>,
    /// What is shown, and where; without it nothing is.
    pub pages: Option<Pages>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    #[error("cannot read the configuration {}: {what}", path.display())]
    Unreadable { path: PathBuf, what: std::io::Error },
    #[error("{}: {}{what}", path.display(), place.map(|place| format!("{place}: ")).unwrap_or_default())]
    Meaning { path: PathBuf, place: Option<Place>, what: String },
}

/// Where in a file; both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Every mistake that can be found in one go, in the order of the files.
#[derive(Debug)]
pub struct Mistakes {
    pub first: Mistake,
    pub more: Vec<Mistake>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    archive: ArchiveKeys,
    #[serde(default)]
    fetch: fetching::FetchKeys,
    mail: Option<mail::MailKeys>,
    pages: Option<pages::PagesKeys>,
    #[serde(default)]
    service: nights::ServiceKeys,
    #[serde(default)]
    course: Vec<course::CourseKeys>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ArchiveKeys {
    dir: PathBuf,
}

impl Default for ArchiveKeys {
    fn default() -> Self {
        Self { dir: PathBuf::from("archive") }
    }
}

impl Settings {
    /// How letters leave, and where their links lead.
    pub fn sender(&self, archive: &Archive) -> anyhow::Result<Option<EmailSender>> {
        let Some(mail) = &self.mail else { return Ok(None) };
        let pages = self.pages.as_ref().map(|pages| pages.behind_emails(archive)).transpose()?;
        Ok(Some(EmailSender { pages: pages.flatten(), ..mail.sender()? }))
    }

    /// Keeps only the course of this id, or all of them where none is named.
    ///
    /// # Errors
    ///
    /// There is no such course, or none at all.
    pub fn only(mut self, course: Option<&CourseId>, path: &Path) -> Result<Self, Mistake> {
        let meaning = |what: String| Mistake::Meaning { path: path.to_owned(), place: None, what };
        if self.courses.is_empty() {
            return Err(meaning("there are no courses; add a [[course]] with an id and a page".to_owned()));
        }
        if let Some(wanted) = course {
            let known =
                self.courses.iter().map(|course| course.id.to_string()).collect::<Vec<_>>().join(", ");
            self.courses.retain(|course| course.id == *wanted);
            if self.courses.is_empty() {
                return Err(meaning(format!("there is no course `{wanted}`; it has {known}")));
            }
        }
        Ok(self)
    }
}

/// What a file in `courses.d` may hold.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoursesFile {
    #[serde(default)]
    course: Vec<course::CourseKeys>,
}

/// Where the archive is. Nothing else is looked at, so that whoever looks after
/// an archive needs none of the secrets that only the service has.
pub fn archive_of(path: &Path) -> Result<PathBuf, Mistake> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        archive: ArchiveKeys,
    }
    let (file, _, slips) = slips::read::<File>(path.to_owned(), text_of(path)?);
    match slips.into_iter().next() {
        Some((_, first)) => Err(first),
        None => Ok(file.map(|file| file.archive).unwrap_or_default().dir),
    }
}

/// Reads and checks a configuration file, with the courses of `courses.d`
/// beside it. Relative paths within are those of the working directory.
pub fn read(path: &Path) -> Result<Settings, Mistake> {
    check(path).map_err(|mistakes| mistakes.first)
}

/// The same, telling all mistakes.
pub fn check(path: &Path) -> Result<Settings, Mistakes> {
    let files = || {
        let mut files = vec![(path.to_owned(), text_of(path)?)];
        for more in courses_beside(path)? {
            let text = text_of(&more)?;
            files.push((more, text));
        }
        Ok(files)
    };
    settings_of(files().map_err(|first| Mistakes { first, more: Vec::new() })?)
}

fn text_of(path: &Path) -> Result<String, Mistake> {
    std::fs::read_to_string(path).map_err(|what| Mistake::Unreadable { path: path.to_owned(), what })
}

/// The files of `courses.d`, by name.
fn courses_beside(path: &Path) -> Result<Vec<PathBuf>, Mistake> {
    let dir = path.with_file_name("courses.d");
    let unreadable = |what| Mistake::Unreadable { path: dir.clone(), what };
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

/// Checks files with their texts; the first is the configuration, the others hold courses.
fn settings_of(files: Vec<(PathBuf, String)>) -> Result<Settings, Mistakes> {
    let (mut texts, mut mistakes, mut courses) = (Vec::new(), Vec::new(), Vec::new());
    let mut main = File::default();
    for (nth, (path, text)) in files.into_iter().enumerate() {
        let (text, slips, more) = if nth == 0 {
            let (file, text, slips) = slips::read::<File>(path, text);
            main = file.unwrap_or_default();
            (text, slips, std::mem::take(&mut main.course))
        } else {
            let (file, text, slips) = slips::read::<CoursesFile>(path, text);
            (text, slips, file.unwrap_or_default().course)
        };
        texts.push(text);
        mistakes.extend(slips.into_iter().map(|(at, slip)| (nth, at, slip)));
        courses.extend(more.into_iter().enumerate().map(|(at, keys)| ((nth, at), keys)));
    }
    let mut found = Found::default();
    let settings = settings(main, courses, &mut found);
    mistakes.extend(found.placed(&texts));
    mistakes.sort_by_key(|(file, at, _)| (*file, *at));
    let mut mistakes = mistakes.into_iter().map(|(_, _, mistake)| mistake);
    match mistakes.next() {
        None => Ok(settings),
        Some(first) => Err(Mistakes { first, more: mistakes.collect() }),
    }
}

/// What the keys mean, without what is found to be wrong; each course comes
/// with its file and its number there.
fn settings(file: File, courses: Vec<((usize, usize), course::CourseKeys)>, found: &mut Found) -> Settings {
    let has_mail = file.mail.is_some();
    let mail =
        file.mail.map(|keys| mail::mail(keys, &mut found.table(0, &["mail"]), credential::environment));
    let pages =
        file.pages.map(|keys| pages::pages(keys, &mut found.table(0, &["pages"]), credential::environment));
    let service = nights::service(&file.service, &mut found.table(0, &["service"]), credential::environment);
    let fetch = fetching::settings(file.fetch, &mut found.table(0, &["fetch"]));
    let mut settings = Settings {
        archive: file.archive.dir,
        fetch,
        courses: Vec::new(),
        daemon: DaemonSettings { ping: service.ping.clone(), ..DaemonSettings::default() },
        mail: mail.flatten(),
        pages: pages.flatten(),
    };
    let mut ids = BTreeSet::new();
    for ((nth, at), mut keys) in courses {
        let mut table = found.table(nth, &["course", &at.to_string()]);
        if !ids.insert(keys.id.clone()) {
            table.wrong("id", format!("two courses are called `{}`; give one another id", keys.id));
        }
        if !has_mail {
            keys.report_to.clear();
        }
        add(keys, &service, &mut settings, &mut table);
    }
    settings
}

/// Adds a course to what is kept, told, run and shown.
fn add(
    mut keys: course::CourseKeys,
    service: &nights::Service,
    settings: &mut Settings,
    table: &mut Table,
) -> Option<()> {
    let schedule = keys.schedule.take();
    let shown = pages::Shown { origins: std::mem::take(&mut keys.origins), contact: keys.contact.take() };
    let access =
        access::AccessKeys { access: keys.access, readers: keys.readers.take(), staff: keys.staff.take() };
    let admission = access::admission(&keys.id, access, table, credential::environment);
    let id = keys.id.clone();
    let course = course::course(keys, table);
    // A schedule can be wrong beside anything else, so it is read in any case.
    let zone = course.as_ref().map_or(TimeZone::UTC, |course| course.time_zone.clone());
    let when = nights::schedules(schedule.as_deref(), &id, zone, service, table);
    let (mut course, when) = (course?, when?);
    settings.daemon.nights.insert(id.clone(), when.nights.within(course.term));
    settings.daemon.rechecks.extend(when.rechecks.map(|rechecks| (id, rechecks.within(course.term))));
    match &mut settings.pages {
        Some(pages) => pages.add(&course, admission?, shown, table),
        None => course.copies = None,
    }
    settings.courses.push(course);
    Some(())
}
#[cfg(test)]
mod tests;
