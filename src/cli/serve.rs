//! `onreserve serve`: the service.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::ClockArguments;
use crate::config;
use crate::daemon;
use crate::world::World;

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
    #[command(flatten)]
    clock: ClockArguments,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

pub(super) async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    log(arguments.log_format);
    let clock = arguments.clock.clock();
    let settings = config::read(&arguments.config)?.only(None, &arguments.config)?;
    let mut world = World::open_with(
        &settings.archive_place(),
        &settings.catalogue_location(),
        settings.fetch.clone(),
        clock,
    )
    .await?;
    world.set_capture_settings(settings.quotas, settings.render.as_ref());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        archive = %settings.archive.display(),
        courses = settings.courses.len(),
        "service started"
    );
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    Box::pin(daemon::run(&arguments.config, settings, world)).await?;
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
