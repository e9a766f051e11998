//! One instance per archive: an OS lock, held for as long as the token lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Proof that no other instance writes to the archive. The lock ends with it,
/// or with the process, however that ends.
#[derive(Debug)]
pub struct SoleInstance {
    _file: File,
}

/// Another instance holds the archive, or the lock cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Held {
    #[error("another instance is using {} ({by}); wait for it to end, or stop it", dir.display())]
    ByAnother { dir: PathBuf, by: String },
    #[error("cannot lock {}: {source}", dir.display())]
    Impossible { dir: PathBuf, source: io::Error },
}

impl SoleInstance {
    pub fn acquire(dir: &Path) -> Result<Self, Held> {
        let impossible = |source| Held::Impossible { dir: dir.to_owned(), source };
        let path = dir.join(".lock");
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(impossible)?;
        match locked(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                // Only for the message: an empty name does no harm.
                let _ = file.read_to_string(&mut by);
                return Err(Held::ByAnother { dir: dir.to_owned(), by: by.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(impossible(source)),
        }
        file.set_len(0).map_err(impossible)?;
        file.rewind().map_err(impossible)?;
        writeln!(file, "process {}", std::process::id()).map_err(impossible)?;
        Ok(Self { _file: file })
    }
}

/// A process that was killed may take a moment to let go of its files.
fn locked(file: &File) -> Result<(), TryLockError> {
    for _ in 1..ATTEMPTS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            ended => return ended,
        }
    }
    file.try_lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_instance_learns_who_is_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = SoleInstance::acquire(dir.path()).unwrap();
        let Err(Held::ByAnother { by, .. }) = SoleInstance::acquire(dir.path()) else {
            panic!("two instances hold one archive");
        };
        assert_eq!(by, format!("process {}", std::process::id()));
        drop(first);
        SoleInstance::acquire(dir.path()).unwrap();
    }
}
