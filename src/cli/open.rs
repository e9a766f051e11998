//! `onreserve open`: the path of the archived copy of a link, under a readable name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::archive_location::{LinkArguments, OpenArchive};
use super::export::readable_library;
use super::print;
use crate::domain::address::Address;
use crate::serve::export;
use crate::world::clock::Clock;
use crate::world::link_farm::LinkFarm;

/// The links with readable names, in the archive.
const BY_COURSE: &str = "by-course";

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let link = opened.link(&arguments.link).await?;
    let known = opened.catalogue.link_record(&link).await?;
    let kept = known
        .and_then(|known| known.history.current().cloned())
        .with_context(|| format!("the archive has no copy of {link}"))?;
    // An error says what is wrong with the blob.
    opened.archive.open_blob(kept.capture.sha256)?;
    let blob = opened.archive.readable_file(kept.capture.sha256)?.context("the copy was just removed")?;
    // An archive that this user cannot change, or a course that does not have the link now, gives no name.
    let named = if opened.archive.check_owner().is_ok() && !opened.archive.is_read_only() {
        named(opened, &link).await.ok().flatten()
    } else {
        None
    };
    let path = named.filter(|named| leads_to(named, &blob)).unwrap_or(blob);
    print(&format!("{}\n", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

async fn named(opened: OpenArchive, link: &Address) -> anyhow::Result<Option<PathBuf>> {
    let dir = opened.archive.dir().to_owned();
    let library = readable_library(opened, Clock::system()).await?;
    let mut farm = LinkFarm::create(&dir.join(BY_COURSE), &dir)?;
    export::link_to(&library, link, &mut farm).await
}

fn leads_to(link: &Path, blob: &Path) -> bool {
    matches!((link.canonicalize(), blob.canonicalize()), (Ok(found), Ok(wanted)) if found == wanted)
}
