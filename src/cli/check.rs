//! `onreserve check`: one night, run at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::interrupt::interrupted;
use super::progress::Bar;
use super::{ClockArguments, archive_location, email, exit, print, service_check, strict, warn};
use crate::config::{self, Configuration};
use crate::domain::course::{Course, CourseId, PageSource};
use crate::domain::policy::quota::StorageQuotas;
use crate::domain::report::figures::count_of;
use crate::domain::report::{CourseReport, compose, github, json, junit, sarif, summary};
use crate::night::{self, Finished};
use crate::outbox;
use crate::world::archive::Archive;
use crate::world::{World, fetch, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve check https://school.edu/course.html
  onreserve check syllabus.md --published-at https://school.edu/course/
  onreserve check --config onreserve.toml --format json > night.json
  onreserve check syllabus.md --format sarif > links.sarif
  onreserve check syllabus.md --strict --format github

In CI, `sarif` and `github` mark the lines of the page. `junit` has one test for
each link: it fails for a dead link or a missing file of the course, and is
skipped for a link that is not confirmed dead or could not be checked. Defects
of the page are failures.

While the service runs, it checks the courses of --config itself: the command
asks it, waits and prints its results. With --strict, --now or a PAGE it needs
the archive for itself, and exits with 75 while the service runs.

A link is dead only after several nights. A CI job has no earlier nights, so it
uses --strict: a link that fails definitely tonight (404, 410, no such host, a
missing file) is asked a second time, and fails the check if it fails again.
Pages that refuse programs, logins and weak signs never fail it.

Exit codes: 0 fine, 1 the page could not be read or the check failed, 2 dead
links (with --strict also links that fail tonight, and defects of the page),
64 usage error, 75 another instance is running, 77 permission denied,
78 configuration error.")]
pub(super) struct CheckArguments {
    /// The course page: a web address, or a file in HTML or Markdown.
    #[arg(value_name = "PAGE", required_unless_present = "config")]
    page: Option<String>,
    /// Check the courses of this configuration; with PAGE, use only its settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check only this course of the configuration.
    #[arg(long, value_name = "ID", requires = "config", conflicts_with = "page")]
    course: Option<CourseId>,
    /// The web address of a page that is a file; its relative links start there.
    #[arg(long, value_name = "URL", requires = "page")]
    published_at: Option<String>,
    /// The archive directory, instead of that of the configuration [default: archive].
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// An email address or URL of yours; sent with every request to a host.
    #[arg(long, value_name = "CONTACT")]
    contact: Option<String>,
    /// The pause between two requests to one host, such as 5s [default: 2s].
    #[arg(long, value_name = "DURATION")]
    delay: Option<jiff::SignedDuration>,
    /// Allow requests to this machine and to private networks.
    #[arg(long)]
    allow_private_networks: bool,
    /// Judge by tonight alone, for CI: links that fail definitely, and defects of the page, fail the check.
    #[arg(long)]
    strict: bool,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
    #[command(flatten)]
    clock: ClockArguments,
}

/// The output format of a night.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// Text.
    #[default]
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
    #[value(help = "A JUnit test report in XML, for CI")]
    Junit,
    /// Annotations of a GitHub workflow run.
    Github,
}

impl CheckArguments {
    /// A single page and a CI job are checked whole; the courses of a configuration have a night.
    fn scope(&self) -> night::NightScope<'static> {
        if self.page.is_some() || self.strict {
            night::NightScope::AllLinks
        } else {
            night::NightScope::WithinBudgets { beside: &[] }
        }
    }
}

