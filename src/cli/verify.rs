//! `onreserve verify`: the SHA-256 of every archived file.

use std::num::NonZero;
use std::process::ExitCode;

use clap::Args;

use super::archive_location::open_catalogue;
use super::{ArchiveLocation, exit, print};
use crate::domain::journal::chain::JournalFault;
use crate::world::archive::{self, Archive};
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::lock::{CaptureLock, SoleInstance};

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    location: ArchiveLocation,
}

pub(super) async fn run(arguments: VerifyArguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.location.existing_dir()?;
    let archive = Archive::open_shared(&dir)?;
    let is_read_only = archive.is_read_only();
    let mut _capture_lock = None;
    if !is_read_only {
        archive.check_owner()?;
        _capture_lock = Some(CaptureLock::acquire(&dir)?);
    }
    let now = Clock::system().now();
    // Students wait for a service that shares the cores.
    let threads = if SoleInstance::is_held(&dir) { NonZero::<usize>::MIN } else { archive::all_cores() };
    let fixity = archive.verify(now, threads)?;
    print(&format!("{} files, {} bytes: SHA-256 checked\n", fixity.sound.len(), fixity.bytes))?;
    if !is_read_only {
        archive.write_sums()?;
    }
    if Catalogue::path_in(&dir).exists() && !is_read_only {
        let catalogue = open_catalogue(&dir).await?;
        catalogue.set_verified(now, &fixity.sound, &fixity.lost()).await?;
        catalogue.close().await;
    }
    if fixity.is_sound() {
        return Ok(ExitCode::SUCCESS);
    }
    print_journal_faults(&fixity.journal)?;
    if fixity.damaged.is_empty() && fixity.missing.is_empty() {
        return Ok(ExitCode::from(exit::FAILURE));
    }
    for digest in &fixity.missing {
        print(&format!("missing: {}\n", archive.path_of(*digest).display()))?;
    }
    for damage in &fixity.damaged {
        let place = match &damage.moved_to {
            Some(moved_to) => format!("moved to {}", moved_to.display()),
            None => "left in its place, because the file system is read-only".to_owned(),
        };
        print(&format!("damaged: {}, {place}\n", damage.name))?;
    }
    print(
        "Restore these files from a backup; otherwise the next night fetches those that are still on the web.\n",
    )?;
    Ok(ExitCode::from(exit::FAILURE))
}

/// Prints the damage to the journal, and what to do.
pub(super) fn print_journal_faults(faults: &[JournalFault]) -> anyhow::Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    for fault in faults {
        print(&format!("journal: {fault}\n"))?;
    }
    print(
        "The rest of the journal is used. To get the lines back, run `onreserve restore --missing DIR` with a backup.\n",
    )
}
