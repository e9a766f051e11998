//! The names that survive a power cut: a new name does so only after its directory is
//! synced, and a new directory only after those above it are.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Archive;
use super::blobs::dirs_between;
use crate::world::disk::{self, StorageStep};

/// The files and directories whose names this process has synced. A name that an earlier
/// process gave counts as new, because that process may have been killed before its sync.
#[derive(Debug, Default)]
pub(super) struct SyncedNames(Mutex<HashSet<PathBuf>>);

impl SyncedNames {
    /// The directories to sync after a file in the archive got its name.
    pub(super) fn unsynced_dirs(&self, file: &Path, archive: &Path) -> Vec<PathBuf> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = dirs_between(file, archive).take_while(|dir| !known.contains(*dir));
        // The name of a directory is in the one above it.
        [file].into_iter().chain(new).filter_map(|path| Some(path.parent()?.to_owned())).collect()
    }

    /// The directories of a file are synced.
    pub(super) fn add_dirs(&self, file: &Path, archive: &Path) {
        let dirs = dirs_between(file, archive).map(Path::to_owned);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(dirs);
    }

    fn has(&self, path: &Path) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn add(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }
}

impl Archive {
    /// Makes the name of a file survive a power cut. It is done once in this process.
    pub(super) fn sync_name(&self, file: &Path, step: StorageStep) -> io::Result<()> {
        if self.synced_names.has(file) {
            return Ok(());
        }
        for dir in self.synced_names.unsynced_dirs(file, self.dir()) {
            disk::sync_dir(&dir, step)?;
        }
        self.synced_names.add_dirs(file, self.dir());
        self.synced_names.add(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_synced_up_to_the_first_whose_name_is_synced() {
        let names = SyncedNames::default();
        let (archive, file) = (Path::new("/a"), Path::new("/a/b/c/d"));
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(names.unsynced_dirs(file, archive), paths(&["/a/b/c", "/a/b", "/a"]));
        names.add_dirs(file, archive);
        assert_eq!(names.unsynced_dirs(file, archive), paths(&["/a/b/c"]));
        assert_eq!(names.unsynced_dirs(Path::new("/a/b/e/f"), archive), paths(&["/a/b/e", "/a/b"]));
    }
}
