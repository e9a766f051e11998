//! `onreserve backup`, `restore` and `migrate`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{ArchiveLocation, exit, print};
use crate::domain::report::figures;
use crate::world::archive::{self, Archive, BackupTotals};
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;
use crate::world::lock::SoleInstance;

#[derive(Debug, Args)]
#[command(after_help = "The service may run meanwhile. A second backup to the same directory copies only
new files. The backup is an archive too: `onreserve status --archive DIR` works.

Examples:
  onreserve backup /srv/backup/onreserve --archive /var/lib/onreserve/archive")]
pub(super) struct BackupArguments {
    /// The directory of the backup.
    #[arg(value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    location: ArchiveLocation,
}

#[derive(Debug, Args)]
#[command(after_help = "The archive directory must be empty or new. The SHA-256 of every file is checked
after the copy.

Examples:
  onreserve restore /srv/backup/onreserve --archive /var/lib/onreserve/archive")]
pub(super) struct RestoreArguments {
    /// The directory of the backup.
    #[arg(value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    location: ArchiveLocation,
}

#[derive(Debug, Args)]
pub(super) struct MigrateArguments {
    #[command(flatten)]
    location: ArchiveLocation,
}

pub(super) async fn backup(arguments: BackupArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let to = &arguments.to;
    if is_occupied(to)? && !archive::is_there(to)? {
        bail!("{} has files that are not a backup; give an empty directory", to.display());
    }
    if to.canonicalize().is_ok_and(|to| opened.archive.dir().canonicalize().is_ok_and(|dir| dir == to)) {
        bail!("{} is the archive itself; give another directory", to.display());
    }
    archive::make_dir(to)?;
    let _alone = SoleInstance::acquire(to)?;
    let target = Archive::open(to)?;
    // The catalogue comes first, so that the journal copied after it has all its entries.
    let waiting = to.join("tmp/catalogue");
    opened.catalogue.snapshot(&waiting).await?;
    let copied = opened.archive.copy_to(&target)?;
    target.replace_catalogue(&waiting, &Catalogue::path_in(to))?;
    print(&format!("{}: {} copied, with the catalogue\n", to.display(), summary(copied)))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn restore(arguments: RestoreArguments) -> anyhow::Result<ExitCode> {
    let (from, dir) = (&arguments.from, arguments.location.archive_dir()?);
    if !archive::is_there(from)? {
        bail!("there is no backup in {}; give the directory that `onreserve backup` wrote", from.display());
    }
    let backup = Archive::open_shared(from)?;
    if is_occupied(&dir)? {
        bail!(
            "{} is not empty, and a restore overwrites no files; move it away, or give another directory with --archive",
            dir.display()
        );
    }
    archive::make_dir(&dir)?;
    let _alone = SoleInstance::acquire(&dir)?;
    let archive = Archive::open(&dir)?;
    let copied = backup.copy_to(&archive)?;
    let catalogue = Catalogue::path_in(&dir);
    let has_catalogue = archive.copy_catalogue(&Catalogue::path_in(from), &catalogue)?;
    print(&format!("{}: {} restored\n", dir.display(), summary(copied)))?;
    let fixity = archive.verify(Clock::system().now(), |_| ())?;
    let mut code = ExitCode::SUCCESS;
    if !fixity.damaged.is_empty() || !fixity.missing.is_empty() {
        print(&format!(
            "The backup is incomplete: {} damaged, {} missing. `onreserve verify` lists the files.\n",
            fixity.damaged.len(),
            fixity.missing.len()
        ))?;
        code = ExitCode::from(exit::FAILURE);
    }
    let damage = if has_catalogue {
        Catalogue::open(&catalogue).await?.damage().await?
    } else {
        Some("the backup has none".to_owned())
    };
    if let Some(damage) = damage {
        print(&format!("The catalogue cannot be used ({damage}). Run `onreserve rebuild`.\n"))?;
        code = ExitCode::from(exit::FAILURE);
    }
    if code == ExitCode::SUCCESS {
        print(&format!("{} restored with the right SHA-256.\n", figures::count(fixity.sound.len(), "file")))?;
    }
    Ok(code)
}

pub(super) async fn migrate(arguments: MigrateArguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.location.existing_dir()?;
    let _alone = SoleInstance::acquire(&dir)?;
    let catalogue = Catalogue::open(&Catalogue::path_in(&dir)).await?;
    print(&format!(
        "The catalogue has version {}, the version of this program.\n",
        catalogue.schema().await?
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn summary(copied: BackupTotals) -> String {
    format!("{} ({} bytes)", figures::count(to_usize(copied.files), "file"), copied.bytes)
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Whether a directory exists and is not empty.
fn is_occupied(dir: &std::path::Path) -> anyhow::Result<bool> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read the directory {}", dir.display())),
    }
}
