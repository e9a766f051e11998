//! The digests of files. Listing and hashing small files uses a whole core, so that several
//! directories are read at once.

use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};

use sha2::{Digest as _, Sha256};

use super::{Error, files_below, is_directory};
use crate::domain::capture::Digest;

/// How many bytes are read at once.
const READ_BYTES: usize = 1 << 18;

/// How many directories are hashed ahead of their handling.
const RESULTS_AHEAD: usize = 64;

type HashedFile = (Hashed, PathBuf);

/// A file's digest, and its length in bytes.
pub(super) type Hashed = io::Result<(Digest, u64)>;

/// One thread for each core of this machine.
pub fn all_cores() -> NonZero<usize> {
    std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Hashes some files, and all files below some directories, on so many threads. `handle` gets each file on the
/// calling thread soon after it was hashed, in no order; its first error ends the work.
pub(super) fn hash_below(
    parts: &[PathBuf],
    threads: NonZero<usize>,
    mut handle: impl FnMut(&Path, Hashed) -> Result<(), Error>,
) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let (send, hashed) = mpsc::sync_channel(RESULTS_AHEAD);
    let work = |send: SyncSender<Result<Vec<HashedFile>, Error>>| {
        let mut buffer = vec![0; READ_BYTES];
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let hash = |path: PathBuf| (hash_with(&path, &mut buffer), path);
            let paths = if is_directory(part) { files_below(part) } else { Ok(vec![part.clone()]) };
            let hashed = paths.map(|paths| paths.into_iter().map(hash).collect());
            if send.send(hashed).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(parts.len()) {
            let send = send.clone();
            scope.spawn(move || work(send));
        }
        drop(send);
        for files in hashed {
            for (hashed, path) in files? {
                handle(&path, hashed)?;
            }
        }
        Ok(())
    })
}

pub(super) fn hash(path: &Path) -> Hashed {
    hash_with(path, &mut vec![0; READ_BYTES])
}

fn hash_with(path: &Path, buffer: &mut [u8]) -> Hashed {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    loop {
        match file.read(buffer)? {
            0 => return Ok((Digest::from_bytes(hasher.finalize().into()), bytes)),
            read => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_hashed_once() {
        let dir = tempfile::tempdir().unwrap();
        let dirs: Vec<PathBuf> = (0..20).map(|n| dir.path().join(n.to_string())).collect();
        let mut expected = Vec::new();
        for (n, dir) in dirs.iter().enumerate() {
            for part in ["a", "b"] {
                let (text, path) = (part.repeat(n * 10_000), dir.join(part).join("file"));
                std::fs::create_dir_all(dir.join(part)).unwrap();
                std::fs::write(&path, &text).unwrap();
                expected.push((path, Digest::of(text.as_bytes()), text.len() as u64));
            }
        }
        expected.sort();
        for threads in [1, 3, 64] {
            let mut found = Vec::new();
            let keep = |path: &Path, hashed: Hashed| {
                let (digest, bytes) = hashed.unwrap();
                found.push((path.to_owned(), digest, bytes));
                Ok(())
            };
            hash_below(&dirs, NonZero::new(threads).unwrap(), keep).unwrap();
            found.sort();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let dirs: Vec<PathBuf> = (0..200).map(|n| dir.path().join(n.to_string())).collect();
        for dir in &dirs {
            std::fs::create_dir(dir).unwrap();
            std::fs::write(dir.join("file"), "x").unwrap();
        }
        let refuse = |_: &Path, _: Hashed| Err(Error::Missing(Digest::of(b"x")));
        let result = hash_below(&dirs, NonZero::new(2).unwrap(), refuse);
        assert!(matches!(result, Err(Error::Missing(_))), "{result:?}");
    }
}
