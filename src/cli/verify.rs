//! `onreserve verify`: the SHA-256 of every archived file.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::archive_location::open_catalogue;
use super::{ArchiveLocation, exit, print};
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::journal::chain::JournalFault;
use crate::domain::report::colour::Tone;
use crate::world::archive::{self, Archive};
use crate::world::catalogue::CatalogueLocation;
use crate::world::clock::Clock;
use crate::world::lock::{CaptureLock, SoleInstance};
use crate::world::recording::LockedCaptures;
use crate::world::terminal;

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    location: ArchiveLocation,
}

pub(super) async fn run(arguments: VerifyArguments) -> anyhow::Result<ExitCode> {
    let place = arguments.location.existing()?;
    let archive = Archive::open_shared(&place)?;
    let is_read_only = archive.is_read_only();
    let location = arguments.location.catalogue()?;
    if is_read_only {
        return verify(&archive, &location).await;
    }
    archive.check_owner()?;
    lock_captures(&archive, &location).await?.held_for(verify(&archive, &location)).await
}

/// Locks the captures. An archive in a directory has its lock there, so its catalogue may be lost.
pub(super) async fn lock_captures(
    archive: &Archive,
    location: &CatalogueLocation,
) -> anyhow::Result<LockedCaptures> {
    if !archive.has_shared_journal() {
        return Ok(LockedCaptures::File(CaptureLock::acquire(archive.dir())?));
    }
    let catalogue = open_catalogue(archive.dir(), location).await?;
    if let Some(end) = catalogue.journal_end().await? {
        archive.set_last_line(end.last.seq);
    }
    LockedCaptures::acquire(archive, &catalogue, Clock::system()).await
}

async fn verify(archive: &Archive, location: &CatalogueLocation) -> anyhow::Result<ExitCode> {
    let (dir, is_read_only, now) = (archive.dir(), archive.is_read_only(), Clock::system().now());
    // Students wait for a service that shares the cores.
    let threads = if SoleInstance::is_held(dir) { NonZero::<usize>::MIN } else { archive::all_cores() };
    let fixity = archive.verify(now, threads)?;
    let colours = terminal::colours();
    let checked = colours.paint(Tone::Good, "SHA-256 checked");
    print(&format!("{} files, {} bytes: {checked}\n", fixity.sound.len(), fixity.bytes))?;
    if !is_read_only {
        archive.write_sums_of(fixity.sound.iter().copied())?;
    }
    if location.may_exist() && !is_read_only {
        let catalogue = open_catalogue(dir, location).await?;
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
    let links = LinksOfCopies::read(dir, location).await?;
    for digest in &fixity.missing {
        let missing = colours.paint(Tone::Bad, "missing");
        print(&format!("{missing}: {}{}\n", archive.place_of(*digest), links.of(digest)))?;
    }
    for damage in &fixity.damaged {
        let place = match &damage.moved_to {
            Some(moved_to) => format!("moved to {moved_to}"),
            None => "left in its place, because the file system is read-only".to_owned(),
        };
        let link = damage.name.parse().map_or_else(|_| String::new(), |digest| links.of(&digest));
        let damaged = colours.paint(Tone::Bad, "damaged");
        print(&format!("{damaged}: {},\n  {place}{link}\n", damage.name))?;
    }
    print(
        "To get them back:\n  onreserve restore --missing DIR    from a backup in DIR\n  onreserve repair                   from the web, where the original has the same bytes\n",
    )?;
    Ok(ExitCode::from(exit::FAILURE))
}

/// The links whose copies have a digest.
struct LinksOfCopies(HashMap<Digest, Vec<Address>>);

impl LinksOfCopies {
    async fn read(dir: &Path, location: &CatalogueLocation) -> anyhow::Result<Self> {
        let mut links = HashMap::new();
        if location.may_exist() {
            let catalogue = open_catalogue(dir, location).await?;
            for body in catalogue.stored_bodies().await? {
                links.entry(body.sha256).or_insert_with(Vec::new).push(body.link);
            }
            catalogue.close().await;
        }
        Ok(Self(links))
    }

    /// A line with the address of the first link.
    fn of(&self, digest: &Digest) -> String {
        match self.0.get(digest).and_then(|links| links.first()) {
            Some(link) => format!("\n  a copy of {link}"),
            None => String::new(),
        }
    }
}

/// Prints the damage to the journal, and what to do.
pub(super) fn print_journal_faults(faults: &[JournalFault]) -> anyhow::Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    for fault in faults {
        let journal = terminal::colours().paint(Tone::Bad, "journal");
        print(&format!("{journal}: {fault}\n"))?;
    }
    print(
        "The rest of the journal is used. To get the lines back, run `onreserve restore --missing DIR` with a backup.\n",
    )
}
