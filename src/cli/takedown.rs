//! `onreserve takedown`: removes the copies of a link at its owner's request.
//!
//! The journal is written first. If the removal is interrupted, the same command
//! finishes it. The record, the digests and the citation stay.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::{ArchiveLocation, ClockArguments, print, verify};
use crate::domain::address::Address;
use crate::domain::capture::{CaptureId, Digest};
use crate::domain::journal::{Entry, Holdings};
use crate::night::removals;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::recording::{JournalWriter, LockedCaptures};

#[derive(Debug, Args)]
#[command(after_help = "This removes every copy of the link, except bytes that another link also has.
The record, the digest and the citation stay. Readers get the status 451 and an
explanation, and later nights store no copy of the link. --undo withdraws the
takedown; a removed copy comes back only if a later night can fetch it again.

The service may run meanwhile, and shows the takedown at once. During a night
nothing can be removed (exit code 75); run the command again after it.

Examples:
  onreserve takedown 2f3e8c0a91b4d7e6-20260914023000 --reason \"publisher's wish\"
  onreserve takedown press.example/a.pdf --reason \"its author asked\"")]
pub(super) struct TakedownArguments {
    /// The id of a capture of the link (the last part of the address of its page), or
    /// the address of the link, its id, or a part of the address that no other link has.
    #[arg(value_name = "CAPTURE")]
    capture: String,
    /// The reason; stored in the journal and the audit, not shown to readers.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The person who decided it.
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Do not ask for confirmation.
    #[arg(long)]
    yes: bool,
    /// Withdraw an earlier takedown.
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    location: ArchiveLocation,
    #[command(flatten)]
    clock: ClockArguments,
}

/// The archive, locked so that no other program stores or removes copies.
struct LockedArchive {
    archive: Archive,
    catalogue: Catalogue,
    clock: Clock,
    captures: LockedCaptures,
}

pub(super) async fn run(arguments: TakedownArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open_to_write().await?;
    let named = match arguments.capture.parse::<CaptureId>() {
        Ok(id) => id.link.to_string(),
        Err(_) => arguments.capture.clone(),
    };
    let link = opened.link(&named).await?;
    let is_sure = arguments.yes || arguments.undo;
    if !is_sure && !is_confirmed(&format!("Remove every version of {link} for good?"))? {
        print("Cancelled; nothing was removed.\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let clock = arguments.clock.clock();
    let captures = LockedCaptures::acquire(&opened.archive, &opened.catalogue, clock).await?;
    let locked = LockedArchive { captures, archive: opened.archive, catalogue: opened.catalogue, clock };
    let done = locked.change(&link, arguments).await;
    locked.captures.unlock().await;
    done?;
    Ok(ExitCode::SUCCESS)
}

impl LockedArchive {
    async fn change(&self, link: &Address, arguments: TakedownArguments) -> anyhow::Result<()> {
        let mut holdings = Holdings::default();
        let mut entries = self.archive.entries();
        for entry in entries.by_ref() {
            holdings.add(&entry?);
        }
        verify::print_journal_faults(entries.faults())?;
        if arguments.undo {
            self.reinstate(link, &holdings, arguments).await
        } else {
            self.take_down(link, &holdings, arguments).await
        }
    }

    async fn take_down(
        &self,
        link: &Address,
        holdings: &Holdings,
        arguments: TakedownArguments,
    ) -> anyhow::Result<()> {
        let removed = holdings.of_alone(link);
        let present = removed.len() - self.archive.without_file(&removed)?.len();
        let is_known = holdings.is_taken_down(link);
        let bodies = if present == 1 { "1 body".to_owned() } else { format!("{present} bodies") };
        if !is_known {
            let entry = Entry::TakenDown {
                at: self.clock.now(),
                link: link.clone(),
                reason: arguments.reason.clone(),
                by: arguments.by.clone(),
                removed: removed.clone(),
            };
            self.store(entry).await?;
        }
        if !is_known || present > 0 {
            self.audit("taken_down", link, &removed, &arguments)?;
        }
        // An earlier run may have been interrupted.
        self.catalogue.begin_removal(&removed).await?;
        let done = removals::finish(&self.archive, &self.catalogue, self.clock).await?;
        if done.is_log_in_use {
            print(
                "Another program reads the catalogue, so traces of the text may remain in its log until the service starts next.\n",
            )?;
        }
        if is_known && present == 0 {
            return print("The link was taken down before, and no bytes of it are left.\n");
        }
        print(&format!("Taken down: {link}\n{bodies} removed; record, digests and citation stay.\n"))?;
        for sharer in holdings.sharers(link) {
            print(&format!("The same bytes stay stored for {sharer}\n"))?;
        }
        Ok(())
    }

    async fn reinstate(
        &self,
        link: &Address,
        holdings: &Holdings,
        arguments: TakedownArguments,
    ) -> anyhow::Result<()> {
        if !holdings.is_taken_down(link) {
            bail!("{link} is not taken down, so there is nothing to undo");
        }
        let entry = Entry::Reinstated {
            at: self.clock.now(),
            link: link.clone(),
            reason: arguments.reason.clone(),
            by: arguments.by.clone(),
        };
        self.store(entry).await?;
        self.audit("reinstated", link, &[], &arguments)?;
        print(&format!(
            "Takedown withdrawn: {link}\nThe next night stores a copy again if the original still works.\n"
        ))
    }

    /// Writes the journal first, then the catalogue.
    async fn store(&self, entry: Entry) -> anyhow::Result<()> {
        let (archive, catalogue) = (&self.archive, &self.catalogue);
        JournalWriter { archive, catalogue, at: self.clock.now() }.record(vec![entry]).await
    }

    fn audit(
        &self,
        done: &str,
        link: &Address,
        removed: &[Digest],
        arguments: &TakedownArguments,
    ) -> anyhow::Result<()> {
        let now = self.clock.now();
        let entry = json!({
            "at": now, "done": done, "link": link, "removed": removed,
            "reason": arguments.reason, "by": arguments.by,
        });
        Ok(self.archive.audit(now, &entry)?)
    }
}

/// Asks at the terminal. Without a terminal it returns an error.
fn is_confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("this needs a confirmation and there is no terminal; add --yes");
    }
    let mut err = std::io::stderr();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
