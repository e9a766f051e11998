//! `onreserve export`: what works without the service, or after it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::{ArchiveLocation, ClockArguments, print};
use crate::domain::course::CourseId;
use crate::domain::policy::admission::Admission;
use crate::domain::report::figures::{count, count_of};
use crate::serve::export::{self, RedirectFormat};
use crate::serve::{BaseUrl, CourseRules, Library, ServeSettings};
use crate::world::site_dir::SiteDir;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve export redirects --for nginx --config onreserve.toml > redirects.conf
  onreserve export data --config onreserve.toml > _data/onreserve.json
  onreserve export site public --config onreserve.toml")]
pub(super) struct ExportArguments {
    #[command(subcommand)]
    what: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// Redirects of dead paths on the course's own site to our copies.
    Redirects {
        /// The web server they are for.
        #[arg(long = "for", value_enum, value_name = "SERVER")]
        server: WebServer,
        #[command(flatten)]
        source: ExportSource,
    },
    /// Every link with its state and copy as JSON, for Jekyll, Hugo and others.
    Data {
        #[command(flatten)]
        source: ExportSource,
    },
    /// The readings, the copies and their pages as files for a plain web server.
    ///
    /// Copies that open to all are in it, taken-down ones never.
    Site {
        /// A directory that is empty or does not exist yet.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Also the courses that ask readers to sign in, and the copies that open
        /// today only in place of a dead original. Nobody keeps strangers out
        /// then, or closes them at the end of the term: put such a site where
        /// only the course reaches it.
        #[arg(long)]
        with_dark: bool,
        #[command(flatten)]
        source: ExportSource,
    },
}

#[derive(Debug, Args)]
struct ExportSource {
    /// Only this course.
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
        ExportCommand::Redirects { server, source } => {
            // They lead to pages that ask readers to sign in themselves.
            let library = source.library(opened).await?;
            let redirects = export::redirects(&library, source.course.as_ref(), server.format()).await?;
            for path in &redirects.left_out {
                warn(&format!("left out, for it cannot be written safely: {path}"));
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
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The courses as their readers see them.
fn opened(mut settings: ServeSettings) -> ServeSettings {
    for course in &mut settings.courses {
        course.admission = Admission::default();
    }
    settings
}

/// To whoever sits at the terminal, not into what is exported.
fn warn(text: &str) {
    use std::io::Write as _;
    // Where nobody can be told, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "onreserve: {text}");
}

impl ExportSource {
    /// A library over the archive, by the configured rights and terms; without a
    /// configuration every course is dark.
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
                    "the configuration says nothing of pages; add [pages], with base_url if readers reach the service"
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
