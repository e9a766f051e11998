//! `onreserve repair`: gets lost copies back from the web, where the original still has the same bytes.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::archive_location::OpenArchive;
use super::{ArchiveLocation, exit, print};
use crate::config;
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::journal::{BlobSource, BlobSources, Holdings};
use crate::domain::report::figures::count;
use crate::world::archive::Archive;
use crate::world::clock::Clock;
use crate::world::fetch::{Accept, Fetch, FetchRequest, FetchSettings, Fetched};
use crate::world::recording::LockedCaptures;

#[derive(Debug, Args)]
#[command(after_help = "It requests the address of each file that is missing or was damaged, with the
pauses of a night: copies, files that pages need, course pages, and the headers
of responses that earlier versions kept as files. Bytes are stored only if their
SHA-256 is that of the lost file, so a changed document never takes its place.
Headers are often lost for good, because servers change them. Restore from a
backup first: `onreserve restore --missing DIR` needs no requests.

Exit codes: 0 if no file is lost any more, 1 if some are.

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
    let clock = Clock::system();
    let locked = LockedCaptures::acquire(&opened.archive, &opened.catalogue, clock).await?;
    locked.held_for(repair_all(&opened, &settings, clock)).await
}

async fn repair_all(
    opened: &OpenArchive,
    settings: &FetchSettings,
    clock: Clock,
) -> anyhow::Result<ExitCode> {
    let lost = lost(&opened.archive).await?;
    if lost.is_empty() {
        print("No copy is lost. `onreserve verify` checks the SHA-256 of every file.\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let fetch = Fetch::new(settings, opened.archive.spool(), clock)?;
    let mut left = 0;
    for (digest, sources) in &lost {
        match repair(*digest, sources, &opened.archive, &fetch).await? {
            Some(address) => {
                opened.catalogue.set_verified(clock.now(), &[*digest], &[]).await?;
                print(&format!("repaired: {digest}\n  from {address}\n"))?;
            }
            None => {
                left += 1;
                print(&format!("still lost: {digest}{}\n", described(sources)))?;
            }
        }
    }
    opened.archive.write_sums()?;
    print(&format!("{} of {} repaired.\n", lost.len() - left, count(lost.len(), "lost file")))?;
    if left == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    print(
        "The others are no longer on the web with these bytes. Only a backup has them: `onreserve restore --missing DIR`.\n",
    )?;
    Ok(ExitCode::from(exit::FAILURE))
}

/// The blobs without a file, and the requests that gave them.
async fn lost(archive: &Archive) -> anyhow::Result<BTreeMap<Digest, Vec<BlobSource>>> {
    let archive = archive.clone();
    let found = tokio::task::spawn_blocking(move || {
        let mut holdings = Holdings::default();
        for entry in archive.entries() {
            holdings.add(&entry?);
        }
        let expected: Vec<Digest> = holdings.expected.into_iter().collect();
        let missing = archive.without_file(&expected)?.into_iter().collect();
        let mut sources = BlobSources::of(&missing);
        for entry in archive.entries() {
            sources.add(&entry?);
        }
        anyhow::Ok(sources.into_wanted())
    });
    found.await.context("the search for lost files was stopped")?
}

/// Requests the addresses that gave these bytes. Returns the one that still does.
async fn repair(
    digest: Digest,
    sources: &[BlobSource],
    archive: &Archive,
    fetch: &Fetch,
) -> anyhow::Result<Option<Address>> {
    for source in sources {
        let (address, accept) = match source {
            BlobSource::Body(address) | BlobSource::Head(address, _) => (address, Accept::Page),
            BlobSource::File(address) => (address, Accept::Anything),
        };
        let request = FetchRequest {
            address: address.clone(),
            conditional: None,
            fresh_connection: false,
            accept,
            accept_datetime: None,
        };
        let Fetched { exchange, body } = fetch.exchange(&request).await?;
        let found = match source {
            BlobSource::Body(_) | BlobSource::File(_) => body.filter(|body| body.body.sha256 == digest),
            BlobSource::Head(_, at) => {
                let head = exchange.heads_with_digest(digest, *at);
                head.map(|head| archive.spool_bytes(head.as_bytes())).transpose()?
            }
        };
        if let Some(found) = found {
            let archive = archive.clone();
            let stored = tokio::task::spawn_blocking(move || archive.store(std::slice::from_ref(&found)));
            stored.await.context("the file could not be stored")??;
            return Ok(Some(address.clone()));
        }
    }
    Ok(None)
}

/// A line with what the file is, as in "a copy of" and the address.
fn described(sources: &[BlobSource]) -> String {
    sources.first().map_or_else(String::new, |source| match source {
        BlobSource::Body(address) => format!("\n  a copy of {address}"),
        BlobSource::File(address) => format!("\n  a file that a page needs, from {address}"),
        BlobSource::Head(address, _) => format!("\n  the response head of {address}"),
    })
}
