//! File locks: one service per archive, and one process that changes its captures.
//!
//! A lock is held for as long as its guard value lives.

#![expect(clippy::disallowed_methods, reason = "this module is the lock of the archive")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::world::clock::Clock;
use crate::world::disk;

const ATTEMPTS: u32 = 10;
/// The first words of the lock file of the service.
const SERVICE: &str = "the service";
const PAUSE: Duration = Duration::from_millis(100);

/// Proof that no other instance writes to the archive. The lock ends with this
/// value, or with the process.
#[derive(Debug)]
pub struct SoleInstance {
    file: File,
}

/// Proof that no other process stores, removes or quarantines captures. A night, a
/// takedown and a verification hold it. The service holds its [`SoleInstance`] for
/// longer, so a takedown and a verification can run while the service runs.
#[derive(Debug)]
pub struct CaptureLock {
    _file: File,
}

/// Another process holds the lock, or the lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another onreserve process ({by}) uses the archive {}; wait until it ends, or stop it", dir.display())]
    InstanceRunning { dir: PathBuf, by: String },
    #[error("a night, a takedown or a verification ({by}) is changing the copies in the archive {}; wait until it ends, then run this again", dir.display())]
    CapturesLocked { dir: PathBuf, by: String },
    #[error("cannot lock the archive {}: {source}; {}", dir.display(), advice(source))]
    Impossible { dir: PathBuf, source: io::Error },
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "its file system is read-only, so only commands that read can use it; copy the archive to a writable disk to change it"
        }
        _ => disk::advice(error),
    }
}

impl SoleInstance {
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        match lock_file(dir, ".lock", lock_with_retries)? {
            Ok(file) => Ok(Self { file }),
            Err(by) => Err(LockError::InstanceRunning { dir: dir.to_owned(), by }),
        }
    }
}

impl SoleInstance {
    /// Marks the instance as the service.
    pub fn set_service(&mut self, dir: &Path) -> Result<(), LockError> {
        let named = name_holder(&mut self.file, &format!("{SERVICE}, process {}", std::process::id()));
        named.map_err(|source| LockError::Impossible { dir: dir.to_owned(), source })
    }

    /// Whether the service uses the archive at this moment.
    pub fn is_service(dir: &Path) -> bool {
        Self::is_held(dir)
            && std::fs::read_to_string(dir.join(".lock")).is_ok_and(|holder| holder.starts_with(SERVICE))
    }

    /// Whether an instance, such as the service, uses the archive at this moment.
    pub fn is_held(dir: &Path) -> bool {
        let file = File::open(dir.join(".lock"));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl CaptureLock {
    /// Fails if the lock is not free after a second.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        match lock_file(dir, ".custody", lock_with_retries)? {
            Ok(file) => Ok(Self { _file: file }),
            Err(by) => Err(LockError::CapturesLocked { dir: dir.to_owned(), by }),
        }
    }

    /// Waits until the lock is free.
    pub async fn wait(dir: &Path, clock: Clock) -> Result<Self, LockError> {
        let mut is_logged = false;
        loop {
            match lock_file(dir, ".custody", File::try_lock)? {
                Ok(file) => return Ok(Self { _file: file }),
                Err(by) if !is_logged => {
                    tracing::info!(by, "waiting until another process has finished with the copies");
                    is_logged = true;
                }
                Err(_) => {}
            }
            clock.sleep(PAUSE).await;
        }
    }
}

/// The locked file, or the process that holds it.
fn lock_file(
    dir: &Path,
    name: &str,
    lock: impl FnOnce(&File) -> Result<(), TryLockError>,
) -> Result<Result<File, String>, LockError> {
    let impossible = |source| LockError::Impossible { dir: dir.to_owned(), source };
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(dir.join(name))
        .map_err(impossible)?;
    match lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut by = String::new();
            // Only for the message, so an empty name is fine.
            let _ = file.read_to_string(&mut by);
            return Ok(Err(by.trim().to_owned()));
        }
        Err(TryLockError::Error(source)) => return Err(impossible(source)),
    }
    name_holder(&mut file, &format!("process {}", std::process::id())).map_err(impossible)?;
    Ok(Ok(file))
}

/// Writes who holds the lock, for messages of other processes.
fn name_holder(file: &mut File, holder: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{holder}")
}

/// The files of a killed process may stay locked for a moment.
fn lock_with_retries(file: &File) -> Result<(), TryLockError> {
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
    fn the_second_instance_names_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = SoleInstance::acquire(dir.path()).unwrap();
        let Err(LockError::InstanceRunning { by, .. }) = SoleInstance::acquire(dir.path()) else {
            panic!("two instances have locked one archive");
        };
        assert_eq!(by, format!("process {}", std::process::id()));
        assert!(SoleInstance::is_held(dir.path()));
        drop(first);
        assert!(!SoleInstance::is_held(dir.path()));
        let mut service = SoleInstance::acquire(dir.path()).unwrap();
        assert!(!SoleInstance::is_service(dir.path()));
        service.set_service(dir.path()).unwrap();
        assert!(SoleInstance::is_service(dir.path()));
    }

    #[tokio::test]
    async fn a_night_waits_for_the_lock_on_the_captures() {
        let dir = tempfile::tempdir().unwrap();
        let _service = SoleInstance::acquire(dir.path()).unwrap();
        let takedown = CaptureLock::acquire(dir.path()).unwrap();
        assert!(matches!(CaptureLock::acquire(dir.path()), Err(LockError::CapturesLocked { .. })));
        let mut night = std::pin::pin!(CaptureLock::wait(dir.path(), Clock::system()));
        tokio::select! {
            biased;
            _ = &mut night => panic!("two processes have the lock"),
            () = std::future::ready(()) => {}
        }
        drop(takedown);
        night.await.unwrap();
    }
}
