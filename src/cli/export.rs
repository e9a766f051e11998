//! `onreserve export`: files that work without the service.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::archive_location::OpenArchive;
use super::export_web_archive::{self, WebArchiveArguments};
use super::{ArchiveLocation, ClockArguments, exit, print, warn};
use crate::domain::course::CourseId;
use crate::domain::policy::course_access::CourseAccess;
use crate::domain::report::figures::{count, count_of};
use crate::serve::export::{self, RedirectFormat};
use crate::serve::{BaseUrl, CourseRules, Library, ServeSettings};
use crate::world::clock::Clock;
use crate::world::link_farm::LinkFarm;
use crate::world::site_dir::SiteDir;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve export redirects --for nginx --config onreserve.toml > dead.conf
  onreserve export data --config onreserve.toml > _data/onreserve.json
  onreserve export site public --config onreserve.toml
  onreserve export links readings --config onreserve.toml
  onreserve export warc dgm.warc.gz --course dgm --config onreserve.toml
  onreserve export wacz autumn.wacz --from 2026-09-21 --until 2026-12-11")]
pub(super) struct ExportArguments {
    #[command(subcommand)]
    what: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// Print redirects from dead paths of the course's own site to the archived copies.
    Redirects {
        /// The web server.
        #[arg(long = "for", value_enum, value_name = "SERVER")]
        server: WebServer,
        #[command(flatten)]
        source: ExportSource,
    },
    /// Print every link with its state and copy as JSON, for Jekyll, Hugo and others.
    Data {
        #[command(flatten)]
        source: ExportSource,
    },
    /// Write the readings and the copies as a static site.
    ///
    /// It contains the copies that are open to everyone, and none that were taken down.
    Site {
        /// The directory to write to; it must be empty or new.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Include the courses that require sign-in, and the copies that are shown only
        /// while the original is dead. A static site does not check who reads it and
        /// does not close at the end of the term, so put it where only the course
        /// can reach it.
        #[arg(long)]
        with_dark: bool,
        #[command(flatten)]
        source: ExportSource,
    },
    /// Link the current copies of each course under readable names, as DIR/COURSE/NAME.
    ///
    /// The links lead into the archive. Run it again after a night: links are made again,
    /// links to older copies are removed, and all other files of the directory stay.
    Links {
        /// The directory for the links.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Link only the copies of this course.
        #[arg(long, value_name = "ID")]
        course: Option<CourseId>,
        #[command(flatten)]
        location: ArchiveLocation,
    },
    /// Write the captures as a WARC file (ISO 28500), for libraries and web archives.
    ///
    /// It contains all captures, also those that readers may not open, except those that
    /// were taken down.
    Warc(WebArchiveArguments),
    /// Write the captures as a WACZ file, which replay programs open.
    ///
    /// It contains all captures, also those that readers may not open, except those that
    /// were taken down.
    Wacz(WebArchiveArguments),
}

