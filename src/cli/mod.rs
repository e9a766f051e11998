//! The command line: its commands, their arguments and exit codes.

mod add;
mod archive_location;
mod backup;
mod check;
mod check_config;
mod check_config_online;
mod checklist;
mod course_draft;
mod decide;
mod demo;
mod doctor;
mod email;
mod exit;
mod explain;
mod export;
mod export_web_archive;
mod generate;
mod hash_password;
mod history;
mod init;
mod interrupt;
mod migrate;
mod open;
mod patch;
mod plan;
mod progress;
mod rebuild;
mod repair;
mod report;
mod serve;
mod service_check;
mod status;
mod strict;
mod takedown;
mod test_webhook;
mod verify;
mod withdraw_night;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use archive_location::LinkArguments;

use crate::world::clock::Clock;
use crate::world::document_reader::{self, ResponseForm};

/// Checks the links of a course page, archives the documents they lead to, and
/// reports dead and changed links.
#[derive(Debug, Parser)]
#[command(name = "onreserve", version, max_term_width = 80, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// How long the program waits for blocking calls when its command has ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "Examples:
  onreserve demo                                  five nights, no network
  onreserve check https://school.edu/course.html  check and archive one page
  onreserve check --config onreserve.toml         check the configured courses
  onreserve serve --config onreserve.toml         check them every night
  onreserve status                                list links and states

Exit codes: 0 success, 1 failure, 2 `check` found dead links, 64 usage error,
75 another instance is running, 77 permission denied, 78 configuration error.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every link of a course page, archive the documents, print a report.
    Check(check::CheckArguments),
    /// Run as a service: check the courses every night, send reports, serve pages.
    Serve(serve::ServeArguments),
    /// Show five nights of a small example course; needs no network.
    Demo(demo::DemoArguments),
    /// List the links of a course with their states.
    Status(status::StatusArguments),
    /// Show what each night found at a link, and its copies.
    History(LinkArguments),
    /// Explain the state of a link: evidence, rule, and what would change it.
    Explain(LinkArguments),
    /// Accept a result: the new version of a changed link, or that a link is dead.
    Accept(decide::DecisionArguments),
    /// Mark a reported link as fine, until its result changes.
    Dismiss(decide::DecisionArguments),
    /// Leave a link out of reports until a given day, or until its result changes.
    Snooze(decide::SnoozeArguments),
    /// Give students the archived copy of a link, even while the original works.
    UseCopy(decide::DecisionArguments),
    /// Choose the address that replaces a link on the course page; `patch` puts it there.
    Replace(decide::ReplaceArguments),
    /// Withdraw the decision on a link.
    Undo(decide::DecisionArguments),
    /// Print the path of the archived copy of a link, under a readable name.
    Open(LinkArguments),
    /// Print the report of the last night.
    Report(report::ReportArguments),
    /// Export files that work without the service: redirects, data, or a whole site.
    Export(export::ExportArguments),
    /// Remove the copies of a link at its owner's request, and keep no new ones.
    Takedown(takedown::TakedownArguments),
    /// Exclude a night from all verdicts, for example one with a wrong clock.
    WithdrawNight(withdraw_night::WithdrawNightArguments),
    /// Show how long a night takes for each host, and why.
    Plan(plan::PlanArguments),
    /// Print the new addresses of moved and dead links as a patch of the page's sources.
    Patch(patch::PatchArguments),
    /// Check the SHA-256 of every archived file.
    Verify(verify::VerifyArguments),
    /// Rebuild the catalogue from the archive's journal.
    Rebuild(rebuild::RebuildArguments),
    /// Copy the archive to another directory; works while the service runs.
    Backup(backup::BackupArguments),
    /// Restore an archive from a backup, and verify it.
    Restore(backup::RestoreArguments),
    /// Get lost copies back from the web, where the original still has the same bytes.
    Repair(repair::RepairArguments),
    /// Migrate the catalogue to this version, as `serve` does, or move it to a database.
    Migrate(migrate::MigrateArguments),
    /// Check a configuration; with --online, also the pages and the mail relay it names.
    CheckConfig(check_config::CheckConfigArguments),
    /// Examine the whole installation, and print what to do about each problem.
    Doctor(doctor::DoctorArguments),
    /// Send a test email with the configured mail settings.
    TestEmail(email::TestEmailArguments),
    /// Send a test message to the configured webhooks.
    TestWebhook(test_webhook::TestWebhookArguments),
    /// Hash a password for the `readers` or `staff` of a course.
    HashPassword(hash_password::HashPasswordArguments),
    /// Write a configuration: drafted from a course page, or with every key explained.
    Init(init::InitArguments),
    /// Add a course to a configuration, drafted from its page.
    Add(add::AddArguments),
    /// Print a completion script for a shell.
    Completions(generate::CompletionsArguments),
    /// Write the manual pages to a directory.
    Manual(generate::ManualArguments),
}

