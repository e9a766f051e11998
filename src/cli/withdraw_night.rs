//! `onreserve withdraw-night`: excludes a night with a wrong clock, or in a wrong network,
//! from all verdicts.
//!
//! The night and the withdrawal stay in the journal, so `rebuild` gives the same result.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::{ArchiveLocation, ClockArguments, print};
use crate::domain::journal::Entry;
use crate::domain::report::figures;
use crate::night::rejudge::rejudge;
use crate::world::catalogue::NightRef;
use crate::world::recording::{JournalWriter, LockedCaptures};

#[derive(Debug, Args)]
#[command(after_help = "The results of the night are not counted, and the copies that it made are not
shown. Nothing is deleted: the night stays in the journal, and --undo lets it
count again. The states of its links are judged again. Its reports are removed,
and its waiting emails are not sent.

Examples:
  onreserve history flows          list the nights of a link
  onreserve withdraw-night 2027-09-14T02:30 --reason \"the clock was wrong\"")]
pub(super) struct WithdrawNightArguments {
    /// When the night began, in UTC, or the first part of that, such as 2026-09-14T02:30.
    #[arg(value_name = "START")]
    start: String,
    /// The reason; stored in the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// The person who decided it.
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Let the night count again.
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    location: ArchiveLocation,
    #[command(flatten)]
    clock: ClockArguments,
}

pub(super) async fn run(arguments: WithdrawNightArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open_to_write().await?;
    let start = arguments.start.trim().replacen(' ', "T", 1);
    let night = only(&opened.catalogue.nights_that_began(start.trim_end_matches('Z')).await?, &start)?;
    let clock = arguments.clock.clock();
    let locked = LockedCaptures::acquire(&opened.archive, &opened.catalogue, clock).await?;
    let now = clock.now();
    let entry = Entry::Withdrawn {
        at: now,
        night: night.started,
        withdrawn: !arguments.undo,
        reason: arguments.reason,
        by: arguments.by,
    };
    let withdrawing = async {
        let writer = JournalWriter { archive: &opened.archive, catalogue: &opened.catalogue, at: now };
        writer.record(vec![entry]).await?;
        let links = opened.catalogue.links_of_night(night.id).await?;
        rejudge(&links, now, &opened.catalogue).await?;
        anyhow::Ok(links)
    };
    let links = locked.held_for(withdrawing).await?;
    let links = figures::count(links.len(), "link");
    let done = if arguments.undo { "counts again" } else { "is withdrawn" };
    print(&format!("The night of {} {done}; {links} judged again.\n", night.started))?;
    Ok(ExitCode::SUCCESS)
}

fn only(nights: &[NightRef], start: &str) -> anyhow::Result<NightRef> {
    match nights {
        [only] => Ok(*only),
        [] => bail!("no night began at {start}; `onreserve history LINK` lists the nights of a link"),
        several => {
            let starts: Vec<String> = several.iter().take(5).map(|night| night.started.to_string()).collect();
            bail!("{} nights began at {start}; name one of them:\n  {}", several.len(), starts.join("\n  "))
        }
    }
}
