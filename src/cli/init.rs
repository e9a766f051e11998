//! `onreserve init`: a commented configuration to start from.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::print;
use crate::world::page_file;

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The file to write.
    #[arg(value_name = "FILE", default_value = "onreserve.toml")]
    file: PathBuf,
}

pub(super) fn run(arguments: &InitArguments) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    page_file::write_new(file, include_str!("../../config/onreserve.toml")).with_context(|| {
        format!("cannot write {}; remove it first, or give another file name", file.display())
    })?;
    print(&format!(
        "Wrote {0}. Edit the course in it, then run: onreserve check --config {0}\n",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
