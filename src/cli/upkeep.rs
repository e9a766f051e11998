//! Looking after an archive, and a configuration to start from.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{Place, exit, say};
use crate::domain::verdict::judge::judge;
use crate::night::{rebuilt_reports, replay, texts};
use crate::world::World;
use crate::world::archive::{self, Archive};
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::lock::{CaptureLock, SoleInstance};
use crate::world::page_file;

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// Where to write the configuration.
    #[arg(value_name = "FILE", default_value = "onreserve.toml")]
    file: PathBuf,
}

pub(super) async fn verify(arguments: VerifyArguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.place.archive_dir()?;
    if !archive::is_there(&dir)? {
        bail!("{} is no archive; name one with --archive", dir.display());
    }
    let archive = Archive::open_shared(&dir)?;
    archive.check_owner()?;
    let _capture_lock = CaptureLock::acquire(&dir)?;
    let now = Clock::system().now();
    let fixity = archive.verify(now, |_| ())?;
    archive.write_sums()?;
    say(&format!("{} files, {} bytes: all hashed again\n", fixity.sound.len(), fixity.bytes))?;
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
        say(&format!("missing: {}\n", archive.path_of(*digest).display()))?;
    }
    for damage in &fixity.damaged {
        say(&format!("altered: {}, set aside as {}\n", damage.name, damage.moved_to.display()))?;
    }
    say("Restore these from a backup, or let the next check fetch them again.\n")?;
    Ok(ExitCode::from(exit::FAILURE))
}

/// The old catalogue is kept beside the new one.
pub(super) async fn rebuild(arguments: RebuildArguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.place.archive_dir()?;
    if !archive::is_there(&dir)? {
        bail!("{} is no archive; name one with --archive", dir.display());
    }
    let alone = SoleInstance::acquire(&dir)?;
    let archive = Archive::open(&dir)?;
    // The old catalogue stands until the new one is whole.
    let (catalogue, new) = (Catalogue::path_in(&dir), dir.join("tmp/catalogue"));
    let settings = arguments.place.settings()?;
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
    say(&format!("Rebuilt from {count} journal lines: {links} links.\n"))?;
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

pub(super) fn init(arguments: &InitArguments) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    page_file::write_new(file, include_str!("../../config/onreserve.toml"))
        .with_context(|| format!("cannot write {}; remove it first, or name another file", file.display()))?;
    say(&format!("Wrote {0}. Edit the course in it, then: onreserve check --config {0}\n", file.display()))?;
    Ok(ExitCode::SUCCESS)
}
