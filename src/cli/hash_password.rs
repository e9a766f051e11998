//! `onreserve hash-password`: the hash of a password for the configuration.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::print;
use crate::domain::policy::password::PasswordHash;
use crate::world::{random, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Reads the password from the terminal, or one line from standard input.

Examples:
  onreserve hash-password > /etc/onreserve/dgm-readers")]
pub(super) struct HashPasswordArguments {}

pub(super) fn run(_: &HashPasswordArguments) -> anyhow::Result<ExitCode> {
    let password = terminal::secret("Password")?;
    if terminal::is_typed() && terminal::secret("Repeat")? != password {
        bail!("the two passwords differ; run the command again");
    }
    let hash = PasswordHash::of(&password, &random::bytes()?)?;
    print(&format!("{}\n", hash.as_str()))?;
    Ok(ExitCode::SUCCESS)
}
