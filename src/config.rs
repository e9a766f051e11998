//! The configuration file: read once, checked whole, turned into what each part needs.
//!
//! This is the only reader of configuration; nothing below it sees more than
//! its own settings.

mod access;
mod course;
mod mail;
mod nights;
mod pages;
mod slips;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::daemon;
use crate::domain::address::Address;
use crate::domain::course::{Course, CourseId};
use crate::outbox::Sender;
use crate::world::archive::Archive;
use crate::world::fetch;

pub use mail::Mail;
pub use pages::Pages;

/// What a configuration file says.
#[derive(Clone, Debug)]
pub struct Settings {
    pub archive: PathBuf,
    pub fetch: fetch::Settings,
    pub courses: Vec<Course>,
    pub daemon: daemon::Settings,
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
    #[error("{}: {what}", path.display())]
    Syntax { path: PathBuf, what: Box<toml::de::Error> },
    #[error("{}: {what}", path.display())]
    Meaning { path: PathBuf, what: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    archive: ArchiveKeys,
    #[serde(default)]
    fetch: FetchKeys,
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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FetchKeys {
    contact: Option<String>,
    delay: Option<SignedDuration>,
    delays: BTreeMap<String, SignedDuration>,
    allow_private_networks: bool,
    extra_ca: Option<PathBuf>,
    proxy: Option<String>,
    resolve: BTreeMap<String, SocketAddr>,
    sentinels: Vec<Address>,
    memento: Option<Address>,
    hosts_at_once: Option<usize>,
    connect_timeout: Option<SignedDuration>,
    page_timeout: Option<SignedDuration>,
    document_timeout: Option<SignedDuration>,
    max_document_mib: Option<u64>,
}

impl Settings {
    /// How letters leave, and where their links lead.
    pub fn sender(&self, archive: &Archive) -> anyhow::Result<Option<Sender>> {
        let Some(mail) = &self.mail else { return Ok(None) };
        let pages = self.pages.as_ref().map(|pages| pages.behind_letters(archive)).transpose()?;
        Ok(Some(Sender { pages: pages.flatten(), ..mail.sender()? }))
    }

    /// Keeps only the course of this id, or all of them where none is named.
    ///
    /// # Errors
    ///
    /// There is no such course, or none at all.
    pub fn only(mut self, course: Option<&CourseId>, path: &Path) -> Result<Self, Mistake> {
        let meaning = |what: String| Mistake::Meaning { path: path.to_owned(), what };
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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CoursesFile {
    #[serde(default)]
    course: Vec<course::CourseKeys>,
}

/// Reads and checks a configuration file, with the courses of `courses.d` beside it.
pub fn read(path: &Path) -> Result<Settings, Mistake> {
    let mut file: File = toml_of(&text_of(path)?, path)?;
    for more in courses_beside(path)? {
        let courses: CoursesFile = toml_of(&text_of(&more)?, &more)?;
        file.course.extend(courses.course);
    }
    settings(file, path)
}

/// Every mistake that can be found in one go; none if the configuration can be used.
pub fn mistakes(path: &Path) -> Vec<Mistake> {
    let of_all_files = || -> Result<Vec<Mistake>, Mistake> {
        let mut found = slips::all::<File>(&text_of(path)?, path);
        for more in courses_beside(path)? {
            found.extend(slips::all::<CoursesFile>(&text_of(&more)?, &more));
        }
        Ok(found)
    };
    match of_all_files() {
        Ok(found) if found.is_empty() => read(path).err().into_iter().collect(),
        Ok(found) => found,
        Err(mistake) => vec![mistake],
    }
}

fn text_of(path: &Path) -> Result<String, Mistake> {
    std::fs::read_to_string(path).map_err(|what| Mistake::Unreadable { path: path.to_owned(), what })
}

fn toml_of<T: serde::de::DeserializeOwned>(text: &str, path: &Path) -> Result<T, Mistake> {
    toml::from_str(text).map_err(|what| Mistake::Syntax { path: path.to_owned(), what: Box::new(what) })
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

/// Checks the text of a configuration file; `path` is named in mistakes, and
/// relative paths within are those of the working directory.
pub fn parse(text: &str, path: &Path) -> Result<Settings, Mistake> {
    settings(toml_of(text, path)?, path)
}

fn settings(file: File, path: &Path) -> Result<Settings, Mistake> {
    let meaning = |what: String| Mistake::Meaning { path: path.to_owned(), what };
    let mail = file.mail.map(|keys| mail::mail(keys, mail::environment)).transpose().map_err(meaning)?;
    let mut shown =
        file.pages.map(|keys| pages::pages(keys, mail::environment)).transpose().map_err(meaning)?;
    let mut courses = Vec::new();
    let mut schedules = BTreeMap::new();
    for mut keys in file.course {
        if let Some(schedule) = keys.schedule.take() {
            schedules.insert(keys.id.clone(), schedule);
        }
        let (origins, contact) = (std::mem::take(&mut keys.origins), keys.contact.take());
        let (readers, staff) = (keys.readers.take(), keys.staff.take());
        let access = access::AccessKeys { access: keys.access, readers, staff };
        let admission = access::admission(&keys.id, access, mail::environment).map_err(meaning)?;
        let mut course = course::course(keys).map_err(meaning)?;
        if courses.iter().any(|known: &Course| known.id == course.id) {
            return Err(meaning(format!("two courses are called `{}`; give one another id", course.id)));
        }
        if mail.is_none() {
            course.report_to.clear();
        }
        match &mut shown {
            Some(shown) => shown.add(&course, admission, origins, contact).map_err(meaning)?,
            None => course.copies = None,
        }
        courses.push(course);
    }
    let daemon = nights::settings(&file.service, &courses, &schedules).map_err(meaning)?;
    let fetch = fetch_settings(file.fetch).map_err(meaning)?;
    Ok(Settings { archive: file.archive.dir, fetch, courses, daemon, mail, pages: shown })
}

fn fetch_settings(keys: FetchKeys) -> Result<fetch::Settings, String> {
    let positive = |name: &str, value: Option<SignedDuration>, default: Duration| match value {
        None => Ok(default),
        Some(value) => {
            Duration::try_from(value).map_err(|_| format!("{name} is negative; write for example \"2s\""))
        }
    };
    let defaults = fetch::Settings::default();
    let mut limits = defaults.limits.clone();
    limits.connect = positive("connect_timeout", keys.connect_timeout, limits.connect)?;
    limits.page_time = positive("page_timeout", keys.page_timeout, limits.page_time)?;
    limits.document_time = positive("document_timeout", keys.document_timeout, limits.document_time)?;
    if let Some(mib) = keys.max_document_mib {
        limits.document_bytes = mib.saturating_mul(1 << 20);
    }
    if let Some(hosts) = keys.hosts_at_once {
        if hosts == 0 {
            return Err("hosts_at_once is 0, which would ask nobody; the default is 16".to_owned());
        }
        limits.hosts_at_once = hosts;
    }
    let mut host_delays = Vec::new();
    for (host, delay) in keys.delays {
        host_delays.push((host, positive("a delay in [fetch.delays]", Some(delay), defaults.delay)?));
    }
    if let Some(gate) = &keys.memento
        && !host_delays.iter().any(|(host, _)| host == gate.host())
    {
        // What web archives ask of programs.
        let usual = positive("delay", keys.delay, defaults.delay)?;
        host_delays.push((gate.host().to_owned(), usual.max(Duration::from_secs(1))));
    }
    Ok(fetch::Settings {
        contact: keys.contact,
        delay: positive("delay", keys.delay, defaults.delay)?,
        host_delays,
        allow_private_networks: keys.allow_private_networks,
        extra_ca: keys.extra_ca,
        proxy: keys.proxy,
        resolve: keys.resolve.into_iter().collect(),
        sentinels: keys.sentinels,
        timegate: keys.memento,
        limits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../config/onreserve.toml");

    fn mistake(text: &str) -> String {
        parse(text, Path::new("x.toml")).unwrap_err().to_string()
    }

    #[test]
    fn the_example_is_valid_and_shows_the_defaults() {
        let shown = parse(EXAMPLE, Path::new("config/onreserve.toml")).unwrap();
        let silent = parse("", Path::new("x.toml")).unwrap();
        assert_eq!(shown.archive, silent.archive);
        assert_eq!(nights_shown(""), nights_shown("[service]\n"));
        let written = EXAMPLE.find("[service]").map(|at| &EXAMPLE[at..]).unwrap();
        let written = &written[..written.find("\n[").unwrap()];
        assert_eq!(nights_shown(written), nights_shown(""));
        let (shown, silent) = (shown.fetch, silent.fetch);
        assert_eq!(shown.delay, silent.delay);
        assert_eq!(shown.allow_private_networks, silent.allow_private_networks);
        assert_eq!(format!("{:?}", shown.limits), format!("{:?}", silent.limits));
    }

    /// When a course that says nothing itself has its nights and looks.
    fn nights_shown(service: &str) -> String {
        let text = format!("{service}\n[[course]]\nid = \"a\"\npage = \"https://a.example/\"\n");
        format!("{:?}", parse(&text, Path::new("x.toml")).unwrap().daemon)
    }

    /// The example with the lines of `[mail]` that are commented out.
    #[test]
    fn the_example_names_every_key_of_mail() {
        let start = EXAMPLE.find("# [mail]").unwrap();
        let (mail, rest) = EXAMPLE[start..].split_once("\n\n").unwrap();
        let key = |line: &str| {
            line.strip_prefix("# ")
                .filter(|line| line.contains(" = ") || *line == "[mail]")
                .map(str::to_owned)
        };
        let keys: Vec<String> = mail.lines().filter_map(key).collect();
        let ways = ["sendmail", "directory", "extra_ca", "password_file", "user", "dkim"];
        let without = keys.iter().filter(|key| !ways.iter().any(|way| key.starts_with(way)));
        let text: Vec<&str> = without.map(String::as_str).collect();
        let settings = parse(&format!("{}\n{rest}", text.join("\n")), Path::new("x.toml")).unwrap();
        assert_eq!(settings.courses[0].report_to.len(), 1);
        let shown = settings.mail.unwrap();
        let bare =
            parse("[mail]\nfrom = \"o@a.edu\"\nhost = \"smtp.school.example\"", Path::new("x")).unwrap();
        assert_eq!(format!("{:?}", shown.way), format!("{:?}", bare.mail.unwrap().way));
        for way in ways {
            assert!(keys.iter().any(|key| key.starts_with(way)), "{way}");
        }
    }

    #[test]
    fn without_a_way_for_mail_nobody_is_written_to() {
        let settings = parse(EXAMPLE, Path::new("x.toml")).unwrap();
        assert!(settings.courses[0].report_to.is_empty());
    }

    #[test]
    fn a_term_is_written_as_dates_or_as_words() {
        for term in ["first = 2026-09-21, last = 2026-12-11", "first = \"2026-09-21\", last = \"2026-12-11\""]
        {
            let text = format!("[[course]]\nid = \"a\"\npage = \"https://a.example/\"\nterm = {{ {term} }}");
            let course = parse(&text, Path::new("x.toml")).unwrap().courses.remove(0);
            assert_eq!(course.term.unwrap().last, jiff::civil::date(2026, 12, 11));
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_place_at_once() {
        let text = "[fetch]\ndelai = \"2s\"\nhosts_at_once = \"many\"\nsentinels = [\n  \"x\",\n]\n\
                    [[course]]\nid = \"Ünicode\"\nterm = { first = 2026-13-01, last = 2026-12-01 }\n\
                    page = \"https://a.example/\"\nreport_to = [\"nobody\"]\n[mail]\nform = \"x\"\n";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::io::Write::write_all(&mut std::fs::File::create_new(&path).unwrap(), text.as_bytes()).unwrap();
        let told: Vec<String> = mistakes(&path).iter().map(ToString::to_string).collect();
        let all = told.join("\n");
        for place in ["line 2,", "line 3,", "line 5,", "line 8,", "line 9,", "line 11,", "line 13,"] {
            assert!(all.contains(place), "{place}\n{all}");
        }
    }

    #[test]
    fn courses_also_stand_in_files_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("onreserve.toml");
        let file = |path: &Path, text: &str| {
            std::io::Write::write_all(&mut std::fs::File::create_new(path).unwrap(), text.as_bytes())
                .unwrap();
        };
        let course = |id: &str| format!("[[course]]\nid = \"{id}\"\npage = \"https://a.example/\"\n");
        std::fs::create_dir(dir.path().join("courses.d")).unwrap();
        file(&path, &course("a"));
        file(&dir.path().join("courses.d/2.toml"), &course("c"));
        file(&dir.path().join("courses.d/1.toml"), &course("b"));
        file(&dir.path().join("courses.d/old.toml.bak"), "nonsense");
        let ids =
            |settings: Settings| settings.courses.into_iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(read(&path).unwrap()), ["a", "b", "c"]);
        file(&dir.path().join("courses.d/3.toml"), "[fetch]\ndelay = \"1s\"\n");
        let told = mistakes(&path).first().unwrap().to_string();
        assert!(told.contains("3.toml") && told.contains("fetch"), "{told}");
    }

    #[test]
    fn a_mistake_says_where_it_is() {
        let told = mistake("[fetch]\ndelai = \"2s\"");
        assert!(told.contains("line 2, column 1") && told.contains("`delai`"), "{told}");
        let course = "[[course]]\nid = \"a\"\npage = \"https://a.example/\"\n";
        assert!(mistake(&format!("{course}{course}")).contains("two courses"));
        assert!(mistake(&format!("{course}time_zone = \"Mars\"")).contains("America/Chicago"));
        assert!(
            mistake(&format!("{course}term = {{ first = 2026-09-21, last = 2026-01-01 }}"))
                .contains("exchange")
        );
        assert!(mistake("[[course]]\nid = \"a\"").contains("has no page"));
        assert!(
            mistake(&format!("{course}schedule = \"30 2 * * *\"")).contains("course `a`: `30 2 * * *` has 5")
        );
        assert!(mistake("[service]\nlook = \"noon\"").contains("13:00"));
        assert!(mistake("[service]\nspread = \"2d\"").contains("spread"));
        assert!(!mistake("[service]\nping_url = \"ftp://secret\"").contains("secret"));
        assert!(mistake("[fetch]\nhosts_at_once = 0").contains("the default is 16"));
    }
}
