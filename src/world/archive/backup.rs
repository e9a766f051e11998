//! Backup of a whole archive: files that the target already has are not copied again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Archive, Error, failed, files_below, private_dir, sync_dir};
use crate::domain::journal::Entry;
use crate::domain::journal::Holdings;

/// What was copied; files that existed already do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupTotals {
    pub files: u64,
    pub bytes: u64,
}

impl Archive {
    /// Copies everything except the catalogue; the key that signs the links of e-mails
    /// is included. The journal is copied before the blobs, so that a backup made
    /// during a night has every blob that its journal names.
    ///
    /// Files are copied, not linked, so that damage to one archive does not reach the
    /// other.
    pub fn copy_to(&self, target: &Self) -> Result<BackupTotals, Error> {
        let mut copied = BackupTotals::default();
        let mut dirs = BTreeSet::new();
        for part in ["captures", "audit", "quarantine", "blobs"] {
            for path in files_below(&self.dir().join(part))? {
                let to = target.dir().join(path.strip_prefix(self.dir()).unwrap_or(&path));
                if let Some(bytes) =
                    target.copy_in(&path, &to).map_err(|source| failed("copy", &path, source))?
                {
                    copied.files += 1;
                    copied.bytes += bytes;
                    dirs.extend(
                        to.ancestors().skip(1).take_while(|dir| *dir != target.dir()).map(PathBuf::from),
                    );
                }
            }
        }
        self.copy_key_to(target)?;
        for dir in dirs.iter().rev() {
            sync_dir(dir).map_err(|source| failed("sync", dir, source))?;
        }
        self.remove_taken_down_from(target)?;
        target.write_sums()?;
        Ok(copied)
    }

    /// What a takedown removed here must not stay in the backup.
    fn remove_taken_down_from(&self, target: &Self) -> Result<(), Error> {
        let (mut holdings, mut removed) = (Holdings::default(), BTreeSet::new());
        for entry in self.entries() {
            let entry = entry?;
            holdings.add(&entry);
            if let Entry::TakenDown { removed: digests, .. } = entry {
                removed.extend(digests);
            }
        }
        // A blob that was captured again later stays, even if it is missing here.
        removed.difference(&holdings.expected).try_for_each(|digest| target.remove(*digest))
    }

    /// Copies a file into this archive unless it is there. The files of an archive only
    /// grow, so equal length means equal content. Returns the number of copied bytes.
    pub(super) fn copy_in(&self, from: &Path, to: &Path) -> io::Result<Option<u64>> {
        let length = fs::metadata(from)?.len();
        if fs::metadata(to).is_ok_and(|there| there.len() == length) {
            return Ok(None);
        }
        if let Some(parent) = to.parent() {
            private_dir(parent)?;
        }
        let mut source = File::open(from)?;
        let mut file = tempfile::NamedTempFile::new_in(self.dir().join("tmp"))?;
        let bytes = io::copy(&mut source, &mut file)?;
        file.as_file().set_permissions(source.metadata()?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(to).map_err(|error| error.error)?;
        Ok(Some(bytes))
    }
}
