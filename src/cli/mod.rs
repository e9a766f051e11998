//! The commands: what may be typed, and what comes back as an exit code.

mod backup;
mod check;
mod check_config;
mod decide;
mod demo;
mod exit;
mod explain;
mod export;
mod generate;
mod online;
mod open;
mod password;
mod patch;
mod place;
mod post;
mod progress;
mod serve;
mod show;
mod takedown;
mod upkeep;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::world::reader;

/// Keeps the links of a course page: checks them, archives the documents,
/// reports what died or changed.
#[derive(Debug, Parser)]
#[command(name = "onreserve", version, max_term_width = 80, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// How long blocking calls may take to end after the command itself did.
const FAREWELL: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "Examples:
  onreserve demo                                  five nights, without network
  onreserve check https://school.edu/course.html  check and archive one page
  onreserve check --config onreserve.toml         the configured courses
  onreserve serve --config onreserve.toml         the same every night, by itself
  onreserve status                                what is known of every link

Exit codes: 0 fine, 1 failure, 2 `check` found dead links, 64 usage,
75 another instance is running, 77 permission, 78 configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Visit every link of a course page, archive the documents, report.
    Check(check::Arguments),
    /// Run the configured courses night after night, until told to stop.
    Serve(serve::Arguments),
    /// Watch a small course rot over five nights; needs no network.
    Demo(demo::Arguments),
    /// What is known of every link of a course.
    Status(show::StatusArguments),
    /// What each night saw of one link.
    History(show::LinkArguments),
    /// Why a link has its state: evidence, rule, and what would change it.
    Explain(show::LinkArguments),
    /// Take a result as right: the new version of a changed link, the death of a dead one.
    Accept(decide::Arguments),
    /// What is reported of a link is no fault: tell of it again when the result is another one.
    Dismiss(decide::Arguments),
    /// Be silent about a link until a day, or until the result is another one.
    Snooze(decide::SnoozeArguments),
    /// Give students our copy of a link, whatever becomes of the original.
    UseCopy(decide::Arguments),
    /// Take back what was decided of a link.
    Undo(decide::Arguments),
    /// The path of the archived copy of a link.
    Open(show::LinkArguments),
    /// The report of the last night once more.
    Report(show::ReportArguments),
    /// Write what works without the service: redirects, data, a whole site.
    Export(export::Arguments),
    /// Close a link for good and remove its copies, at the owner's request.
    Takedown(takedown::Arguments),
    /// The new addresses of moved and dead links, as a patch of the page's sources.
    Patch(patch::Arguments),
    /// Hash every archived file again and compare.
    Verify(upkeep::VerifyArguments),
    /// Make the catalogue anew from the archive's own record.
    Rebuild(upkeep::RebuildArguments),
    /// Copy the archive away, while the service may run.
    Backup(backup::BackupArguments),
    /// Bring a backup back, and verify it.
    Restore(backup::RestoreArguments),
    /// Bring the catalogue to this program's version; the service does it by itself.
    Migrate(backup::MigrateArguments),
    /// Check a configuration; with --online also the pages and the relay it names.
    CheckConfig(check_config::Arguments),
    /// Send a test letter by the configured way.
    TestEmail(post::TestArguments),
    /// Make the hash of a password, for `readers` and `staff` of a course.
    HashPassword(password::Arguments),
    /// Write a commented configuration to start from.
    Init(upkeep::InitArguments),
    /// Print the completions for a shell.
    Completions(generate::CompletionsArguments),
    /// Write the manual pages to a directory.
    Manual(generate::ManualArguments),
}

/// Where a command finds the archive.
#[derive(Clone, Debug, Args)]
struct Place {
    /// The configuration that names the archive and the courses.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The archive directory, where there is no configuration [default: archive].
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    archive: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Human,
    Json,
}

/// Pretends that the run starts at this instant (RFC 3339): for rehearsals.
#[derive(Clone, Copy, Debug, Args)]
struct Now {
    /// Pretend that it is this moment, for example 2026-09-01T02:30:00Z.
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
}

/// Runs the command line and says how it went.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == reader::ARGUMENT) {
        return if reader::serve_requests().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_usage(&error),
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "onreserve: {}", exit::told(&error));
            exit::of_error(&error)
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        match command {
            Command::Check(arguments) => check::run(arguments).await,
            Command::Serve(arguments) => Box::pin(serve::run(arguments)).await,
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Status(arguments) => show::status(arguments).await,
            Command::History(arguments) => show::history(arguments).await,
            Command::Explain(arguments) => explain::run(arguments).await,
            Command::Accept(arguments) => decide::accept(arguments).await,
            Command::Dismiss(arguments) => decide::dismiss(arguments).await,
            Command::Snooze(arguments) => decide::snooze(arguments).await,
            Command::UseCopy(arguments) => decide::use_copy(arguments).await,
            Command::Undo(arguments) => decide::undo(arguments).await,
            Command::Open(arguments) => open::run(arguments).await,
            Command::Report(arguments) => show::report(arguments).await,
            Command::Export(arguments) => export::run(arguments).await,
            Command::Takedown(arguments) => takedown::run(arguments).await,
            Command::Patch(arguments) => patch::run(arguments).await,
            Command::Verify(arguments) => upkeep::verify(arguments).await,
            Command::Rebuild(arguments) => upkeep::rebuild(arguments).await,
            Command::Backup(arguments) => backup::backup(arguments).await,
            Command::Restore(arguments) => backup::restore(arguments).await,
            Command::Migrate(arguments) => backup::migrate(arguments).await,
            Command::CheckConfig(arguments) => check_config::run(arguments).await,
            Command::TestEmail(arguments) => post::test(arguments).await,
            Command::HashPassword(arguments) => password::run(&arguments),
            Command::Init(arguments) => upkeep::init(&arguments),
            Command::Completions(arguments) => generate::completions(&arguments),
            Command::Manual(arguments) => generate::manual(&arguments),
        }
    });
    // A name service that does not answer must not keep the process from ending.
    runtime.shutdown_timeout(FAREWELL);
    ended
}

/// Writes to standard output; a closed pipe (`| head`) is no failure.
fn say(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_defined() {
        super::Cli::command().debug_assert();
    }
}
