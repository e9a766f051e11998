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
    archive.check_owner()?;
    let _capture_lock = CaptureLock::acquire(&dir)?;
    let now = Clock::system().now();
    let fixity = archive.verify(now, |_| ())?;
    archive.write_sums()?;
    print(&format!("{} files, {} bytes: SHA-256 checked\n", fixity.sound.len(), fixity.bytes))?;
    let catalogue = Catalogue::path_in(&dir);
    if catalogue.exists() {
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
        print(&format!("damaged: {}, moved to {}\n", damage.name, damage.moved_to.display()))?;
    }
    print(
        "Restore these files from a backup; otherwise the next night fetches those that are still on the web.\n",
    )?;
    Ok(ExitCode::from(exit::FAILURE))
}
