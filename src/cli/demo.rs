//! `onreserve demo`: five nights of a small example course, without network access.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::print;
use crate::demo;

/// Long enough to read a short report.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// The directory for the demo's archive and reports; it must be empty or new.
    #[arg(long, value_name = "DIR", default_value = "onreserve-demo")]
    dir: PathBuf,
    /// Do not pause between the nights.
    #[arg(long)]
    fast: bool,
}

/// The name that this program was called by, so that the printed commands can be pasted.
fn called() -> String {
    std::env::args().next().filter(|name| !name.contains(' ')).unwrap_or_else(|| "onreserve".to_owned())
}

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    print("A small course page with ten links, checked on five nights.\n")?;
    let pause = if arguments.fast { Duration::ZERO } else { PAUSE };
    let show = |night: demo::DemoNight| {
        print(&format!("\n{}\n{}\n{}\n\n{}", night.night, night.events, "-".repeat(72), night.report))
    };
    let result = demo::run(&arguments.dir, show, pause).await?;
    let lost = result
        .lost_paper
        .map(|path| format!("  {}  the copy of the paper that is gone\n", path.display()))
        .unwrap_or_default();
    print(&format!(
        "\nOpen\n  {}  the last report\n  {}  the email that carries it\n{lost}\nRun\n  \
         {us} status --archive {archive}\n  {us} explain sampling --archive {archive}\n  \
         {us} verify --archive {archive}\n\nSee the pages for students at http://localhost:8080/c/dgm/\n  \
         {us} serve --config {config} --now {noon}\n",
        result.report.display(),
        result.message.display(),
        us = called(),
        archive = result.archive.display(),
        config = result.config.display(),
        noon = result.noon,
    ))?;
    Ok(ExitCode::SUCCESS)
}
