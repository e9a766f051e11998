//! `onreserve plan`: how long a night takes at least, and what bounds it.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{ArchiveLocation, print};
use crate::domain::address::Address;
use crate::domain::policy::night_plan::NightPlan;
use crate::domain::policy::rota::VisitPriority;
use crate::domain::report::CourseReport;
use crate::domain::report::placement;
use crate::domain::report::wording::overview;

/// Hosts that are listed without `--all`.
const HOSTS: usize = 10;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve plan --config onreserve.toml
  onreserve plan --config onreserve.toml --all

The links are those of the last night of each course. Each host gets one request
at a time, with the pause of [fetch] after it. A host with a crawl budget is asked
for some of its links each night.")]
pub(super) struct PlanArguments {
    /// List all hosts, not only the slowest.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    location: ArchiveLocation,
}

pub(super) async fn run(arguments: PlanArguments) -> anyhow::Result<ExitCode> {
    let settings = arguments
        .location
        .settings()?
        .context("`plan` needs the pauses and the courses of a configuration; add --config FILE")?;
    let opened = arguments.location.open().await?;
    let mut links: Vec<(Address, VisitPriority)> = Vec::new();
    let mut unread = Vec::new();
    for course in &settings.courses {
        let report: Option<CourseReport> = opened.catalogue.last_report(&course.id).await?;
        match report {
            Some(CourseReport { facts, .. }) => {
                links.extend(facts.links.iter().map(|link_facts| {
                    (link_facts.link.clone(), placement::visit_priority(&facts, link_facts))
                }))
            }
            None => unread.push(course.id.to_string()),
        }
    }
    let plan = NightPlan::new(links.iter().map(|(link, priority)| (link, *priority)), &settings.fetch.pace());
    let most = if arguments.all { usize::MAX } else { HOSTS };
    print(&overview::plan(&plan, most, &unread))?;
    Ok(ExitCode::SUCCESS)
}