/// The archive that a command works on.
#[derive(Clone, Debug, Args)]
struct ArchiveLocation {
    /// The configuration, which names the archive and the courses.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The archive directory, instead of that of the configuration [default: archive].
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    #[default]
    Human,
    Json,
}

/// The clock of a command: the system's, or a simulated one for rehearsals.
#[derive(Clone, Copy, Debug, Args)]
struct ClockArguments {
    /// Run as if it were this time, for example 2026-09-01T02:30:00Z.
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
}

impl ClockArguments {
    fn clock(self) -> Clock {
        self.now.map_or_else(Clock::system, Clock::pretending)
    }
}

/// Runs the command line and returns its exit code.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == document_reader::ARGUMENT) {
        let wants_frames = std::env::args_os().nth(2).is_some_and(|form| form == document_reader::FRAMES);
        let form = if wants_frames { ResponseForm::Frames } else { ResponseForm::Json };
        let served = document_reader::serve_requests(form);
        return if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_usage(&error),
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "onreserve: {}", exit::message(&error));
            exit::of_error(&error)
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        match command {
            Command::Check(arguments) => Box::pin(check::run(arguments)).await,
            Command::Serve(arguments) => Box::pin(serve::run(arguments)).await,
            Command::Demo(arguments) => Box::pin(demo::run(arguments)).await,
            Command::Status(arguments) => status::run(arguments).await,
            Command::History(arguments) => history::run(arguments).await,
            Command::Explain(arguments) => explain::run(arguments).await,
            Command::Accept(arguments) => decide::accept(arguments).await,
            Command::Dismiss(arguments) => decide::dismiss(arguments).await,
            Command::Snooze(arguments) => decide::snooze(arguments).await,
            Command::UseCopy(arguments) => decide::use_copy(arguments).await,
            Command::Replace(arguments) => decide::replace(arguments).await,
            Command::Undo(arguments) => decide::undo(arguments).await,
            Command::Open(arguments) => open::run(arguments).await,
            Command::Report(arguments) => report::run(arguments).await,
            Command::Export(arguments) => export::run(arguments).await,
            Command::Takedown(arguments) => takedown::run(arguments).await,
            Command::WithdrawNight(arguments) => withdraw_night::run(arguments).await,
            Command::Plan(arguments) => plan::run(arguments).await,
            Command::Patch(arguments) => patch::run(arguments).await,
            Command::Verify(arguments) => verify::run(arguments).await,
            Command::Rebuild(arguments) => rebuild::run(arguments).await,
            Command::Backup(arguments) => backup::backup(arguments).await,
            Command::Restore(arguments) => backup::restore(arguments).await,
            Command::Repair(arguments) => Box::pin(repair::run(arguments)).await,
            Command::Migrate(arguments) => migrate::run(arguments).await,
            Command::CheckConfig(arguments) => check_config::run(arguments).await,
            Command::Doctor(arguments) => Box::pin(doctor::run(arguments)).await,
            Command::TestEmail(arguments) => email::test(arguments).await,
            Command::TestWebhook(arguments) => test_webhook::run(arguments).await,
            Command::HashPassword(arguments) => hash_password::run(&arguments),
            Command::Init(arguments) => init::run(arguments).await,
            Command::Add(arguments) => add::run(arguments).await,
            Command::Completions(arguments) => generate::completions(&arguments),
            Command::Manual(arguments) => generate::manual(&arguments),
        }
    });
    // A DNS lookup without an answer must not keep the process from ending.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended
}

/// Writes to standard output. A closed pipe (`| head`) is not an error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes a message to standard error, apart from the output.
fn warn(text: &str) {
    // A closed standard error must not stop the command.
    let _ = writeln!(std::io::stderr(), "onreserve: {text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_defined() {
        super::Cli::command().debug_assert();
    }
}
