//! The writes, syncs and names of stored files. Their order makes stored data survive a
//! crash, so each is a named [`StorageStep`].
//!
//! A debug build can stop at a step or let it fail, by the rules of `failpoint`. A release
//! build has none of that.

#![expect(clippy::disallowed_methods, reason = "this module writes what the archive and the catalogue store")]

mod advice;
#[cfg(debug_assertions)]
mod failpoint;
mod step;
#[cfg(debug_assertions)]
mod unsynced;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

pub use advice::{advice, advice_or, for_kind};
pub use step::StorageStep;

/// Writes to the end of a file.
pub fn write(mut file: &File, path: &Path, bytes: &[u8], step: StorageStep) -> io::Result<()> {
    #[cfg(debug_assertions)]
    let begun = failpoint::begin_write(file, path, bytes, step)?;
    #[cfg(not(debug_assertions))]
    let _ = (path, step);
    file.write_all(bytes)?;
    #[cfg(debug_assertions)]
    begun.end();
    Ok(())
}

/// Syncs the content and the metadata of a file.
///
/// # Errors
///
/// The bytes may be lost although they can still be read, and a second sync may succeed
/// without them. So nothing may refer to the file, and its bytes must be written again.
pub fn sync(file: &File, path: &Path, step: StorageStep) -> io::Result<()> {
    run(step, || file.sync_all())?;
    #[cfg(debug_assertions)]
    unsynced::is_synced(path);
    #[cfg(not(debug_assertions))]
    let _ = path;
    Ok(())
}

/// Syncs the content of a file that something else writes.
pub fn sync_path(path: &Path, step: StorageStep) -> io::Result<()> {
    sync(&File::open(path)?, path, step)
}

/// Syncs the names in a directory. Errors mean the same as for [`sync`].
pub fn sync_dir(dir: &Path, step: StorageStep) -> io::Result<()> {
    run(step, || File::open(dir)?.sync_all())?;
    #[cfg(debug_assertions)]
    unsynced::has_synced_names(dir);
    Ok(())
}

/// Syncs everything on the file system of a directory.
pub fn sync_file_system(dir: &Path, step: StorageStep) -> io::Result<()> {
    run(step, || Ok(rustix::fs::syncfs(File::open(dir)?)?))?;
    #[cfg(debug_assertions)]
    unsynced::has_synced_all_below(dir);
    Ok(())
}

/// Gives a file a second name; one that exists stays as it is.
pub fn link(from: &Path, to: &Path, step: StorageStep) -> io::Result<()> {
    run(step, || match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => Ok(()),
        Ok(()) => {
            #[cfg(debug_assertions)]
            unsynced::is_named(to);
            Ok(())
        }
    })
}

/// Gives a file another name, in place of a file with that name.
pub fn rename(from: &Path, to: &Path, step: StorageStep) -> io::Result<()> {
    run(step, || {
        #[cfg(debug_assertions)]
        unsynced::is_renamed(from, to);
        fs::rename(from, to)
    })
}

/// Gives a temporary file its name, in place of a file with that name.
pub fn persist(file: NamedTempFile, to: &Path, step: StorageStep) -> io::Result<()> {
    run(step, || {
        #[cfg(debug_assertions)]
        unsynced::is_renamed(file.path(), to);
        file.persist(to).map_err(|error| error.error)?;
        Ok(())
    })
}

/// Removes a file. Returns false if there is none.
pub fn remove(path: &Path, step: StorageStep) -> io::Result<bool> {
    run(step, || {
        #[cfg(debug_assertions)]
        unsynced::is_removed(path);
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    })
}

/// Creates a directory and those above it, readable only by the owner and the group.
pub fn private_dir(path: &Path) -> io::Result<()> {
    #[cfg(debug_assertions)]
    path.ancestors().take_while(|dir| !dir.exists()).for_each(unsynced::is_named);
    DirBuilder::new().recursive(true).mode(0o750).create(path)
}

/// The log of the catalogue, to which `SQLite` writes without a sync.
pub fn has_log(path: &Path) {
    #[cfg(debug_assertions)]
    unsynced::is_written(path);
    #[cfg(not(debug_assertions))]
    let _ = path;
}

/// A transaction of the catalogue.
pub async fn commit<T>(
    step: StorageStep,
    commit: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    #[cfg(debug_assertions)]
    let begun = failpoint::begin(step)?;
    #[cfg(not(debug_assertions))]
    let _ = step;
    let value = commit.await?;
    #[cfg(debug_assertions)]
    begun.end();
    Ok(value)
}

fn run<T>(step: StorageStep, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(debug_assertions)]
    let begun = failpoint::begin(step)?;
    #[cfg(not(debug_assertions))]
    let _ = step;
    let value = act()?;
    #[cfg(debug_assertions)]
    begun.end();
    Ok(value)
}
