//! Blobs of a bucket that were read lately, as files in the working directory. They may be
//! deleted at any time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::{Error, files_below};

/// A reader may have got the path of a younger file and not opened it yet.
const YOUNG: Duration = Duration::from_mins(10);

/// Keeps the files below a directory within a number of bytes.
#[derive(Debug)]
pub(super) struct BlobCache {
    limit: u64,
    /// Bytes that were added since the files were last measured; at first as if all were new.
    added: AtomicU64,
}

impl BlobCache {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, added: AtomicU64::new(limit) }
    }

    /// A file was added below the directory. Removes the oldest ones if there are too many bytes.
    pub(super) fn add(&self, bytes: u64, dir: &Path, now: SystemTime) -> Result<(), Error> {
        if self.added.fetch_add(bytes, Ordering::Relaxed) + bytes < self.limit / 8 {
            return Ok(());
        }
        self.added.store(0, Ordering::Relaxed);
        let mut files: Vec<(SystemTime, u64, PathBuf)> =
            files_below(dir)?.into_iter().filter_map(|path| measured(path).ok()).collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        let is_old = |modified: &SystemTime| now.duration_since(*modified).is_ok_and(|age| age > YOUNG);
        for (modified, bytes, path) in files {
            if total <= self.limit || !is_old(&modified) {
                break;
            }
            if fs::remove_file(&path).is_ok() {
                total -= bytes;
            }
        }
        Ok(())
    }
}

/// The time of the last change and the length of a file, which may be gone.
fn measured(path: PathBuf) -> io::Result<(SystemTime, u64, PathBuf)> {
    let it = fs::metadata(&path)?;
    Ok((it.modified()?, it.len(), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_files_are_removed_beyond_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let cache = BlobCache::new(1000);
        for n in 0..20 {
            let path = dir.path().join(n.to_string());
            fs::write(&path, [0; 100]).unwrap();
            let at = start + Duration::from_hours(n);
            fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
            cache.add(100, dir.path(), at).unwrap();
        }
        let mut left: Vec<u32> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
            .collect();
        left.sort_unstable();
        assert!(left.len() <= 11 && left.ends_with(&[18, 19]) && !left.contains(&0), "{left:?}");
        let young = BlobCache::new(10);
        young.add(100, dir.path(), start).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), left.len(), "none of them is old");
    }
}
