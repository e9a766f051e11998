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

/// How this program was called, so that its lines can be pasted.
fn called() -> String {
    std::env::args().next().filter(|name| !name.contains(' ')).unwrap_or_else(|| "onreserve".to_owned())
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    say("A small course page with ten links, visited on five nights.\n")?;
    let pause = if arguments.fast { Duration::ZERO } else { PAUSE };
    let show = |shown: demo::Shown| {
        say(&format!("\n{}\n{}\n{}\n\n{}", shown.night, shown.events, "-".repeat(72), shown.report))
    };
    let ending = demo::run(&arguments.dir, show, pause).await?;
    let lost = ending
        .lost_paper
        .map(|path| format!("  {}  the paper that vanished\n", path.display()))
        .unwrap_or_default();
    say(&format!(
        "\nNow open\n  {}  the last report\n  {}  the same as a mail\n{lost}\nask\n  \
         {us} status --archive {archive}\n  {us} explain sampling --archive {archive}\n  \
         {us} verify --archive {archive}\n\nand see what students see, at http://localhost:8080/c/dgm/\n  \
         {us} serve --config {config} --now {noon}\n",
        ending.report.display(),
        ending.letter.display(),
        us = called(),
        archive = ending.archive.display(),
        config = ending.config.display(),
        noon = ending.noon,
    ))?;
    Ok(ExitCode::SUCCESS)
}
