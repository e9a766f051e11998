//! `onreserve serve`: the service.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::ClockArguments;
use crate::config;
use crate::daemon::{self, ProcessOptions};
use crate::domain::policy::service_role::ServiceRole;
use crate::world::World;
use crate::world::catalogue::CatalogueLocation;
use crate::world::clock::Clock;

/// The default log filter: information of this program, warnings of libraries.
const LOGGED: &str = "warn,onreserve=info";

#[derive(Debug, Args)]
#[command(after_help = "Signals: TERM and INT stop the service within seconds, and the next start
continues the night. HUP reads the configuration again. The environment
variable ONRESERVE_LOG sets the log level, as in ONRESERVE_LOG=debug.

Examples:
  onreserve check-config onreserve.toml           show the times of the nights
  onreserve serve --config onreserve.toml
  onreserve serve --config onreserve.toml --log-format json")]
pub(super) struct ServeArguments {
    /// The configuration, which names the archive, the courses and their schedules.
    #[arg(long, value_name = "FILE", default_value = "onreserve.toml")]
    config: PathBuf,
    /// The format of the log, which goes to standard error.
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// What this process does. All roles but `all` share a catalogue in a database.
    #[arg(long, value_enum, default_value_t)]
    role: ProcessRole,
    /// The address of this process: of the pages, instead of `[pages] listen`, or for a scheduler and
    /// a worker of /healthz, /readyz and /metrics, which they have only with this option.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    clock: ClockArguments,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ProcessRole {
    /// The whole service.
    #[default]
    All,
    /// Nights and emails. Workers visit the links. A second scheduler waits until the first ends.
    Scheduler,
    /// Visits links for the scheduler.
    Worker,
    /// Serves the pages. What needs another role it asks of the scheduler.
    Web,
}

impl ProcessRole {
    /// What the process does, for the log.
    fn duty(self) -> &'static str {
        match self {
            Self::All => "runs nights, visits links, sends emails and serves pages",
            Self::Scheduler => "runs nights and sends emails; workers visit the links",
            Self::Worker => "visits links for the scheduler",
            Self::Web => "serves pages",
        }
    }

    fn role(self) -> ServiceRole {
        match self {
            Self::All => ServiceRole::All,
            Self::Scheduler => ServiceRole::Scheduler,
            Self::Worker => ServiceRole::Worker,
            Self::Web => ServiceRole::Web,
        }
    }

    async fn open(self, settings: &config::Configuration, clock: Clock) -> anyhow::Result<World> {
        let (archive, catalogue) = (settings.archive_place(), settings.catalogue_location());
        let role = self.role().as_str();
        if self != Self::All && matches!(catalogue, CatalogueLocation::Sqlite(_)) {
            bail!(
                "--role {role} shares its catalogue with other processes, which SQLite cannot; set [catalogue] url to a PostgreSQL database, or use --role all"
            );
        }
        if self == Self::Web && settings.pages.is_none() {
            bail!("--role web serves the pages, and the configuration has no [pages]; add them");
        }
        let fetch = settings.fetch.clone();
        match self {
            Self::All => World::open_service(&archive, &catalogue, fetch, clock).await,
            Self::Scheduler | Self::Worker | Self::Web if archive.bucket.is_some() => {
                World::open_in_own_directory(self.role(), &archive, &catalogue, fetch, clock).await
            }
            Self::Scheduler => World::open_beside_workers(&archive.dir, &catalogue, fetch, clock).await,
            Self::Worker | Self::Web => {
                World::open_beside_scheduler(&archive.dir, &catalogue, fetch, clock).await
            }
        }
    }
}

pub(super) async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    log(arguments.log_format);
    let clock = arguments.clock.clock();
    let settings = config::read(&arguments.config)?.only(None, &arguments.config)?;
    let mut options = ProcessOptions::start(arguments.role.role(), arguments.listen, clock)?;
    // A scheduler may wait here until another one ends.
    let opening = Box::pin(arguments.role.open(&settings, clock));
    let Some(world) = options.unless_stopped(opening).await else { return Ok(ExitCode::SUCCESS) };
    let mut world = world?;
    world.set_capture_settings(settings.quotas, settings.render.as_ref());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        archive = %settings.archive.display(),
        courses = settings.courses.len(),
        role = arguments.role.duty(),
        "service started"
    );
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    Box::pin(daemon::run(&arguments.config, settings, world, options)).await?;
    Ok(ExitCode::SUCCESS)
}

/// Sets up the log. A second call in one process has no effect.
fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("ONRESERVE_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => log.json().with_current_span(true).with_span_list(false).try_init(),
    };
}
