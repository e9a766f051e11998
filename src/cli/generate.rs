//! Shell completions and manual pages, generated from the definition of the command line, and
//! the reference pages of the documentation.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Command, CommandFactory as _, ValueEnum};
use clap_complete::Shell;

use super::{Cli, print};
use crate::config::reference;

const NAME: &str = "onreserve";
/// Of the help in the reference.
const WIDTH: usize = 80;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve completions bash > /etc/bash_completion.d/onreserve
  onreserve completions fish > ~/.config/fish/completions/onreserve.fish")]
pub(super) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve manual /usr/local/share/man/man1
  onreserve manual --reference configuration > configuration.md")]
pub(super) struct ManualArguments {
    /// The directory, which must exist. Existing pages of the same name are replaced.
    #[arg(value_name = "DIR", required_unless_present = "reference")]
    dir: Option<PathBuf>,
    /// Print a reference page in Markdown instead.
    #[arg(long, value_enum, value_name = "PAGE", conflicts_with = "dir")]
    reference: Option<ReferencePage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReferencePage {
    /// Every key of the configuration.
    Configuration,
    /// Every command with its options.
    Commands,
}

pub(super) fn completions(arguments: &CompletionsArguments) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), NAME, &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn manual(arguments: &ManualArguments) -> anyhow::Result<ExitCode> {
    match arguments.reference {
        Some(ReferencePage::Configuration) => print(&reference::markdown())?,
        Some(ReferencePage::Commands) => print(&commands())?,
        None => {}
    }
    if let Some(dir) = &arguments.dir {
        if !dir.is_dir() {
            bail!("{} is not a directory; give a directory that exists", dir.display());
        }
        clap_mangen::generate_to(Cli::command(), dir)
            .with_context(|| format!("cannot write the manual pages to {}", dir.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The help of every command.
fn commands() -> String {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    let mut page = format!("# Commands\n\n{}", help(&mut root));
    for command in root.get_subcommands().filter(|command| !command.is_hide_set()) {
        add_command(command, &mut page);
    }
    page
}

fn add_command(command: &Command, page: &mut String) {
    // `help` only prints what is on this page.
    if command.get_name() == "help" {
        return;
    }
    let mut command = command.clone().term_width(WIDTH);
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    page.push_str(&format!("\n## {name}\n\n{}", help(&mut command)));
    for inner in command.get_subcommands() {
        add_command(inner, page);
    }
}

/// The help as an indented block.
fn help(command: &mut Command) -> String {
    let text = command.render_long_help().to_string();
    let indented = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
    text.trim_end().lines().map(|line| indented(line.trim_end())).collect()
}