pub(super) async fn run(arguments: CheckArguments) -> anyhow::Result<ExitCode> {
    let (format, is_strict) = (arguments.format, arguments.strict);
    let clock = arguments.clock.clock();
    let scope = arguments.scope();
    // A single page and a pretended time are no part of what the service does.
    let is_configured = arguments.page.is_none() && !clock.is_pretended();
    let settings = settings(arguments)?;
    let mut world = match World::open_with(
        &settings.archive_place(),
        &settings.catalogue_location(),
        settings.fetch.clone(),
        clock,
    )
    .await
    {
        Ok(world) => world,
        Err(error) if is_configured && !is_strict && service_check::can_ask(&error, &settings).await => {
            return Box::pin(beside_service(&settings, format)).await;
        }
        Err(error) => return Err(error),
    };
    world.set_capture_settings(settings.quotas, settings.render.as_ref());
    // Set up before the night, so that an unusable relay is reported at once.
    let senders = settings.senders(&world.archive)?;
    for warning in settings.warnings() {
        warn(&format!("warning: {warning}"));
    }
    let bar = Bar::new(format == CheckFormat::Human, settings.fetch.pace());
    let watch = |progress: night::Progress| bar.show(&progress);
    let mut night = tokio::select! {
        finished = night::run(&settings.courses, scope, &world, &watch) => finished?,
        () = interrupted() => {
            bar.clear();
            bail!("interrupted; the results so far are kept; run the same command again to finish the night");
        }
    };
    bar.clear();
    print_warnings(&night);
    if let Some(senders) = &senders {
        email::print_delivered(&outbox::deliver_due(&world.catalogue, world.clock, senders).await?);
    }
    // People and programs that read JSON get the state as the archive has it.
    let is_plain = matches!(format, CheckFormat::Human | CheckFormat::Json);
    if is_plain {
        print(&printed(&night.courses, totals(&night), format, &world.archive)?)?;
    }
    let failures = if is_strict { strict::judge(&mut night, &settings.courses, &world).await? } else { 0 };
    if !is_plain {
        print(&printed(&night.courses, totals(&night), format, &world.archive)?)?;
    } else if is_strict && format == CheckFormat::Human {
        print(&strict::summary(&night))?;
    }
    if let Some(unread) = night.unread.first() {
        return Err(unread.clone().into());
    }
    Ok(if night.has_dead() || failures > 0 { ExitCode::from(exit::DEAD_LINKS) } else { ExitCode::SUCCESS })
}

/// Lets the running service check the courses, and prints its results.
async fn beside_service(settings: &Configuration, format: CheckFormat) -> anyhow::Result<ExitCode> {
    let opened = service_check::run(settings).await?;
    let mut courses: Vec<CourseReport> = Vec::new();
    for course in &settings.courses {
        courses.extend(opened.catalogue.last_report(&course.id).await?);
    }
    let Some(first) = courses.first() else { bail!("the service has no report of these courses") };
    let totals = json::TotalsJson {
        id: first.facts.started.to_string(),
        started: first.facts.started,
        finished: first.facts.finished,
        requests: first.facts.requests,
        bytes: first.facts.bytes,
        void: first.facts.void,
    };
    print(&printed(&courses, totals, format, &opened.archive)?)?;
    let has_dead = courses.iter().any(|course| course.facts.has_dead());
    Ok(if has_dead { ExitCode::from(exit::DEAD_LINKS) } else { ExitCode::SUCCESS })
}

/// What the person who runs the check has to know of the night besides its results.
fn print_warnings(night: &Finished) {
    if let Err(implausible) = night.start {
        warn(&format!("warning: this night is a rehearsal, because of --now: {implausible}"));
    }
    if night.without_room > 0 {
        warn(&format!(
            "warning: the disk of the archive has no room for {}; no copy was lost, and all \
             links were checked; free some space on it",
            count_of(night.without_room, "new copy", "new copies")
        ));
    }
    if night.over_quota > 0 {
        warn(&format!(
            "warning: {} not stored, because a quota of [archive] is used up; no copy was lost, \
             and all links were checked; raise the quota, or remove links from the course",
            count_of(night.over_quota, "new copy was", "new copies were")
        ));
    }
    if let Some(first) = night.unopened.first() {
        warn(&format!(
            "warning: the browser could not open {}, so there is no new copy of them; the first is {}: {}",
            count_of(night.unopened.len(), "page", "pages"),
            first.address,
            first.why
        ));
    }
}

fn totals(night: &Finished) -> json::TotalsJson {
    json::TotalsJson {
        id: night.id.to_string(),
        started: night.started,
        finished: night.finished,
        requests: night.requests,
        bytes: night.bytes,
        void: night.void,
    }
}

fn printed(
    courses: &[CourseReport],
    totals: json::TotalsJson,
    format: CheckFormat,
    archive: &Archive,
) -> anyhow::Result<String> {
    let facts = || courses.iter().map(|report| &report.facts);
    Ok(match format {
        CheckFormat::Human => human(courses),
        CheckFormat::Json => {
            let path = |digest| archive.place_of(digest);
            let run = json::RunJson::new(totals, facts(), path);
            format!("{}\n", serde_json::to_string_pretty(&run)?)
        }
        CheckFormat::Sarif => format!("{}\n", serde_json::to_string_pretty(&sarif::log(facts()))?),
        CheckFormat::Junit => junit::document(facts()),
        CheckFormat::Github => facts().map(github::lines).collect(),
    })
}

