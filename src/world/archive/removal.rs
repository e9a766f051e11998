//! Removal of blobs, for takedowns only.

use std::fs;
use std::io;

use super::{Archive, Error, failed, sync_dir};
use crate::domain::capture::Digest;

impl Archive {
    /// Deletes a blob. The journal must record the removal first.
    pub fn remove(&self, digest: Digest) -> Result<(), Error> {
        let path = self.path_of(digest);
        let remove = || match fs::remove_file(&path) {
            Ok(()) => sync_dir(path.parent().unwrap_or(self.dir())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        remove().map_err(|source| failed("remove", &path, source))
    }
}
