//! `onreserve check-config`: the errors of a configuration, and the times of the next nights.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use super::{ClockArguments, check_config_online, exit, print};
use crate::config::{self, Configuration, Errors};
use crate::domain::report::figures;
use crate::domain::schedule::{RunReason, Schedule, ScheduledNight};
use crate::world::clock::Clock;
use crate::world::fetch::Fetch;
use crate::world::spool::Spool;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve check-config /etc/onreserve/onreserve.toml
  onreserve check-config /etc/onreserve/onreserve.toml --online

With --online it fetches each course page as a night does, and logs in at the
mail relay without sending an email. It does not request the ping URL, as that
would report a finished night. Exit codes: 78 if the file has errors, 1 if a
page, the relay or the archive directory cannot be used.")]
pub(super) struct CheckConfigArguments {
    /// The configuration to check.
    #[arg(value_name = "FILE", default_value = "onreserve.toml")]
    file: PathBuf,
    /// Also try the course pages, the mail relay and the archive directory.
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    clock: ClockArguments,
}

pub(super) async fn run(arguments: CheckConfigArguments) -> anyhow::Result<ExitCode> {
    let settings = checked(&arguments.file)?;
    settings.mail.as_ref().map(config::MailSettings::sender).transpose()?;
    Fetch::new(&settings.fetch, Spool::new(std::env::temp_dir()), Clock::system())?;
    let courses = figures::count(settings.courses.len(), "course");
    print(&format!("{}: no errors, {courses}\n", arguments.file.display()))?;
    let clock = arguments.clock.clock();
    for (course, nights) in &settings.daemon.nights {
        print(&format!("  {course}: {}\n", coming(nights, clock.now())))?;
    }
    for warning in settings.warnings() {
        print(&format!("warning: {warning}\n"))?;
    }
    if arguments.online { check_config_online::run(&settings, clock).await } else { Ok(ExitCode::SUCCESS) }
}

/// Prints all errors but the last one, which it returns.
fn checked(file: &Path) -> anyhow::Result<Configuration> {
    match config::check(file) {
        Ok(settings) => Ok(settings),
        Err(Errors { first, more }) => {
            let mut last = first;
            for next in more {
                let _ = writeln!(std::io::stderr(), "onreserve: {}", exit::message(&last.into()));
                last = next;
            }
            Err(last.into())
        }
    }
}

/// The next nights of a course, in its own time zone.
fn coming(nights: &Schedule, now: Timestamp) -> String {
    let Some(next) = nights.after(now) else {
        return "no more nights, because its term is over".to_owned();
    };
    let local = |slot: ScheduledNight| {
        let time = slot.at.to_zoned_datetime(nights.zone().clone()).strftime("%a %F %H:%M:%S %Z");
        match slot.reason {
            RunReason::Night | RunReason::First | RunReason::Requested => time.to_string(),
            RunReason::ReadyForTerm { days_before } => format!("{time} ({days_before} days before the term)"),
        }
    };
    match nights.after(next.at) {
        Some(then) => format!("next night {}, then {}", local(next), local(then)),
        None => format!("last night {}", local(next)),
    }
}