fn human(courses: &[CourseReport]) -> String {
    let rendered = |course: &CourseReport| {
        summary::render(&course.facts, &compose::compose(course), terminal::colours())
    };
    let reports: Vec<String> = courses.iter().map(rendered).collect();
    reports.join("\n")
}

/// The configuration, or the one for a single page.
fn settings(arguments: CheckArguments) -> anyhow::Result<Configuration> {
    let mut settings = match &arguments.config {
        Some(path) if arguments.page.is_some() => config::read(path)?,
        Some(path) => config::read(path)?.only(arguments.course.as_ref(), path)?,
        None => Configuration {
            archive: PathBuf::from(archive_location::DEFAULT_ARCHIVE),
            bucket: None,
            catalogue: None,
            fetch: fetch::FetchSettings::default(),
            courses: Vec::new(),
            quotas: StorageQuotas::default(),
            render: None,
            daemon: config::DaemonSettings::default(),
            mail: None,
            webhooks: BTreeMap::new(),
            pages: None,
            doubtful_values: Vec::new(),
        },
    };
    // What is given on the command line is used in place of the configuration.
    if let Some(archive) = arguments.archive {
        settings.archive = archive;
        settings.bucket = None;
        settings.catalogue = None;
    }
    settings.fetch.contact = arguments.contact.or(settings.fetch.contact);
    settings.fetch.allow_private_networks |= arguments.allow_private_networks;
    if let Some(delay) = arguments.delay {
        settings.fetch.delay = delay.try_into().context("--delay is negative; write it as in --delay 2s")?;
    }
    if let Some(page) = &arguments.page {
        settings.courses = vec![single(page, arguments.published_at.as_deref())?];
    }
    Ok(settings)
}

/// A course with one page and an id made from its address.
pub(super) fn single(page: &str, published_at: Option<&str>) -> anyhow::Result<Course> {
    let source = match PageSource::parse(page)? {
        PageSource::File { path, .. } => {
            if !path.is_file() {
                // This comes before the archive is opened, so that no empty archive is created.
                bail!(missing_file(page));
            }
            PageSource::File { path, published_at: published_at.map(str::parse).transpose()? }
        }
        web @ PageSource::Web(_) => web,
    };
    Ok(Course::unconfigured(id_for(&source)?, page.to_owned(), vec![source]))
}

/// The error for a page that does not exist; it suggests a web address if one was probably meant.
fn missing_file(page: &str) -> String {
    match PageSource::meant_address(page) {
        Some(address) => {
            format!(
                "cannot read the course page {page}: there is no such file; for a web address write {address}"
            )
        }
        None => format!("cannot read the course page {page}: there is no such file; correct the path"),
    }
}

/// An id made from the last distinctive part of the page's path, or from its host.
fn id_for(page: &PageSource) -> anyhow::Result<CourseId> {
    let (path, host) = match page {
        PageSource::Web(address) => (address.path().to_owned(), Some(address.host())),
        PageSource::File { path, .. } => (path.display().to_string(), None),
    };
    let stem = |part: &str| part.split('.').next().unwrap_or(part).to_owned();
    let in_path =
        path.rsplit('/').map(stem).find(|part| !matches!(part.as_str(), "" | "index" | "README" | "page"));
    let of_host = || {
        let named = host.filter(|host| host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('['));
        named.map(|host| stem(host.strip_prefix("www.").unwrap_or(host)))
    };
    let name = in_path.or_else(of_host).unwrap_or_else(|| "course".to_owned());
    let id: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    Ok(id.trim_matches('-').parse().or_else(|_| "course".parse())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_its_course_a_name() {
        for (page, id) in [
            ("https://school.edu/~jane/dgm.html", "dgm"),
            ("https://school.edu/cs 236/index.html", "cs-20236"),
            ("https://www.school.edu/", "school"),
            ("http://127.0.0.1:8000/", "course"),
            ("http://[::1]/index.html", "course"),
            ("notes/Week_1.md", "week-1"),
        ] {
            assert_eq!(id_for(&PageSource::parse(page).unwrap()).unwrap().to_string(), id, "{page}");
        }
    }

    #[test]
    fn a_page_that_is_not_there_may_be_meant_as_an_address() {
        for page in [
            "school.edu",
            "school.edu/course.html",
            "www.uni.example/~a/",
            "cs.school.co/x",
            "localhost.test:8000/",
        ] {
            assert!(missing_file(page).contains(&format!("https://{page}")), "{page}");
        }
        for page in ["course.html", "notes/week.1/page.md", "../syllabus.md", "syllabus", "./a.b/c.md"] {
            assert!(!missing_file(page).contains("https://"), "{page}");
        }
    }
}
