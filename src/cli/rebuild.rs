//! `onreserve rebuild`: a new catalogue from the archive's journal.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{ArchiveLocation, exit, print, service_check, verify};
use crate::night::rejudge::rejudge;
use crate::night::{full_text, journal_replay, rebuilt_reports};
use crate::world::World;
use crate::world::archive::{self, Archive};
use crate::world::catalogue::{Catalogue, CatalogueLocation};
use crate::world::clock::Clock;
use crate::world::lock::SoleInstance;

#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    #[command(flatten)]
    location: ArchiveLocation,
}

/// Builds the new catalogue, then puts it in place of the old one, which is kept beside it.
pub(super) async fn run(arguments: RebuildArguments) -> anyhow::Result<ExitCode> {
    let place = arguments.location.existing()?;
    // The working directory of a bucket may be lost.
    archive::make_dir(&place.dir)?;
    let alone = SoleInstance::acquire(&place.dir)?;
    service_check::refuse_beside_processes(&place, &arguments.location.catalogue()?).await?;
    let (archive, dir) = (Archive::open(&place)?, place.dir);
    let (catalogue, new) = (Catalogue::path_in(&dir), dir.join("tmp/catalogue"));
    let settings = arguments.location.settings()?;
    let fetch = settings.as_ref().map(|settings| settings.fetch.clone()).unwrap_or_default();
    let world = World::around(archive, Catalogue::open(&new).await?, alone, fetch, Clock::system())?;
    let mut journal = world.archive.entries();
    let count = journal_replay::enter_all(journal.by_ref(), &world.catalogue).await?;
    let links = rejudge(&world.catalogue.links().await?, world.clock.now(), &world.catalogue).await?;
    let configured = settings.map(|settings| settings.courses).unwrap_or_default();
    rebuilt_reports::all(&rebuilt_reports::courses(&configured, &world).await?, &world).await?;
    full_text::read_missing(full_text::ALL, &world.archive, &world.catalogue, &world.reader).await?;
    let archive = world.archive.clone();
    let _alone = world.close().await;
    let location = arguments.location.catalogue()?;
    if let CatalogueLocation::Postgres(_) = &location {
        replace_rows(&archive, &new, &location).await?;
    } else {
        replace_file(&archive, &new, &catalogue).await?;
    }
    print(&format!("Rebuilt the catalogue from {count} journal lines: {links} links.\n"))?;
    if journal.faults().is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    verify::print_journal_faults(journal.faults())?;
    Ok(ExitCode::from(exit::FAILURE))
}

async fn replace_file(archive: &Archive, new: &Path, catalogue: &Path) -> anyhow::Result<()> {
    // Its log is removed before it is replaced, and a crash in between must not lose anything.
    if catalogue.exists()
        && let Err(error) = Catalogue::empty_log(catalogue).await
    {
        tracing::warn!(%error, "the old catalogue cannot be read; it is kept as it is");
    }
    archive.keep_old_catalogue(catalogue, Clock::system().now())?;
    Ok(archive.replace_catalogue(new, catalogue)?)
}

/// Replaces the rows of a database in one transaction. The old ones are kept in a file.
async fn replace_rows(archive: &Archive, new: &Path, location: &CatalogueLocation) -> anyhow::Result<()> {
    let (server, file) = (Catalogue::open_at(location).await?, Catalogue::open(new).await?);
    let kept = archive.dir().join("tmp/old-catalogue");
    match server.snapshot(&kept).await {
        Ok(()) => archive.replace_catalogue(&kept, &archive.old_catalogue(Clock::system().now()))?,
        Err(error) => tracing::warn!(%error, "the old catalogue cannot be read, so it is not kept"),
    }
    server.take_all_from(&file).await?;
    server.close().await;
    file.close().await;
    Ok(archive.discard_catalogue(new)?)
}
