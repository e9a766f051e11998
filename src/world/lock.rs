//! File locks: one service per archive, the workers beside it, and one process that changes its
//! captures.
//!
//! A lock is held for as long as its guard value lives. The file system of an archive with
//! workers on several machines must have locks for all of them.

#![expect(clippy::disallowed_methods, reason = "this module is the lock of the archive")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::world::clock::Clock;
use crate::world::disk;

/// Held by the service, and by commands that need the archive alone.
const INSTANCE: &str = ".lock";
/// Shared by workers and web processes, and held by an instance that has none.
const WORKERS: &str = ".workers";
/// Held by a night, a takedown and a verification.
const CAPTURES: &str = ".custody";
/// Shared by workers that store visits, and held by who must store or remove captures alone.
const BATCHES: &str = ".batches";
/// Held by who waits for [`BATCHES`] alone, so that no batch begins meanwhile: with several workers
/// there is always one.
const NEXT: &str = ".batches-next";
const ATTEMPTS: u32 = 10;
/// The first words of the lock file of the service; the number of its process follows.
const SERVICE: &str = "the service, process ";
const PAUSE: Duration = Duration::from_millis(100);

/// Proof that no other instance writes to the archive. The lock ends with this
/// value, or with the process.
#[derive(Debug)]
pub struct SoleInstance {
    file: File,
    /// Set while no worker may use the archive.
    workers: Option<File>,
    /// The process that had the lock before.
    process_before: Option<u32>,
}

/// Proof that workers and web processes may use the archive: its service admits them, or none runs.
#[derive(Debug)]
pub struct WorkerLock {
    _file: File,
}

/// Proof that no other process stores, removes or quarantines captures. A night, a
/// takedown and a verification hold it. The service holds its [`SoleInstance`] for
/// longer, so a takedown and a verification can run while the service runs.
#[derive(Debug)]
pub struct CaptureLock {
    _file: File,
    /// Set while workers may store nothing.
    batches: Option<File>,
}

/// Proof that a worker may store visits: no takedown and no verification runs.
#[derive(Debug)]
pub struct BatchLock {
    _file: File,
}

/// Another process holds the lock, or the lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another onreserve process ({by}) uses the archive {}; wait until it ends, or stop it", dir.display())]
    InstanceRunning { dir: PathBuf, by: String },
    #[error("workers or web processes use the archive {}; stop them, or start the service with --role scheduler", dir.display())]
    WorkersRunning { dir: PathBuf },
    #[error("another onreserve process ({by}) uses the archive {} alone; start the service with --role scheduler, or wait until the command ends", dir.display())]
    WithoutWorkers { dir: PathBuf, by: String },
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
        let before = || std::fs::read_to_string(dir.join(INSTANCE)).unwrap_or_default();
        let mut process_before = None;
        let lock = |file: &File| {
            lock_with_retries(file)?;
            process_before = before().trim().rsplit(' ').next().and_then(|id| id.parse().ok());
            Ok(())
        };
        let file = match lock_file(dir, INSTANCE, lock)? {
            Ok(file) => file,
            Err(by) => return Err(LockError::InstanceRunning { dir: dir.to_owned(), by }),
        };
        match lock_file(dir, WORKERS, lock_with_retries)? {
            Ok(workers) => Ok(Self { file, workers: Some(workers), process_before }),
            Err(_) => Err(LockError::WorkersRunning { dir: dir.to_owned() }),
        }
    }

    /// Waits until no other service uses the archive. Workers may use it already.
    pub async fn wait_beside_workers(dir: &Path, clock: Clock) -> Result<Self, LockError> {
        let file = wait(dir, INSTANCE, clock, "waiting until the other scheduler ends").await?;
        let workers = lock_file(dir, WORKERS, File::try_lock)?.ok();
        Ok(Self { file, workers, process_before: None })
    }

    /// Whether no worker uses the archive, nor begins to.
    pub fn is_without_workers(&self) -> bool {
        self.workers.is_some()
    }

    /// From now on workers may use the archive.
    pub fn admit_workers(&mut self) {
        self.workers = None;
    }

    /// The process that had the lock before, as it wrote into the lock file.
    pub fn process_before(&self) -> Option<u32> {
        self.process_before
    }

    /// Marks the instance as the service.
    pub fn set_service(&mut self, dir: &Path) -> Result<(), LockError> {
        let named = name_holder(&mut self.file, &format!("{SERVICE}{}", std::process::id()));
        named.map_err(|source| LockError::Impossible { dir: dir.to_owned(), source })
    }

    /// Whether the service uses the archive at this moment.
    pub fn is_service(dir: &Path) -> bool {
        Self::is_held(dir)
            && std::fs::read_to_string(dir.join(INSTANCE)).is_ok_and(|holder| holder.starts_with(SERVICE))
    }

    /// Whether an instance, such as the service, uses the archive at this moment.
    pub fn is_held(dir: &Path) -> bool {
        let file = File::open(dir.join(INSTANCE));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl WorkerLock {
    /// Fails if the lock is not free after a second.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        match shared_lock(dir, WORKERS, |file| lock_with_retries_by(file, File::try_lock_shared))? {
            Ok(file) => Ok(Self { _file: file }),
            Err(by) => Err(LockError::WithoutWorkers { dir: dir.to_owned(), by }),
        }
    }
}

