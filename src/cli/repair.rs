//! `onreserve repair`: gets lost copies back from the web, where the original still has the same bytes.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{ArchiveLocation, exit, print};
use crate::config;
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::report::figures::count_of;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::fetch::{Accept, Fetch, FetchRequest, FetchSettings};
use crate::world::lock::CaptureLock;

#[derive(Debug, Args)]
#[command(after_help = "It requests the address of each copy whose file is missing or was damaged, politely
as a night does. A body is stored only if its SHA-256 is that of the lost copy, so
a changed document never takes its place. Restore from a backup first:
`onreserve restore --missing DIR` needs no requests.

Exit codes: 0 if no copy is lost any more, 1 if some are.

Examples:
  onreserve repair --config onreserve.toml
  onreserve repair --archive archive")]
pub(super) struct RepairArguments {
    #[command(flatten)]
    location: ArchiveLocation,
    /// Allow requests to this machine and to private networks.
    #[arg(long)]
    allow_private_networks: bool,
}

pub(super) async fn run(arguments: RepairArguments) -> anyhow::Result<ExitCode> {
    let mut settings = match &arguments.location.config {
        Some(path) => config::read(path)?.fetch,
        None => FetchSettings::default(),
    };
    settings.allow_private_networks |= arguments.allow_private_networks;
    let opened = arguments.location.open_to_write().await?;
    let _capture_lock = CaptureLock::acquire(opened.archive.dir())?;
    let clock = Clock::system();
    let lost = lost(&opened.archive, &opened.catalogue).await?;
    if lost.is_empty() {
        print("No copy is lost. `onreserve verify` checks the SHA-256 of every file.\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let fetch = Fetch::new(&settings, opened.archive.spool(), clock)?;
    let mut left = 0;
    for digest in &lost {
        match repair(*digest, &opened.archive, &opened.catalogue, &fetch).await? {
            Some(address) => {
                opened.catalogue.set_verified(clock.now(), &[*digest], &[]).await?;
                print(&format!("repaired: {digest} from {address}\n"))?;
            }
            None => {
                left += 1;
                print(&format!("still lost: {digest}{}\n", described(*digest, &opened.catalogue).await?))?;
            }
        }
    }
    opened.archive.write_sums()?;
    print(&format!(
        "{} of {} repaired.\n",
        lost.len() - left,
        count_of(lost.len(), "lost copy", "lost copies")
    ))?;
    if left == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    print(
        "The others are no longer on the web with these bytes. Only a backup has them: `onreserve restore --missing DIR`.\n",
    )?;
    Ok(ExitCode::from(exit::FAILURE))
}

/// The bodies without a sound file.
async fn lost(archive: &Archive, catalogue: &Catalogue) -> anyhow::Result<Vec<Digest>> {
    let expected = catalogue.expected_bodies().await?;
    let archive = archive.clone();
    let missing = tokio::task::spawn_blocking(move || archive.without_file(&expected));
    missing.await.context("the files of the copies could not be looked for")
}

/// Requests the addresses that gave these bytes. Returns the one that still does.
async fn repair(
    digest: Digest,
    archive: &Archive,
    catalogue: &Catalogue,
    fetch: &Fetch,
) -> anyhow::Result<Option<Address>> {
    let captures: Vec<StoredCapture> = catalogue.captures_of(digest).await?;
    let mut addresses: Vec<Address> = Vec::new();
    for kept in &captures {
        for address in [&kept.capture.document, &kept.capture.link] {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
    }
    for address in addresses {
        let request = FetchRequest {
            address: address.clone(),
            conditional: None,
            fresh_connection: false,
            accept: Accept::Page,
            accept_datetime: None,
        };
        let Some(body) = fetch.exchange(&request).await?.body else { continue };
        if body.body.sha256 == digest {
            let archive = archive.clone();
            let stored = tokio::task::spawn_blocking(move || archive.store(std::slice::from_ref(&body)));
            stored.await.context("the copy could not be stored")??;
            return Ok(Some(address));
        }
    }
    Ok(None)
}

/// As in ", a copy of" and the address.
async fn described(digest: Digest, catalogue: &Catalogue) -> anyhow::Result<String> {
    let captures = catalogue.captures_of(digest).await?;
    Ok(captures.first().map_or_else(String::new, |kept| format!(", a copy of {}", kept.capture.link)))
}
