//! `onreserve takedown`: a link is closed for good, at its owner's request.
//!
//! The journal is written first, so that a removal that is cut short is known
//! and finished by the same command. The record, the digests and the citation stay.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::{ArchiveLocation, ClockArguments, print};
use crate::domain::address::Address;
use crate::domain::capture::{CaptureId, Digest};
use crate::domain::journal::{Entry, Holdings};
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::lock::CaptureLock;

#[derive(Debug, Args)]
#[command(after_help = "Every version of the link is closed and its bytes are removed, unless another
link needs them; the record, the digest and the citation stay. Readers are told
so (451), and no later night keeps a copy of it. --undo opens the link again:
what was removed comes back only if the original still gives it.

A service that uses the archive goes on meanwhile, and shows it at once. While
a night is under way nothing is removed (exit code 75); say it again after it.

Examples:
  onreserve takedown 2f3e8c0a91b4d7e6-20260914023000 --reason \"publisher's letter of 3 Oct\"
  onreserve takedown https://press.example/a.pdf --reason \"asked by its author\" --by library --yes")]
pub(super) struct TakedownArguments {
    /// A capture of the link (the last part of its page's address), or the
    /// address of the link, its id, or a telling part of the address.
    #[arg(value_name = "CAPTURE")]
    capture: String,
    /// Why; kept in the journal and the audit, not shown to readers.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decided it.
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Do not ask before removing.
    #[arg(long)]
    yes: bool,
    /// Take an earlier takedown back.
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    location: ArchiveLocation,
    #[command(flatten)]
    clock: ClockArguments,
}

/// The archive while it is changed.
struct LockedArchive {
    archive: Archive,
    catalogue: Catalogue,
    clock: Clock,
    _capture_lock: CaptureLock,
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
        print("Nothing was changed.\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let locked = LockedArchive {
        _capture_lock: CaptureLock::acquire(opened.archive.dir())?,
        archive: opened.archive,
        catalogue: opened.catalogue,
        clock: arguments.clock.clock(),
    };
    let mut holdings = Holdings::default();
    for entry in locked.archive.entries() {
        holdings.add(&entry?);
    }
    if arguments.undo {
        locked.reinstate(&link, &holdings, arguments).await?;
    } else {
        locked.take_down(&link, &holdings, arguments).await?;
    }
    Ok(ExitCode::SUCCESS)
}

impl LockedArchive {
    async fn take_down(
        &self,
        link: &Address,
        holdings: &Holdings,
        arguments: TakedownArguments,
    ) -> anyhow::Result<()> {
        let removed = holdings.of_alone(link);
        let present = removed.iter().filter(|digest| self.archive.path_of(**digest).exists()).count();
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
            self.write_down(entry).await?;
        }
        if !is_known || present > 0 {
            self.audit("taken_down", link, &removed, &arguments)?;
        }
        // Also what is gone already, in case an earlier try was cut short.
        self.remove(&removed).await?;
        if is_known && present == 0 {
            return print("That link is taken down already, and none of its bytes are left.\n");
        }
        print(&format!("Taken down: {link}\n{bodies} removed; record, digests and citation stay.\n"))?;
        for old in self.archive.old_catalogues()? {
            print(&format!(
                "Its text may still stand in {}, which nothing needs: remove that\n",
                old.display()
            ))?;
        }
        for sharer in holdings.sharers(link) {
            print(&format!("The same bytes stay stored, but closed, for {sharer}\n"))?;
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
            bail!("{link} is not taken down, so there is nothing to take back");
        }
        let entry = Entry::Reinstated {
            at: self.clock.now(),
            link: link.clone(),
            reason: arguments.reason.clone(),
            by: arguments.by.clone(),
        };
        self.write_down(entry).await?;
        self.audit("reinstated", link, &[], &arguments)?;
        print(&format!(
            "{link} is open again. What was removed comes back if the next night still finds it.\n"
        ))
    }

    /// First the journal, then the catalogue, as always.
    async fn write_down(&self, entry: Entry) -> anyhow::Result<()> {
        self.archive.append(self.clock.now(), std::slice::from_ref(&entry))?;
        Ok(self.catalogue.apply(&[entry]).await?)
    }

    async fn remove(&self, bodies: &[Digest]) -> anyhow::Result<()> {
        for sha256 in bodies {
            self.catalogue.forget_text(*sha256).await?;
            self.archive.remove(*sha256)?;
        }
        Ok(self.archive.write_sums()?)
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

/// Asks at the terminal; without one nothing is taken for granted.
fn is_confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("{question} Nobody is there to answer; say so with --yes");
    }
    let mut err = std::io::stderr();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
