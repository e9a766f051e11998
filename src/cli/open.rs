//! `onreserve open`: the path of a link's copy.

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::say;
use super::show::LinkArguments;

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let shelf = arguments.place.open().await?;
    let link = shelf.link(&arguments.link).await?;
    let known = shelf.catalogue.link_record(&link).await?;
    let kept = known
        .and_then(|known| known.history.current().cloned())
        .with_context(|| format!("there is no copy of {link}"))?;
    let path = shelf.archive.path_of(kept.capture.sha256);
    if !path.exists() {
        bail!("the copy {} is missing; `onreserve verify` tells more", path.display());
    }
    say(&format!("{}\n", path.display()))?;
    Ok(ExitCode::SUCCESS)
}
