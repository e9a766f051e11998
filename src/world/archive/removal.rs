//! Removal of blobs, for takedowns only.

use std::io;
use std::path::Path;

use super::{Archive, Error, failed, files_below};
use crate::domain::capture::Digest;
use crate::world::disk::{self, StorageStep};

impl Archive {
    /// Deletes a blob, also one that was damaged and moved to quarantine. The journal must
    /// record the removal first.
    pub fn remove(&self, digest: Digest) -> Result<(), Error> {
        if let Some(bucket) = &self.bucket {
            return self.remove_from(bucket, digest);
        }
        let name = digest.to_string();
        let mut files = files_below(&self.dir().join("quarantine"))?;
        files.retain(|path| path.file_name().is_some_and(|file| file == name.as_str()));
        files.push(self.path_of(digest));
        files.iter().try_for_each(|path| remove(path).map_err(|source| failed("remove", path, source)))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    disk::remove(path, StorageStep::BlobRemove)?;
    match path.parent().filter(|dir| dir.exists()) {
        // A process that was killed may have removed it without a sync.
        Some(dir) => disk::sync_dir(dir, StorageStep::BlobRemoveDirSync),
        None => Ok(()),
    }
}
