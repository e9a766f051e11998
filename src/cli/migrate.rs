//! `onreserve migrate`: the version of the catalogue, and its place.

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::bail;
use clap::Args;

use super::{ArchiveLocation, print, service_check};
use crate::world::archive::{self, Archive, ArchivePlace};
use crate::world::catalogue::{Catalogue, CatalogueLocation, PostgresUrl, PostgresUrlError};
use crate::world::clock::Clock;
use crate::world::lock::SoleInstance;

#[derive(Debug, Args)]
#[command(after_help = "Stop the service before you move a catalogue. The old one is kept: a file under
another name in the archive, tables as they are.

Examples:
  onreserve migrate --config onreserve.toml
  onreserve migrate --config onreserve.toml --to postgres://db/onreserve
  onreserve migrate --config onreserve.toml --to sqlite")]
pub(super) struct MigrateArguments {
    #[arg(
        long,
        value_name = "URL",
        help = "Move the catalogue to an empty PostgreSQL database, or with `sqlite` to a file"
    )]
    to: Option<MigrationTarget>,
    #[command(flatten)]
    location: ArchiveLocation,
}

/// Where the catalogue is moved to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MigrationTarget {
    Sqlite,
    Postgres(PostgresUrl),
}

impl FromStr for MigrationTarget {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        if text == "sqlite" { Ok(Self::Sqlite) } else { text.parse().map(Self::Postgres) }
    }
}

pub(super) async fn run(arguments: MigrateArguments) -> anyhow::Result<ExitCode> {
    let place = arguments.location.existing()?;
    let dir = place.dir.clone();
    // The working directory of a bucket may be lost.
    archive::make_dir(&dir)?;
    let _alone = SoleInstance::acquire(&dir)?;
    let configured = arguments.location.catalogue()?;
    service_check::refuse_beside_processes(&place, &configured).await?;
    match arguments.to {
        None => {
            let catalogue = Catalogue::open_at(&configured).await?;
            print(&format!(
                "The catalogue has version {}, the version of this program.\n",
                catalogue.schema().await?
            ))?;
        }
        Some(MigrationTarget::Postgres(url)) => to_database(&place, configured, url).await?,
        Some(MigrationTarget::Sqlite) => to_file(&place, &configured).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration may name the database already; then the file is moved to it.
async fn to_database(
    place: &ArchivePlace,
    configured: CatalogueLocation,
    url: PostgresUrl,
) -> anyhow::Result<()> {
    let dir = place.dir.as_path();
    let file = CatalogueLocation::in_archive(dir);
    let (from, to) = if configured.to_string() == url.to_string() {
        (file.clone(), configured)
    } else {
        (configured, CatalogueLocation::Postgres(url))
    };
    if !from.may_exist() {
        bail!(
            "there is no catalogue {from} that could be moved; run `onreserve rebuild` to make one in {to}"
        );
    }
    let server = Catalogue::open_at(&to).await?;
    if !server.is_empty().await? {
        bail!("{to} has a catalogue already; give an empty database");
    }
    let old = Catalogue::open_at(&from).await?;
    server.take_all_from(&old).await?;
    old.close().await;
    server.close().await;
    if from == file {
        let (archive, path) = (Archive::open(place)?, Catalogue::path_in(dir));
        Catalogue::empty_log(&path).await?;
        archive.keep_old_catalogue(&path, Clock::system().now())?;
        archive.discard_catalogue(&path)?;
    }
    print(&format!(
        "The catalogue is in {to} now. If the configuration does not have it yet, add:\n\n\
         [catalogue]\nurl = \"{to}\"\n"
    ))
}

async fn to_file(place: &ArchivePlace, configured: &CatalogueLocation) -> anyhow::Result<()> {
    let path = Catalogue::path_in(&place.dir);
    if !matches!(configured, CatalogueLocation::Postgres(_)) {
        bail!("the catalogue is a file already; give the configuration whose [catalogue] names the database");
    }
    if path.exists() {
        bail!("{} is there already; move it away first", path.display());
    }
    let server = Catalogue::open_at(configured).await?;
    let archive = Archive::open(place)?;
    let new = place.dir.join("tmp/catalogue");
    server.snapshot(&new).await?;
    server.close().await;
    archive.replace_catalogue(&new, &path)?;
    print(&format!(
        "The catalogue is {} now. Remove [catalogue] from the configuration. The tables in {configured} are left as they are.\n",
        path.display()
    ))
}
