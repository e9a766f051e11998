//! Removal of blobs, for takedowns only.

use std::fs;
use std::io;
use std::path::Path;

use super::{Archive, Error, failed, files_below, sync_dir};
use crate::domain::capture::Digest;

impl Archive {
    /// Deletes a blob, also one that was damaged and moved to quarantine. The journal must
    /// record the removal first.
    pub fn remove(&self, digest: Digest) -> Result<(), Error> {
        let name = digest.to_string();
        let mut files = files_below(&self.dir().join("quarantine"))?;
        files.retain(|path| path.file_name().is_some_and(|file| file == name.as_str()));
        files.push(self.path_of(digest));
        files.iter().try_for_each(|path| remove(path).map_err(|source| failed("remove", path, source)))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
