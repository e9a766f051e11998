//! `onreserve hash-password`: a password into what a configuration holds of it.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::print;
use crate::domain::policy::password::PasswordHash;
use crate::world::{random, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Reads one line from standard input. Example:
  onreserve hash-password > /etc/onreserve/dgm-readers")]
pub(super) struct HashPasswordArguments {}

pub(super) fn run(_: &HashPasswordArguments) -> anyhow::Result<ExitCode> {
    let password = terminal::secret("Password")?;
    if terminal::is_typed() && terminal::secret("Once more")? != password {
        bail!("the two are not the same; nothing was hashed");
    }
    let hash = PasswordHash::of(&password, &random::bytes()?)?;
    print(&format!("{}\n", hash.as_str()))?;
    Ok(ExitCode::SUCCESS)
}
