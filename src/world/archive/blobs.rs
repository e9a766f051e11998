//! Stores blobs, several at once: a disk that needs long for one sync does many at a time.
//!
//! Each file and directory is synced on its own. One sync of the whole file system would be a
//! single call, but it also waits for what other programs have written.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{Archive, Error, failed};
use crate::domain::capture::Digest;
use crate::world::clock::Clock;
use crate::world::disk::{self, StorageStep};
use crate::world::spool::SpooledBody;

/// The most files or directories that are synced at the same time.
const SYNCS_AT_ONCE: usize = 256;

/// A disk is slow if it needs longer for a sync. On other disks a thread costs more than a sync.
const SLOW_SYNC: Duration = Duration::from_micros(200);

impl Archive {
    /// Stores spooled bodies. Equal bytes are stored once. Blocks as long as the disk needs.
    ///
    /// After it returns, all of them survive a power cut under their names: first the bytes
    /// are synced, then they are named, then the directories are synced, each once.
    pub fn store(&self, bodies: &[SpooledBody]) -> Result<(), Error> {
        if let Some(bucket) = &self.bucket {
            return self.store_in(bucket, bodies);
        }
        let (mut new, mut targets) = (Vec::new(), Vec::new());
        for spooled in bodies {
            let target = self.path_of(spooled.body.sha256);
            if !self.has_blob(spooled.body.sha256)? {
                new.push((target.clone(), spooled));
            }
            // A process that was killed may have named a blob without a sync.
            targets.push(target);
        }
        self.sync_pace.sync_all(&new, |(target, spooled)| {
            sync(spooled).map_err(|source| failed("keep", target, source))
        })?;
        let named = self.name(&new).and_then(|()| self.sync_names_of(&targets));
        if named.is_err() {
            // Without their names, the next attempt writes them again.
            for (target, _) in &new {
                let _ = fs::remove_file(target);
            }
        }
        named
    }

    /// Stores bytes from memory, such as a course page.
    pub fn store_bytes(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let spooled = self.spool_bytes(bytes)?;
        self.store(std::slice::from_ref(&spooled))?;
        Ok(spooled.body.sha256)
    }

    /// Spools bytes from memory, to be stored with others.
    pub fn spool_bytes(&self, bytes: &[u8]) -> Result<SpooledBody, Error> {
        let write = || {
            let mut incoming = self.spool().start()?;
            incoming.write(bytes)?;
            incoming.finish()
        };
        write().map_err(|source| failed("write to", &self.dir().join("tmp"), source))
    }

    fn name(&self, new: &[(PathBuf, &SpooledBody)]) -> Result<(), Error> {
        for (target, spooled) in new {
            disk::private_dir(target.parent().unwrap_or(self.dir()))
                .and_then(|()| disk::link(spooled.path(), target, StorageStep::BlobLink))
                .map_err(|source| failed("keep", target, source))?;
        }
        Ok(())
    }

    fn sync_names_of(&self, targets: &[PathBuf]) -> Result<(), Error> {
        let dirs: BTreeSet<PathBuf> =
            targets.iter().flat_map(|target| self.synced_names.unsynced_dirs(target, self.dir())).collect();
        let dirs: Vec<PathBuf> = dirs.into_iter().collect();
        self.sync_pace.sync_all(&dirs, |dir| {
            disk::sync_dir(dir, StorageStep::BlobDirSync).map_err(|source| failed("sync", dir, source))
        })?;
        for target in targets {
            self.synced_names.add_dirs(target, self.dir());
        }
        Ok(())
    }
}

fn sync(spooled: &SpooledBody) -> io::Result<()> {
    spooled.file().set_permissions(Permissions::from_mode(0o444))?;
    disk::sync(spooled.file(), spooled.path(), StorageStep::BlobSync)
}

/// Whether the last sync was slow. A disk that was slow for one batch is so for the next.
#[derive(Debug, Default)]
pub(super) struct SyncPace(AtomicBool);

impl SyncPace {
    fn is_slow(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Syncs one item and notes how long that takes; `None` if no item is left.
    fn measure<T>(&self, sync: impl FnOnce() -> Option<T>) -> Option<T> {
        let clock = Clock::system();
        let begun = clock.instant();
        let synced = sync()?;
        self.0.store(clock.instant().duration_since(begun) > SLOW_SYNC, Ordering::Relaxed);
        Some(synced)
    }

    /// Syncs all items, many at a time while the disk is slow. All are tried; the first error
    /// is returned.
    fn sync_all<T: Sync>(
        &self,
        items: &[T],
        sync: impl Fn(&T) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let next = AtomicUsize::new(0);
        let sync_next = || items.get(next.fetch_add(1, Ordering::Relaxed)).map(&sync);
        let mut result = Ok(());
        while !self.is_slow() {
            let Some(synced) = self.measure(sync_next) else { return result };
            result = result.and(synced);
        }
        let sync_left = || {
            let mut result = Ok(());
            while let Some(synced) = self.measure(sync_next) {
                result = result.and(synced);
            }
            result
        };
        let left = items.len().saturating_sub(next.load(Ordering::Relaxed));
        thread::scope(|scope| {
            // The system may allow fewer threads; those that there are sync all.
            let begin = |_| thread::Builder::new().spawn_scoped(scope, sync_left).ok();
            let others: Vec<_> = (1..left.min(SYNCS_AT_ONCE)).map_while(begin).collect();
            let own = result.and(sync_left());
            others.into_iter().fold(own, |result, thread| {
                result.and(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        })
    }
}

/// The path of a file's directory within another one.
pub(super) fn dirs_between<'a>(file: &'a Path, top: &'a Path) -> impl Iterator<Item = &'a Path> {
    file.ancestors().skip(1).take_while(move |dir| *dir != top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::archive::files_below;

    #[test]
    fn bodies_are_stored_under_their_digests_and_equal_bytes_once() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(&dir.path().join("archive")).unwrap();
        let texts: Vec<String> = (0..100).map(|n| format!("text {}", n % 70)).collect();
        for _ in 0..2 {
            let spooled: Vec<SpooledBody> =
                texts.iter().map(|text| archive.spool_bytes(text.as_bytes()).unwrap()).collect();
            archive.store(&spooled).unwrap();
        }
        assert_eq!(files_below(&archive.dir().join("blobs")).unwrap().len(), 70);
        for text in &texts {
            let path = archive.path_of(Digest::of(text.as_bytes()));
            assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
        }
        assert_eq!(fs::read_dir(archive.dir().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn every_item_is_tried_and_an_error_is_returned() {
        let done = AtomicUsize::new(0);
        let items: Vec<usize> = (0..100).collect();
        for (failing, slow) in [(7, 7), (7, 200), (7, 0), (0, 0)] {
            done.store(0, Ordering::Relaxed);
            let result = SyncPace::default().sync_all(&items, |item| {
                done.fetch_add(1, Ordering::Relaxed);
                if *item == slow {
                    std::thread::sleep(SLOW_SYNC * 2);
                }
                if *item == failing { Err(Error::Missing(Digest::of(b"7"))) } else { Ok(()) }
            });
            assert_eq!(done.load(Ordering::Relaxed), 100, "{failing} {slow}");
            assert!(matches!(result, Err(Error::Missing(_))), "{result:?}");
        }
    }
}
