//! The free space of an archive, and whether it is writable.

use super::{Archive, Error};

impl Archive {
    /// Whether this process may write to the archive; it writes nothing to find out.
    pub fn is_writable(&self) -> bool {
        let may_write =
            |part: &str| rustix::fs::access(self.dir().join(part), rustix::fs::Access::WRITE_OK).is_ok();
        ["tmp", "captures", "blobs/sha256"].into_iter().all(may_write)
    }

    /// Whether new copies may be stored: some space stays free for the journal,
    /// the catalogue and the bodies of the night, so that checking goes on.
    pub fn has_room(&self) -> Result<bool, Error> {
        /// The most space that stays free; on a small disk a quarter of it.
        const RESERVE: u64 = 256 << 20;
        let space = self.space()?;
        let total = space.f_blocks.saturating_mul(space.f_frsize);
        Ok(space.f_bavail.saturating_mul(space.f_frsize) > RESERVE.min(total / 4))
    }

    /// Bytes that this process may still write to the archive's file system.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        let space = self.space()?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn space(&self) -> Result<rustix::fs::StatVfs, Error> {
        rustix::fs::statvfs(self.dir()).map_err(|error| Error::Io {
            doing: "measure",
            path: self.dir().to_owned(),
            source: error.into(),
        })
    }
}
