//! `onreserve open`: the path of the archived copy of a link.

use std::process::ExitCode;

use anyhow::Context as _;

use super::archive_location::LinkArguments;
use super::print;

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let link = opened.link(&arguments.link).await?;
    let known = opened.catalogue.link_record(&link).await?;
    let kept = known
        .and_then(|known| known.history.current().cloned())
        .with_context(|| format!("the archive has no copy of {link}"))?;
    let path = opened.archive.path_of(kept.capture.sha256);
    opened.archive.open_blob(kept.capture.sha256)?;
    print(&format!("{}\n", path.display()))?;
    Ok(ExitCode::SUCCESS)
}
