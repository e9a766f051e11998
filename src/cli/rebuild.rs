//! `onreserve rebuild`: a new catalogue from the archive's journal.

use std::process::ExitCode;

use clap::Args;

use super::{ArchiveLocation, exit, print, verify};
use crate::night::rejudge::rejudge;
use crate::night::{full_text, journal_replay, rebuilt_reports};
use crate::world::World;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::lock::SoleInstance;

#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    #[command(flatten)]
    location: ArchiveLocation,
}

/// Builds the new catalogue, then puts it in place of the old one, which is kept beside it.
pub(super) async fn run(arguments: RebuildArguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.location.existing_dir()?;
    let alone = SoleInstance::acquire(&dir)?;
    let archive = Archive::open(&dir)?;
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
    // Its log is removed before it is replaced, and a crash in between must not lose anything.
    if catalogue.exists()
        && let Err(error) = Catalogue::empty_log(&catalogue).await
    {
        tracing::warn!(%error, "the old catalogue cannot be read; it is kept as it is");
    }
    archive.keep_old_catalogue(&catalogue, Clock::system().now())?;
    archive.replace_catalogue(&new, &catalogue)?;
    print(&format!("Rebuilt the catalogue from {count} journal lines: {links} links.\n"))?;
    if journal.faults().is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    verify::print_journal_faults(journal.faults())?;
    Ok(ExitCode::from(exit::FAILURE))
}