impl CaptureLock {
    /// Fails if the lock is not free after a second.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let locked = |name| {
            let file = lock_file(dir, name, lock_with_retries)?;
            file.map_err(|by| LockError::CapturesLocked { dir: dir.to_owned(), by })
        };
        let (file, _next) = (locked(CAPTURES)?, locked(NEXT)?);
        Ok(Self { _file: file, batches: Some(locked(BATCHES)?) })
    }

    /// Waits until the lock is free.
    pub async fn wait(dir: &Path, clock: Clock) -> Result<Self, LockError> {
        const WHY: &str = "waiting until another process has finished with the copies";
        let file = wait(dir, CAPTURES, clock, WHY).await?;
        let _next = wait(dir, NEXT, clock, WHY).await?;
        Ok(Self { _file: file, batches: Some(wait(dir, BATCHES, clock, WHY).await?) })
    }

    /// From now on workers may store visits, as parts of the night that holds this lock.
    pub fn admit_workers(&mut self) {
        self.batches = None;
    }
}

impl BatchLock {
    /// Waits until no process forbids workers to store visits, or is about to.
    pub async fn wait(dir: &Path, clock: Clock) -> Result<Self, LockError> {
        loop {
            if let Some(lock) = Self::try_acquire(dir)? {
                return Ok(lock);
            }
            clock.sleep(PAUSE).await;
        }
    }

    fn try_acquire(dir: &Path) -> Result<Option<Self>, LockError> {
        let Ok(_next) = shared_lock(dir, NEXT, File::try_lock_shared)? else { return Ok(None) };
        let locked = shared_lock(dir, BATCHES, File::try_lock_shared)?;
        Ok(locked.ok().map(|file| Self { _file: file }))
    }
}

/// Waits for a lock, and logs why if it is not free.
async fn wait(dir: &Path, name: &str, clock: Clock, why: &'static str) -> Result<File, LockError> {
    let mut is_logged = false;
    loop {
        match lock_file(dir, name, File::try_lock)? {
            Ok(file) => return Ok(file),
            Err(by) if !is_logged => {
                tracing::info!(by, "{why}");
                is_logged = true;
            }
            Err(_) => {}
        }
        clock.sleep(PAUSE).await;
    }
}

/// The locked file with the name of this process, or the process that holds it.
fn lock_file(
    dir: &Path,
    name: &str,
    lock: impl FnOnce(&File) -> Result<(), TryLockError>,
) -> Result<Result<File, String>, LockError> {
    let impossible = |source| LockError::Impossible { dir: dir.to_owned(), source };
    let mut locked = shared_lock(dir, name, lock)?;
    if let Ok(file) = &mut locked {
        name_holder(file, &format!("process {}", std::process::id())).map_err(impossible)?;
    }
    Ok(locked)
}

/// The locked file, or the process that holds it alone.
fn shared_lock(
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
    lock_with_retries_by(file, File::try_lock)
}

fn lock_with_retries_by(
    file: &File,
    lock: impl Fn(&File) -> Result<(), TryLockError>,
) -> Result<(), TryLockError> {
    for _ in 1..ATTEMPTS {
        match lock(file) {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            ended => return ended,
        }
    }
    lock(file)
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
        drop(service);
        let next = SoleInstance::acquire(dir.path()).unwrap();
        assert_eq!(next.process_before(), Some(std::process::id()));
    }

    #[tokio::test]
    async fn workers_and_an_instance_without_workers_exclude_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, clock) = (dir.path(), Clock::system());
        let alone = SoleInstance::acquire(dir).unwrap();
        let refused = WorkerLock::acquire(dir).unwrap_err();
        assert!(matches!(refused, LockError::WithoutWorkers { .. }), "{refused}");
        drop(alone);
        let mut scheduler = SoleInstance::wait_beside_workers(dir, clock).await.unwrap();
        assert!(scheduler.is_without_workers());
        scheduler.admit_workers();
        let (_one, _two) = (WorkerLock::acquire(dir).unwrap(), WorkerLock::acquire(dir).unwrap());
        drop(scheduler);
        let refused = SoleInstance::acquire(dir).unwrap_err();
        assert!(matches!(refused, LockError::WorkersRunning { .. }), "{refused}");
        let scheduler = SoleInstance::wait_beside_workers(dir, clock).await.unwrap();
        assert!(!scheduler.is_without_workers(), "a worker was there before");

        let mut night = CaptureLock::wait(dir, clock).await.unwrap();
        let mut batch = std::pin::pin!(BatchLock::wait(dir, clock));
        tokio::select! {
            biased;
            _ = &mut batch => panic!("a worker stores visits beside a night that does not allow it"),
            () = std::future::ready(()) => {}
        }
        night.admit_workers();
        let _batches = (batch.await.unwrap(), BatchLock::wait(dir, clock).await.unwrap());
        drop(night);
        assert!(matches!(CaptureLock::acquire(dir), Err(LockError::CapturesLocked { .. })));
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

    /// A batch begins before the one before it ends.
    #[tokio::test]
    async fn a_night_does_not_wait_for_ever_for_batches_that_overlap() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, clock) = (dir.path(), Clock::system());
        let mut batch = Some(BatchLock::wait(dir, clock).await.unwrap());
        let mut night = std::pin::pin!(CaptureLock::wait(dir, clock));
        let begun = clock.instant();
        loop {
            tokio::select! {
                biased;
                locked = &mut night => break drop(locked.unwrap()),
                () = clock.sleep(PAUSE / 4) => {}
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "the night still waits");
            batch = BatchLock::try_acquire(dir).unwrap();
        }
        assert!(batch.is_none());
    }
}