#[derive(Debug, Args)]
struct ExportSource {
    /// Export only this course.
    #[arg(long, value_name = "ID")]
    course: Option<CourseId>,
    #[command(flatten)]
    location: ArchiveLocation,
    #[command(flatten)]
    clock: ClockArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WebServer {
    Nginx,
    Caddy,
    Apache,
    Netlify,
}

impl WebServer {
    fn format(self) -> RedirectFormat {
        match self {
            Self::Nginx => RedirectFormat::Nginx,
            Self::Caddy => RedirectFormat::Caddy,
            Self::Apache => RedirectFormat::Apache,
            Self::Netlify => RedirectFormat::Netlify,
        }
    }
}

pub(super) async fn run(arguments: ExportArguments) -> anyhow::Result<ExitCode> {
    match arguments.what {
        ExportCommand::Warc(arguments) => return export_web_archive::warc(&arguments).await,
        ExportCommand::Wacz(arguments) => return export_web_archive::wacz(&arguments).await,
        ExportCommand::Redirects { server, source } => {
            // The pages that the redirects lead to check the readers themselves.
            let library = source.library(opened).await?;
            let redirects = export::redirects(&library, source.course.as_ref(), server.format()).await?;
            for path in &redirects.left_out {
                warn(&format!(
                    "skipped, because the path has characters that are not safe in this format: {path}"
                ));
            }
            print(&redirects.text)?;
        }
        ExportCommand::Data { source } => {
            let library = source.library(|settings| settings).await?;
            let data = export::data(&library, source.course.as_ref()).await?;
            print(&format!("{}\n", serde_json::to_string_pretty(&data)?))?;
        }
        ExportCommand::Site { dir, with_dark, source } => {
            let for_static_site = |settings: ServeSettings| ServeSettings {
                base_url: BaseUrl::static_site(2),
                only_always_open_copies: !with_dark,
                ..if with_dark { opened(settings) } else { settings }
            };
            let library = source.library(for_static_site).await?;
            let written = export::site(&library, source.course.as_ref(), &SiteDir::create(&dir)?).await?;
            print(&format!(
                "{}: {}, {}; open index.html, or serve the directory.\n",
                dir.display(),
                count(written.courses, "course"),
                count_of(written.copies, "copy", "copies")
            ))?;
            for copy in &written.unreadable {
                warn(&format!(
                    "the file of the copy {copy} is missing or altered, so the site lacks it; run `onreserve verify`"
                ));
            }
            if !written.unreadable.is_empty() {
                return Ok(ExitCode::from(exit::FAILURE));
            }
        }
        ExportCommand::Links { dir, course, location } => {
            return links(&dir, course.as_ref(), &location).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn links(
    dir: &Path,
    course: Option<&CourseId>,
    location: &ArchiveLocation,
) -> anyhow::Result<ExitCode> {
    if !location.archive()?.keeps_files() {
        bail!(
            "the archive is in a bucket, so links to its files would soon lead nowhere; export a site, or make a backup and export links to its files with --archive"
        );
    }
    let opened = location.open().await?;
    if course.is_some() {
        opened.course(course).await?;
    }
    let mut farm = LinkFarm::create(dir, opened.archive.dir())?;
    let library = readable_library(opened, Clock::system()).await?;
    let linked = export::links(&library, course, &mut farm).await?;
    print(&format!(
        "{}: {}, {}; {} removed\n",
        dir.display(),
        count(linked.courses, "course"),
        count_of(linked.copies, "copy", "copies"),
        count(linked.removed, "old link")
    ))?;
    for path in &linked.taken {
        warn(&format!("not linked, because another file has the name: {}; move it away", path.display()));
    }
    for address in &linked.unreadable {
        warn(&format!("the file of the copy of {address} is missing or altered; run `onreserve verify`"));
    }
    let is_whole = linked.taken.is_empty() && linked.unreadable.is_empty();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILURE) })
}

/// The archive with all courses open, for the person who may read its files anyway.
pub(super) async fn readable_library(opened: OpenArchive, clock: Clock) -> anyhow::Result<Library> {
    let courses = opened.catalogue.courses().await?;
    let settings = ServeSettings {
        courses: courses.into_iter().map(|(id, _)| CourseRules::new(id)).collect(),
        ..ServeSettings::default()
    };
    Ok(Library::new(opened.archive, opened.catalogue, clock, settings))
}

/// The settings with every course open to everyone.
fn opened(mut settings: ServeSettings) -> ServeSettings {
    for course in &mut settings.courses {
        course.admission = CourseAccess::default();
    }
    settings
}

impl ExportSource {
    /// The archive with the configured rights and terms. Without a configuration
    /// every course is dark.
    async fn library(&self, adapted: impl FnOnce(ServeSettings) -> ServeSettings) -> anyhow::Result<Library> {
        let opened = self.location.open().await?;
        let known = opened.catalogue.courses().await?;
        if let Some(wanted) = self.course.as_ref().filter(|wanted| !known.iter().any(|(id, _)| id == *wanted))
        {
            bail!("the archive has no course `{wanted}`");
        }
        let settings = match self.location.settings()? {
            Some(settings) => match settings.pages {
                Some(pages) => pages.serve,
                None => bail!(
                    "the configuration has no [pages]; add it, with base_url if the export links to the service"
                ),
            },
            None => ServeSettings {
                courses: known.into_iter().map(|(id, _)| CourseRules::new(id)).collect(),
                ..ServeSettings::default()
            },
        };
        let clock = self.clock.clock();
        Ok(Library::new(opened.archive, opened.catalogue, clock, adapted(settings)))
    }
}
