//! One link's copy: its path, and taking a new version as the right one.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::show::LinkArguments;
use super::{Now, Place, say};
use crate::domain::journal::Entry;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::lock::SoleInstance;

#[derive(Debug, Args)]
pub(super) struct AcceptArguments {
    /// The address of the link, its id, or a telling part of the address.
    #[arg(value_name = "URL")]
    link: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    now: Now,
}

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let shelf = arguments.place.open().await?;
    let link = shelf.link(&arguments.link).await?;
    let known = shelf.catalogue.known_of(&link).await?;
    let kept = known
        .and_then(|known| known.memory.current().cloned())
        .with_context(|| format!("there is no copy of {link}"))?;
    let path = shelf.archive.path_of(kept.capture.sha256);
    if !path.exists() {
        bail!("the copy {} is missing; `onreserve verify` tells more", path.display());
    }
    say(&format!("{}\n", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The newest capture becomes what later nights are compared with.
pub(super) async fn accept(arguments: AcceptArguments) -> anyhow::Result<ExitCode> {
    let shelf = arguments.place.open().await?;
    let link = shelf.link(&arguments.link).await?;
    let known = shelf.catalogue.known_of(&link).await?;
    let memory = known.map(|known| known.memory).unwrap_or_default();
    let newest = memory.last.with_context(|| format!("there is no copy of {link} to accept"))?;
    if memory.baseline.is_some_and(|baseline| baseline.capture.sha256 == newest.capture.sha256) {
        say("That version is the accepted one already.\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let dir = shelf.archive.dir().to_owned();
    shelf.catalogue.close().await;
    let _alone = SoleInstance::acquire(&dir)?;
    let archive = Archive::open(&dir)?;
    let catalogue = Catalogue::open(&Catalogue::path_in(&dir)).await?;
    let at = arguments.now.now.map_or_else(Clock::system, Clock::pretending).now();
    let entry = Entry::Accepted { at, link: link.clone(), sha256: newest.capture.sha256 };
    archive.append(at, std::slice::from_ref(&entry))?;
    catalogue.enter(&[entry]).await?;
    say(&format!(
        "Accepted the version of {}; the next check compares with it.\n",
        newest.capture.captured_at
    ))?;
    Ok(ExitCode::SUCCESS)
}
