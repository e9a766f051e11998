//! `onreserve rebuild`: a new catalogue from the archive's journal.

use std::process::ExitCode;

use clap::Args;

use super::{ArchiveLocation, print};
use crate::domain::verdict::judge::judge;
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
    let count = journal_replay::enter_all(world.archive.entries(), &world.catalogue).await?;
    let links = judge_all(&world.catalogue).await?;
    let configured = settings.map(|settings| settings.courses).unwrap_or_default();
    rebuilt_reports::all(&rebuilt_reports::courses(&configured, &world).await?, &world).await?;
    full_text::read_missing(full_text::ALL, &world.archive, &world.catalogue, &world.reader).await?;
    let archive = world.archive.clone();
    let _alone = world.close().await;
    archive.keep_old_catalogue(&catalogue, Clock::system().now())?;
    archive.replace_catalogue(&new, &catalogue)?;
    print(&format!("Rebuilt the catalogue from {count} journal lines: {links} links.\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Gives every link a verdict from its history, and returns the number of links.
async fn judge_all(catalogue: &Catalogue) -> anyhow::Result<usize> {
    let mut verdicts = Vec::new();
    for link in catalogue.links().await? {
        let Some(known) = catalogue.link_record(&link).await? else { continue };
        let history = &known.history.evidence;
        if let Some(last) = history.last() {
            let verdict = judge(history, last.at);
            verdicts.push((link, verdict));
        }
    }
    catalogue.set_verdicts(&verdicts).await?;
    Ok(verdicts.len())
}
