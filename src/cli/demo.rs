//! `onreserve demo`: five nights of a small course, without any network.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::print;
use crate::demo;

/// Long enough to read a report that has little to say.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
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

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    print("A small course page with ten links, visited on five nights.\n")?;
    let pause = if arguments.fast { Duration::ZERO } else { PAUSE };
    let show = |night: demo::DemoNight| {
        print(&format!("\n{}\n{}\n{}\n\n{}", night.night, night.events, "-".repeat(72), night.report))
    };
    let result = demo::run(&arguments.dir, show, pause).await?;
    let lost = result
        .lost_paper
        .map(|path| format!("  {}  the paper that vanished\n", path.display()))
        .unwrap_or_default();
    print(&format!(
        "\nNow open\n  {}  the last report\n  {}  the same as a mail\n{lost}\nask\n  \
         {us} status --archive {archive}\n  {us} explain sampling --archive {archive}\n  \
         {us} verify --archive {archive}\n\nand see what students see, at http://localhost:8080/c/dgm/\n  \
         {us} serve --config {config} --now {noon}\n",
        result.report.display(),
        result.letter.display(),
        us = called(),
        archive = result.archive.display(),
        config = result.config.display(),
        noon = result.noon,
    ))?;
    Ok(ExitCode::SUCCESS)
}
