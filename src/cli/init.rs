//! `onreserve init`: a configuration to start from, with every key or drafted from a course page.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::course_draft::{self, CourseDraft, DraftArguments, quoted};
use super::print;
use crate::config::reference;
use crate::domain::report::figures::count;
use crate::domain::report::plain::quoted as in_quotes;
use crate::world::fetch::FetchSettings;
use crate::world::page_file;

const DEFAULT_FILE: &str = "onreserve.toml";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve init                                  every key, with explanations
  onreserve init https://school.edu/course.html   short, for this page
  onreserve init https://school.edu/course.html --mail you@school.edu")]
pub(super) struct InitArguments {
    /// The web address of a course page, or the file to write [default: onreserve.toml].
    #[arg(value_name = "PAGE|FILE")]
    target: Option<String>,
    /// The file to write, if a page is given [default: onreserve.toml].
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Allow requests to this machine and to private networks.
    #[arg(long)]
    allow_private_networks: bool,
    #[command(flatten)]
    draft: DraftArguments,
}

pub(super) async fn run(arguments: InitArguments) -> anyhow::Result<ExitCode> {
    match &arguments.target {
        Some(page) if page.contains("://") => from_page(page, &arguments).await,
        target => {
            if arguments.draft.mail.is_some() || arguments.draft.time_zone.is_some() {
                bail!("--mail and --time-zone need a page; write onreserve init https://…");
            }
            let target = target.as_deref().map(PathBuf::from);
            with_every_key(&target.or(arguments.file).unwrap_or_else(|| PathBuf::from(DEFAULT_FILE)))
        }
    }
}

fn with_every_key(file: &Path) -> anyhow::Result<ExitCode> {
    write(file, reference::EXAMPLE)?;
    print(&format!(
        "Wrote {0}. Edit the course in it, then run: onreserve check --config {0}\n",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn from_page(page: &str, arguments: &InitArguments) -> anyhow::Result<ExitCode> {
    let fetch = FetchSettings {
        contact: arguments.draft.mail.as_ref().map(ToString::to_string),
        allow_private_networks: arguments.allow_private_networks,
        ..FetchSettings::default()
    };
    let draft = course_draft::draft(page, &arguments.draft, &fetch).await?;
    let file = arguments.file.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    write(&file, &configuration(&draft, &fetch))?;
    let file = file.display();
    print(&format!(
        "Wrote {file}: {}, {}. Next:\n  onreserve check --config {file}    a first report\n  onreserve serve --config {file}    every night\n",
        in_quotes(&draft.course.title),
        count(draft.links, "link"),
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// A short configuration that is valid as it is.
fn configuration(draft: &CourseDraft, fetch: &FetchSettings) -> String {
    let mut text = "# `onreserve init FILE` writes a file that explains every key.\n".to_owned();
    if fetch.contact.is_some() || fetch.allow_private_networks {
        text.push_str("\n[fetch]\n");
    }
    if let Some(contact) = &fetch.contact {
        text.push_str(&format!("contact = {}\n", quoted(contact)));
    }
    if fetch.allow_private_networks {
        text.push_str("allow_private_networks = true\n");
    }
    if let Some(to) = draft.course.report_to.first() {
        text.push_str(&format!("\n[mail]\nfrom = {}\n", quoted(to.as_str())));
        text.push_str(
            "# Emails become files in this directory. To send them, give the mail relay instead,\n\
             # as in: host = \"smtp.school.edu\"\ndirectory = \"emails\"\n",
        );
    }
    format!("{text}\n{}", draft.to_toml())
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    Ok(page_file::write_new(file, text)?)
}
