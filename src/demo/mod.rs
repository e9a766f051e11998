//! Five nights of a small course whose links break, without network access.
//!
//! The web (`web`) and the clock are simulated. Fetching, archiving, verdicts,
//! reports and emails are those of a real night.

mod act_link;
mod pdf;
mod web;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tokio::net::TcpListener;

use crate::config;
use crate::domain::course::Course;
use crate::domain::decision::{Choice, Decision, Gist};
use crate::domain::journal::Entry;
use crate::domain::policy::password::PasswordHash;
use crate::domain::report::{self, compose, html, text};
use crate::night::{self, Finished};
use crate::outbox;
use crate::world::clock::Clock;
use crate::world::{World, email, fetch, page_file, random};

/// The output of one night of the demo.
pub(crate) struct DemoNight {
    pub(crate) night: String,
    pub(crate) events: &'static str,
    pub(crate) report: String,
}

/// The files of a finished demo.
pub(crate) struct DemoResult {
    pub(crate) report: PathBuf,
    pub(crate) message: PathBuf,
    pub(crate) archive: PathBuf,
    /// A configuration with which the service shows the pages for students.
    pub(crate) config: PathBuf,
    /// A time at which the service has no night to run.
    pub(crate) noon: Timestamp,
    pub(crate) lost_paper: Option<PathBuf>,
    /// The emails as the recipient gets them, with links that work.
    pub(crate) emails: PathBuf,
    /// The page behind the first link of the last email.
    pub(crate) act_link: Option<String>,
    /// The address of the pages.
    pub(crate) pages: String,
    /// The simulated web, which answers until the program ends.
    pub(crate) fetch: fetch::FetchSettings,
}

/// The password of the staff and of the administrator.
pub(crate) const PASSWORD: &str = "demo-password";

const INSTRUCTOR: &str = "instructor@course.example";

const NIGHTS: u32 = 5;

/// Runs the demo in a new directory, handing each night to `show` as it ends. Its emails name the
/// address `listen` of the pages.
pub(crate) async fn run(
    dir: &Path,
    listen: SocketAddr,
    show: impl Fn(DemoNight) -> anyhow::Result<()>,
    pause: Duration,
) -> anyhow::Result<DemoResult> {
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty; remove it, or give another directory with --dir", dir.display());
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on this machine")?;
    let place = listener.local_addr()?;
    let web = web::DemoWeb::new();
    // It ends with the program.
    tokio::spawn(web.clone().serve(listener));
    let pages = format!("http://localhost:{}", listen.port());
    let emails = dir.join("emails");
    let archive = dir.join("archive");
    let config = dir.join("onreserve.toml");
    write_new(&config, &configuration(&archive, &emails, listen)?)?;
    let parts = config::read(&config)?;
    let courses = &parts.courses;
    let mut last = None;
    for night in 1..=NIGHTS {
        web.become_night(night);
        let clock = Clock::pretending(start_of(night)?);
        let world = World::open(&archive, settings(place), clock).await?;
        let finished = night::run(courses, night::NightScope::AllLinks, &world, &|_| ()).await?;
        let course = courses.first().context("the demo has a course")?;
        if let Some(senders) = parts.senders(&world.archive)? {
            outbox::deliver_due(&world.catalogue, clock, &senders).await?;
        }
        if night == NIGHTS {
            decide(&world, courses.first().context("the demo has a course")?).await?;
        }
        let (report, message) = write_report(course, &finished, night, dir)?;
        show(DemoNight {
            night: heading(night, &finished),
            events: web::what_happens(night),
            report: text::render(&compose::compose(only(&finished)?)),
        })?;
        let vanished = only(&finished)?
            .facts
            .links
            .iter()
            .find(|link_facts| link_facts.link.path().ends_with("normalizing-flows.pdf"));
        let copy = vanished.and_then(|link_facts| link_facts.copy.as_ref());
        let lost_paper = copy.map(|copy| world.archive.readable_file(copy.sha256)).transpose()?.flatten();
        last = Some(DemoResult {
            report,
            message,
            archive: archive.clone(),
            config: config.clone(),
            noon: start_of(night)?.checked_add(9.hours())?,
            lost_paper,
            emails: emails.clone(),
            act_link: act_link::in_newest(&emails, &pages)?,
            pages: pages.clone(),
            fetch: settings(place),
        });
        clock.sleep(pause).await;
    }
    last.context("the demo has no nights")
}

