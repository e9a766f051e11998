//! Shell completions and manual pages, generated from the definition of the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, print};

const NAME: &str = "onreserve";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve completions bash > ~/.local/share/bash-completion/completions/onreserve
  onreserve completions fish > ~/.config/fish/completions/onreserve.fish")]
pub(super) struct CompletionsArguments {
    /// The shell.
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManualArguments {
    /// The directory, which must exist. Existing pages of the same name are replaced.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(super) fn completions(arguments: &CompletionsArguments) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), NAME, &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn manual(arguments: &ManualArguments) -> anyhow::Result<ExitCode> {
    let dir = &arguments.dir;
    clap_mangen::generate_to(Cli::command(), dir).with_context(|| {
        format!("cannot write the manual pages to {}; give a directory that exists", dir.display())
    })?;
    Ok(ExitCode::SUCCESS)
}
