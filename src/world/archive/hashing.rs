//! The digests of files, several at once: hashing uses a whole core for each.

use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};

use crate::domain::capture::Digest;

/// How many bytes are read at once.
const READ_BYTES: usize = 1 << 18;

/// A file's digest, and its length in bytes.
pub(super) type Hashed = io::Result<(Digest, u64)>;

/// One thread for each core of this machine.
pub fn all_cores() -> NonZero<usize> {
    std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Hashes files on so many threads. The results are in the order of the paths.
pub(super) fn hash_all(paths: &[PathBuf], threads: NonZero<usize>) -> Vec<Hashed> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(place) else { return done };
            done.push((place, hash_with(path, &mut buffer)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get().min(paths.len())).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for thread in others {
            done.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, hashed)| hashed).collect()
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
    fn results_are_in_the_order_of_the_paths() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..40).map(|n| dir.path().join(n.to_string())).collect();
        for (n, path) in paths.iter().enumerate().filter(|(n, _)| *n != 7) {
            std::fs::write(path, "x".repeat(n * 10_000)).unwrap();
        }
        for threads in [1, 3, 64] {
            let hashed = hash_all(&paths, NonZero::new(threads).unwrap());
            assert_eq!(hashed.len(), paths.len());
            for (n, hashed) in hashed.into_iter().enumerate() {
                let expected =
                    (n != 7).then(|| (Digest::of("x".repeat(n * 10_000).as_bytes()), n as u64 * 10_000));
                assert_eq!(hashed.ok(), expected);
            }
        }
        assert!(hash_all(&[], all_cores()).is_empty());
    }
}