fn start_of(night: u32) -> anyhow::Result<Timestamp> {
    let first = date(2026, 9, 14).at(2, 30, 0, 0).to_zoned_datetime(TimeZone::UTC)?;
    Ok(first.checked_add((i64::from(night) - 1).days())?.timestamp())
}

fn settings(place: SocketAddr) -> fetch::FetchSettings {
    fetch::FetchSettings {
        delay: Duration::ZERO,
        allow_private_networks: true,
        resolve: web::HOSTS.iter().map(|host| ((*host).to_owned(), place)).collect(),
        ..fetch::FetchSettings::default()
    }
}

/// The decision of an instructor, so that the pages show one.
async fn decide(world: &World, course: &Course) -> anyhow::Result<()> {
    let links = world.catalogue.links().await?;
    let Some(link) = links.iter().find(|link| link.path().ends_with("gan-talk.mp4")) else { return Ok(()) };
    let Some(verdict) = world.catalogue.verdict(link).await? else { return Ok(()) };
    let at = world.clock.now();
    let decision = Decision {
        choice: Choice::AcceptedDead,
        about: Gist::of(&verdict.state),
        at,
        by: Some(INSTRUCTOR.parse()?),
        decider: None,
        note: Some("The speaker took the recording down.".to_owned()),
    };
    let entry =
        Entry::Decided { at, course: course.id.clone(), link: link.clone(), decision: Some(decision) };
    world.record(at, vec![entry]).await
}

/// The configuration of the course.
fn configuration(archive: &Path, emails: &Path, listen: SocketAddr) -> anyhow::Result<String> {
    let hash = PasswordHash::of(PASSWORD, &random::bytes()?)?;
    let port = listen.port();
    Ok(format!(
        "[archive]\ndir = {:?}\n\n[mail]\nfrom = \"Onreserve <onreserve@course.example>\"\ndirectory = {:?}\n\n\
         [pages]\nlisten = \"{listen}\"\nbase_url = \"http://localhost:{port}\"\n\
         admin = {{ password_hash = \"{hash}\" }}\n\n\
         [[course]]\nid = \"dgm\"\ntitle = \"Deep Generative Models\"\npage = \"{}\"\n\
         term = {{ first = 2026-09-14, last = 2026-12-04 }}\nreport_to = [\"{INSTRUCTOR}\"]\n\
         staff = {{ password_hash = \"{hash}\" }}\n",
        archive.display().to_string(),
        emails.display().to_string(),
        web::PAGE,
        hash = hash.as_str(),
    ))
}

fn only(finished: &Finished) -> anyhow::Result<&report::CourseReport> {
    finished.courses.first().context("the demo's own course page could not be read")
}

fn heading(night: u32, finished: &Finished) -> String {
    let day = finished.started.to_zoned_datetime(TimeZone::UTC).strftime("%a %-d %b %Y").to_string();
    format!("NIGHT {night} of {NIGHTS}, {day}")
}

/// Writes the report of the night as a page and as an email.
fn write_report(
    course: &Course,
    finished: &Finished,
    night: u32,
    dir: &Path,
) -> anyhow::Result<(PathBuf, PathBuf)> {
    let digest = compose::compose(only(finished)?);
    let report = dir.join(format!("report-night-{night}.html"));
    let message_path = dir.join(format!("email-night-{night}.eml"));
    let page = html::page(&digest)?;
    write_new(&report, &page)?;
    let message = email::Email {
        from: &"Onreserve <onreserve@course.example>".parse()?,
        to: &INSTRUCTOR.parse()?,
        reply_to: None,
        course: &course.id,
        title: &course.title,
        term: course.term,
        night: finished.started,
        date: finished.finished,
        subject: &digest.subject,
        text: &text::render(&digest),
        html: &page,
        patch: None,
        unsubscribe: None,
    };
    write_new(&message_path, &String::from_utf8_lossy(&message.format()?))?;
    Ok((report, message_path))
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    Ok(page_file::write_new(path, text)?)
}
