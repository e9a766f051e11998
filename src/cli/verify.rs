//! `onreserve verify`: the SHA-256 of every archived file.

use std::process::ExitCode;

use clap::Args;

use super::{ArchiveLocation, exit, print};
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::lock::CaptureLock;

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
    let fixity = archive.verify(now, |_| ())?;
    print(&format!("{} files, {} bytes: SHA-256 checked\n", fixity.sound.len(), fixity.bytes))?;
    if !is_read_only {
        archive.write_sums()?;
    }
    let catalogue = Catalogue::path_in(&dir);
    if catalogue.exists() && !is_read_only {
        let catalogue = Catalogue::open_as_it_is(&catalogue).await?;
        catalogue.set_verified(now, &fixity.sound, &fixity.unsound()).await?;
        catalogue.close().await;
    }
    if fixity.damaged.is_empty() && fixity.missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
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
