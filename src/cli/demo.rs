//! `onreserve demo`: five nights of a small course, without any network.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::say;
use crate::demo;

/// Long enough to read a report that has little to say.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the demo's archive, reports and letters go; must be empty or new.
    #[arg(long, value_name = "DIR", default_value = "onreserve-demo")]
    dir: PathBuf,
    /// Do not pause between the nights.
    #[arg(long)]
    fast: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    say("A small course page with ten links, visited on five nights.\n")?;
    let pause = if arguments.fast { Duration::ZERO } else { PAUSE };
    let show =
        |shown: demo::Shown| say(&format!("\n{}\n{}\n\n{}", shown.heading, "-".repeat(72), shown.report));
    let ending = demo::run(&arguments.dir, show, pause).await?;
    let lost = ending
        .lost_paper
        .map(|path| format!("  {}  the paper that vanished\n", path.display()))
        .unwrap_or_default();
    say(&format!(
        "\nNow open\n  {}  the last report\n  {}  the same as a mail\n{lost}\nand ask\n  onreserve status --archive {archive}\n  onreserve explain sampling --archive {archive}\n  onreserve verify --archive {archive}\n",
        ending.report.display(),
        ending.letter.display(),
        archive = ending.archive.display(),
    ))?;
    Ok(ExitCode::SUCCESS)
}
