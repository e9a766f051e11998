//! `onreserve backup` and `restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::archive_location::open_catalogue;
use super::verify::{lock_captures, print_journal_faults};
use super::{ArchiveLocation, exit, print};
use crate::domain::capture::{Digest, Loss};
use crate::domain::report::figures;
use crate::world::archive::{self, Archive, ArchivePlace, BackupTotals};
use crate::world::catalogue::{Catalogue, CatalogueLocation};
use crate::world::clock::Clock;
use crate::world::lock::SoleInstance;

#[derive(Debug, Args)]
#[command(after_help = "The service may run meanwhile. A second backup to the same directory copies only
new files, and replaces damaged ones. The SHA-256 of every file is checked. If a
file is missing or damaged in the archive and in the backup, the command lists
it and fails. The backup is an archive too, so the other commands can read it
with --archive DIR.

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
  onreserve restore /srv/backup/onreserve --archive /var/lib/onreserve/archive
  onreserve restore /srv/backup/onreserve --missing --config onreserve.toml")]
pub(super) struct RestoreArguments {
    /// The directory of the backup.
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Add only the files that an archive has lost; it may be in use.
    #[arg(long)]
    missing: bool,
    #[command(flatten)]
    location: ArchiveLocation,
}

pub(super) async fn backup(arguments: BackupArguments) -> anyhow::Result<ExitCode> {
    let opened = arguments.location.open().await?;
    let to = &arguments.to;
    if is_occupied(to)? && !archive::is_there(to)? && !archive::is_begun(to)? {
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
    let copied = opened.archive.copy_to(&target, Clock::system().now())?;
    target.replace_catalogue(&waiting, &Catalogue::path_in(to))?;
    print(&format!("{}: {} copied, with the catalogue\n", to.display(), summary(&copied)))?;
    if copied.is_complete() {
        return Ok(ExitCode::SUCCESS);
    }
    print_problems(&copied)?;
    print(
        "The backup is incomplete. Add these files to the archive from an older backup: `onreserve restore --missing DIR`.\n",
    )?;
    Ok(ExitCode::from(exit::FAILURE))
}

fn print_problems(copied: &BackupTotals) -> anyhow::Result<()> {
    for path in &copied.refused {
        print(&format!("not copied, because it is not a file of an archive: {}\n", path.display()))?;
    }
    print_digests("damaged", &copied.damaged)?;
    print_digests("missing", &copied.missing)?;
    print_journal_faults(&copied.journal)
}

fn print_digests(what: &str, digests: &[Digest]) -> anyhow::Result<()> {
    digests.iter().try_for_each(|digest| print(&format!("{what}: {digest}\n")))
}

/// Restores the files that an archive has lost. A night waits meanwhile; the pages do not.
async fn restore_missing(arguments: &RestoreArguments, backup: &Archive) -> anyhow::Result<ExitCode> {
    let place = arguments.location.existing()?;
    let (archive, dir) = (Archive::open_shared(&place)?, place.dir);
    archive.check_owner()?;
    let location = arguments.location.catalogue()?;
    let restoring = async {
        let now = Clock::system().now();
        let lines = archive.restore_journal_from(backup, now)?;
        let blobs = archive.restore_missing_from(backup)?;
        archive.write_sums()?;
        if location.may_exist() {
            let catalogue = open_catalogue(&dir, &location).await?;
            let lost: Vec<_> = blobs.missing.iter().map(|digest| (*digest, Loss::Missing)).collect();
            catalogue.set_verified(now, &blobs.restored, &lost).await?;
            catalogue.close().await;
        }
        anyhow::Ok((lines, blobs))
    };
    let (lines, blobs) = lock_captures(&archive, &location).await?.held_for(restoring).await?;
    print(&format!("{}: {} restored\n", dir.display(), figures::count(blobs.restored.len(), "file")))?;
    if lines > 0 {
        let lines = figures::count(lines, "line");
        print(&format!("{lines} of the journal restored. Stop the service and run `onreserve rebuild`.\n"))?;
    }
    if blobs.missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    print_digests("missing", &blobs.missing)?;
    print("The backup lacks these files too; the next night fetches those that are still on the web.\n")?;
    Ok(ExitCode::from(exit::FAILURE))
}

pub(super) async fn restore(arguments: RestoreArguments) -> anyhow::Result<ExitCode> {
    let from = &arguments.from;
    if !archive::is_there(from)? {
        bail!("there is no backup in {}; give the directory that `onreserve backup` wrote", from.display());
    }
    let backup = Archive::open_shared(from)?;
    if arguments.missing {
        return restore_missing(&arguments, &backup).await;
    }
    let place = empty_place(&arguments)?;
    let dir = place.dir.clone();
    let database = database(&arguments.location.catalogue()?).await?;
    archive::make_dir(&dir)?;
    let _alone = SoleInstance::acquire(&dir)?;
    let archive = Archive::open(&place)?;
    let copied = backup.copy_to(&archive, Clock::system().now())?;
    let catalogue = Catalogue::path_in(&dir);
    let has_catalogue = archive.copy_catalogue(&Catalogue::path_in(from), &catalogue)?;
    print(&format!("{}: {} restored\n", dir.display(), summary(&copied)))?;
    print_problems(&copied)?;
    let fixity = archive.verify(Clock::system().now(), archive::all_cores())?;
    let mut code = ExitCode::SUCCESS;
    if !copied.is_complete() || !fixity.is_sound() {
        print(&format!(
            "The backup is incomplete: {} damaged, {} missing. `onreserve verify` lists the files.\n",
            copied.damaged.len() + fixity.damaged.len(),
            fixity.missing.iter().filter(|digest| !copied.damaged.contains(digest)).count()
        ))?;
        code = ExitCode::from(exit::FAILURE);
    }
    let damage = if has_catalogue {
        let restored = Catalogue::open(&catalogue).await?;
        let damage = restored.damage().await?;
        if let Some(database) = database.filter(|_| damage.is_none()) {
            database.take_all_from(&restored).await?;
            restored.close().await;
            archive.discard_catalogue(&catalogue)?;
        }
        damage
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

/// The place of the archive, which must be empty: a restore overwrites nothing.
fn empty_place(arguments: &RestoreArguments) -> anyhow::Result<ArchivePlace> {
    let place = arguments.location.archive()?;
    if let Some(bucket) = &place.bucket
        && archive::exists(&place)?
    {
        bail!(
            "{} has an archive already, and a restore overwrites no files; name another prefix, or add what it lacks with --missing",
            bucket.address
        );
    }
    if is_occupied(&place.dir)? {
        bail!(
            "{} is not empty, and a restore overwrites no files; move it away, give another directory with --archive, or add what it lacks with --missing",
            place.dir.display()
        );
    }
    Ok(place)
}

/// The database of the configuration, which must be empty: a restore overwrites nothing.
async fn database(location: &CatalogueLocation) -> anyhow::Result<Option<Catalogue>> {
    let CatalogueLocation::Postgres(_) = location else { return Ok(None) };
    let database = Catalogue::open_at(location).await?;
    if !database.is_empty().await? {
        bail!("{location} has a catalogue already, and a restore overwrites nothing; name an empty database");
    }
    Ok(Some(database))
}

fn summary(copied: &BackupTotals) -> String {
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
