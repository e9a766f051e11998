//! Recognizes a read-only file system, such as mounted media or a snapshot.

use std::path::Path;

use rustix::fs::Access;
use rustix::io::Errno;

/// Whether a directory is on a read-only file system. Missing permissions of this user
/// do not count, because another user may be writing there.
pub fn is_read_only(dir: &Path) -> bool {
    rustix::fs::access(dir, Access::WRITE_OK) == Err(Errno::ROFS)
}
