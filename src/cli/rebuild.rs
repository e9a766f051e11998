//! `onreserve rebuild`: a new catalogue from the archive's journal.

use std::process::ExitCode;

use clap::Args;

use super::{ArchiveLocation, print};
use crate::domain::verdict::judge::judge;
use crate::night::{rebuilt_reports, replay, texts};
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

/// The old catalogue is kept beside the new one.
pub(super) async fn run(arguments: RebuildArguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.location.existing_dir()?;
    let alone = SoleInstance::acquire(&dir)?;
    let archive = Archive::open(&dir)?;
    // The old catalogue stands until the new one is whole.
    let (catalogue, new) = (Catalogue::path_in(&dir), dir.join("tmp/catalogue"));
    let settings = arguments.location.settings()?;
    let fetch = settings.as_ref().map(|settings| settings.fetch.clone()).unwrap_or_default();
    let world = World::around(archive, Catalogue::open(&new).await?, alone, fetch, Clock::system())?;
    let count = replay::enter_all(world.archive.entries(), &world.catalogue).await?;
    let links = believe(&world.catalogue).await?;
    let configured = settings.map(|settings| settings.courses).unwrap_or_default();
    rebuilt_reports::all(&rebuilt_reports::courses(&configured, &world).await?, &world).await?;
    texts::read_missing(texts::ALL, &world.archive, &world.catalogue, &world.reader).await?;
    let archive = world.archive.clone();
    let _alone = world.close().await;
    archive.keep_old_catalogue(&catalogue, Clock::system().now())?;
    archive.replace_catalogue(&new, &catalogue)?;
    print(&format!("Rebuilt from {count} journal lines: {links} links.\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Judges every link by its history; how many there are.
async fn believe(catalogue: &Catalogue) -> anyhow::Result<usize> {
    let mut verdicts = Vec::new();
    for link in catalogue.links().await? {
        let history =
            catalogue.link_record(&link).await?.map(|known| known.history.evidence).unwrap_or_default();
        if let Some(last) = history.last() {
            let verdict = judge(&history, last.at);
            verdicts.push((link, verdict));
        }
    }
    catalogue.set_verdicts(&verdicts).await?;
    Ok(verdicts.len())
}
