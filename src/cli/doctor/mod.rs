//! `onreserve doctor`: examines a whole installation, and says what to do about each problem.
//!
//! It changes nothing, sends no email, and may run beside the service.

mod machine;
mod nights;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::checklist::{Checklist, ChecklistResult};
use super::service_check::{self, RunningService};
use super::{archive_location, exit, print};
use crate::config::{self, Configuration, Errors};
use crate::domain::report::figures::count;
use crate::world::archive::{self, Archive};
use crate::world::clock::Clock;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve doctor
  onreserve doctor --config /etc/onreserve/onreserve.toml

It changes nothing and sends no email. Run it as the user of the service
(`runuser -u onreserve -- onreserve doctor`), so that it has the same
permissions. Exit codes: 0 if there is no problem, 1 if there is one, 78 if the
configuration has errors.")]
pub(super) struct DoctorArguments {
    /// The configuration of the installation.
    #[arg(long, value_name = "FILE", default_value = "onreserve.toml")]
    config: PathBuf,
    /// Make no requests: leave out the pages, the lists, the relay, the clock and the name service.
    #[arg(long)]
    offline: bool,
}

pub(super) async fn run(arguments: DoctorArguments) -> anyhow::Result<ExitCode> {
    let mut list = Checklist::default();
    list.report("version", ChecklistResult::Fine(format!("onreserve {}", env!("CARGO_PKG_VERSION"))))?;
    let Some(settings) = configuration(&arguments, &mut list)? else {
        summary(&list)?;
        return Ok(ExitCode::from(exit::CONFIGURATION));
    };
    let clock = Clock::system();
    machine::examine(&arguments.config, &settings, &mut list)?;
    let place = settings.archive_place();
    if archive::exists(&place).unwrap_or(false) {
        match archive_location::open_catalogue(&place.dir, &settings.catalogue_location()).await {
            Ok(catalogue) => {
                list.report("service", service(service_check::find(&place, &catalogue).await?))?;
                let archive = Archive::open_shared(&place)?;
                nights::examine(&settings, &archive, &catalogue, &mut list).await?;
            }
            Err(error) => list.report("catalogue", ChecklistResult::Problem(exit::message(&error)))?,
        }
    } else {
        let words = "there is no archive yet; the first night creates it".to_owned();
        list.report("nights", ChecklistResult::Warning(words))?;
    }
    if !arguments.offline {
        let bodies = tempfile::tempdir().context("cannot make a temporary directory; check TMPDIR")?;
        web::examine(&settings, bodies.path(), clock, &mut list).await?;
    }
    summary(&list)?;
    Ok(if list.problems == 0 { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILURE) })
}

fn service(found: Option<RunningService>) -> ChecklistResult {
    match found {
        Some(RunningService::Here) => ChecklistResult::Fine("it runs".to_owned()),
        Some(RunningService::Elsewhere(name)) => ChecklistResult::Fine(format!("it runs ({name})")),
        None => ChecklistResult::Warning(
            "it does not run, so no course is checked at night; start it with `systemctl start onreserve` or `onreserve serve`".to_owned(),
        ),
    }
}

/// The configuration, if it has no errors.
fn configuration(arguments: &DoctorArguments, list: &mut Checklist) -> anyhow::Result<Option<Configuration>> {
    match config::check(&arguments.config) {
        Ok(settings) => {
            let courses = count(settings.courses.len(), "course");
            let words = format!("{} has no errors, {courses}", arguments.config.display());
            list.report("configuration", ChecklistResult::Fine(words))?;
            for warning in settings.warnings() {
                list.report("configuration", ChecklistResult::Warning(warning))?;
            }
            Ok(Some(settings))
        }
        Err(Errors { first, more }) => {
            for error in [first].into_iter().chain(more) {
                list.report("configuration", ChecklistResult::Problem(exit::message(&error.into())))?;
            }
            Ok(None)
        }
    }
}

fn summary(list: &Checklist) -> anyhow::Result<()> {
    let words = match (list.problems, list.warnings) {
        (0, 0) => "No problems.".to_owned(),
        (problems, warnings) => format!("{}, {}.", count(problems, "problem"), count(warnings, "warning")),
    };
    print(&format!("\n{words}\n"))
}
