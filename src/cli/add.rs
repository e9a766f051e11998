//! `onreserve add`: adds a course to a configuration, as a file in `courses.d`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::course_draft::{self, DraftArguments};
use super::service_check::{self, RunningService};
use super::{exit, print};
use crate::config;
use crate::domain::report::figures::count;
use crate::domain::report::plain::quoted;
use crate::world::page_file;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve add https://school.edu/other.html --mail instructor@school.edu
  onreserve add other.html --config /etc/onreserve/onreserve.toml

The course is written to courses.d beside the configuration. A running service
takes it up and checks it at once.")]
pub(super) struct AddArguments {
    /// The course page: a web address, or a file in HTML or Markdown.
    #[arg(value_name = "PAGE")]
    page: String,
    /// The configuration to which the course is added.
    #[arg(long, value_name = "FILE", default_value = "onreserve.toml")]
    config: PathBuf,
    #[command(flatten)]
    draft: DraftArguments,
}

pub(super) async fn run(arguments: AddArguments) -> anyhow::Result<ExitCode> {
    let settings = config::read(&arguments.config)?;
    let draft = course_draft::draft(&arguments.page, &arguments.draft, &settings.fetch).await?;
    let id = &draft.course.id;
    if settings.courses.iter().any(|course| course.id == *id) {
        bail!("the configuration already has a course `{id}`; give this one another id with --id");
    }
    let dir = arguments.config.with_file_name("courses.d");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make the directory {}", dir.display()))?;
    let file = dir.join(format!("{id}.toml"));
    page_file::write_new(&file, &draft.to_toml())?;
    print(&format!(
        "Wrote {}: {}, {}.\n",
        file.display(),
        quoted(&draft.course.title),
        count(draft.links, "link"),
    ))?;
    let config = arguments.config.display();
    let next = match service_check::reload(&settings).await {
        Ok(Some(RunningService::Here)) => "The service has taken it up and checks it now.\n".to_owned(),
        Ok(Some(RunningService::Elsewhere(name))) => format!(
            "The service ({name}) has read its configuration again. If its courses.d is another directory, copy {} there and reload it.\n",
            file.display()
        ),
        Ok(None) => {
            format!("Next:\n  onreserve check-config {config}\n  onreserve serve --config {config}\n")
        }
        Err(error) => format!(
            "The service has not taken it up: {}. Next:\n  onreserve check-config {config}\n  systemctl reload onreserve\n",
            exit::message(&error)
        ),
    };
    print(&next)?;
    Ok(ExitCode::SUCCESS)
}
