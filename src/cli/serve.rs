//! `onreserve serve`: the service that runs by itself.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::ClockArguments;
use crate::config;
use crate::daemon;
use crate::world::World;

/// What is logged without being asked for: our own doings, others' warnings.
const LOGGED: &str = "warn,onreserve=info";

#[derive(Debug, Args)]
#[command(after_help = "Signals: TERM and INT stop within seconds, and the next start goes on with
the night; HUP reads the configuration again. ONRESERVE_LOG=debug logs more.

Examples:
  onreserve check-config onreserve.toml           when the nights will be
  onreserve serve --config onreserve.toml
  onreserve serve --config onreserve.toml --log-format json")]
pub(super) struct ServeArguments {
    /// The configuration that names the archive, the courses and their schedules.
    #[arg(long, value_name = "FILE", default_value = "onreserve.toml")]
    config: PathBuf,
    /// How the log, on standard error, is written.
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
    let world = World::open(&settings.archive, settings.fetch.clone(), clock).await?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        archive = %settings.archive.display(),
        courses = settings.courses.len(),
        "onreserve runs"
    );
    if let Some(warning) = settings.mail.as_ref().and_then(config::MailSettings::warning) {
        tracing::warn!("{warning}");
    }
    Box::pin(daemon::run(&arguments.config, settings, world)).await?;
    Ok(ExitCode::SUCCESS)
}

/// A second subscriber in one process is refused, which only tests could attempt.
fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("ONRESERVE_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => log.json().with_current_span(true).with_span_list(false).try_init(),
    };
}
