//! `onreserve plan`: how long a night takes at least, and what bounds it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{ArchiveLocation, print};
use crate::domain::address::Address;
use crate::domain::evidence::bulk_interface::BulkInterface;
use crate::domain::link::Kind;
use crate::domain::policy::night_plan::{ListedLinks, NightPlan};
use crate::domain::report::wording::overview::{self, UnusedInterface};
use crate::domain::report::{CourseReport, PlannedLinks};

/// Hosts that are listed without `--all`.
const HOSTS: usize = 10;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  onreserve plan --config onreserve.toml
  onreserve plan --config onreserve.toml --all

The links are those of the last night of each course. Each host gets one request
at a time, with the pause of [fetch] after it. A host with a crawl budget is asked
for some of its links each night. Links that the lists of [fetch.bulk_interfaces]
keep from being visited are counted apart.")]
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
    let (mut links, mut unread) = (PlannedLinks::default(), Vec::new());
    for course in &settings.courses {
        let report: Option<CourseReport> = opened.catalogue.last_report(&course.id).await?;
        match report {
            Some(CourseReport { facts, .. }) => links.add_copied(&facts),
            None => unread.push(course.id.to_string()),
        }
    }
    let interfaces = &settings.fetch.bulk_interfaces;
    let hosts = settings.fetch.list_hosts();
    let listed = match links.next_night() {
        Some(at) => opened.catalogue.listed_links(&links.kinds(), &hosts, at).await?,
        None => ListedLinks::default(),
    };
    let plan = links.plan(&listed, &settings.fetch.pace());
    let most = if arguments.all { usize::MAX } else { HOSTS };
    let is_off = |interface: &BulkInterface| !interfaces.contains_key(interface);
    let mut unused = BulkInterface::ALL.into_iter().filter(is_off);
    let unused = unused.find_map(|interface| of_slowest_host(interface, &plan, &links.kinds()));
    print(&overview::plan(&plan, most, &unread, unused))?;
    Ok(ExitCode::SUCCESS)
}

/// How many links of the slowest host this interface lists; `None` if it lists none.
fn of_slowest_host(
    interface: BulkInterface,
    plan: &NightPlan,
    links: &BTreeMap<&Address, Kind>,
) -> Option<UnusedInterface> {
    let host = &plan.hosts.first()?.host;
    let of_host = links.keys().filter(|link| link.host() == host && interface.work_of(link).is_some());
    let links = of_host.count();
    (links > 0).then(|| UnusedInterface { key: interface.key(), links })
}
