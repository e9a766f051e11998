//! The free space of an archive, and whether it is writable.

use super::{Archive, Error};

impl Archive {
    /// Whether this process may write to the archive, asked without writing.
    pub fn is_writable(&self) -> bool {
        let may_write =
            |part: &str| rustix::fs::access(self.dir().join(part), rustix::fs::Access::WRITE_OK).is_ok();
        ["tmp", "captures", "blobs/sha256"].into_iter().all(may_write)
    }

    /// Bytes that this process may still write to the archive's file system.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        let space = rustix::fs::statvfs(self.dir()).map_err(|error| Error::Io {
            doing: "measure",
            path: self.dir().to_owned(),
            source: error.into(),
        })?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}
