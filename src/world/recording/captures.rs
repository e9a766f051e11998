//! The lock on the captures: a file in the directory of the archive, or a row of the catalogue if
//! the archive is in a bucket that several processes write to.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::world::archive::Archive;
use crate::world::catalogue::{self, CaptureTurn, Catalogue};
use crate::world::clock::Clock;
use crate::world::lock::{BatchLock, CaptureLock, LockError};
use crate::world::machine;

/// A row that is not extended is free after this time.
const LEASE: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(2);
/// How often a lock that is not free is tried.
const PAUSE: Duration = Duration::from_millis(200);
/// A takedown does not wait longer.
const ATTEMPTS: u32 = 5;

/// Proof that no other process stores, removes or quarantines captures. A night, a takedown and a
/// verification hold it.
#[derive(Debug)]
pub enum LockedCaptures {
    /// The lock ends with this value.
    File(CaptureLock),
    /// The lock ends with [`LockedCaptures::unlock`], or some seconds after this value.
    Row(CaptureRow),
}

/// The row in the catalogue, which is extended until this value is dropped.
#[derive(Debug)]
pub struct CaptureRow {
    catalogue: Catalogue,
    turn: CaptureTurn,
    /// Aborted with this value.
    _renewals: JoinSet<()>,
}

/// Proof that a worker may store bodies.
#[derive(Debug)]
pub enum BatchPermit {
    File(BatchLock),
    Turn(CaptureTurn),
}

impl BatchPermit {
    /// The turn of the lock in which the batch has to be committed.
    pub fn turn(&self) -> Option<CaptureTurn> {
        match self {
            Self::File(_) => None,
            Self::Turn(turn) => Some(*turn),
        }
    }

    /// Waits until no process forbids workers to store visits.
    pub(in crate::world) async fn wait(
        archive: &Archive,
        catalogue: &Catalogue,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        if !archive.has_shared_journal() {
            return Ok(Self::File(BatchLock::wait(archive.dir(), clock).await?));
        }
        loop {
            if let Some(turn) = catalogue.turn_of_workers().await? {
                return Ok(Self::Turn(turn));
            }
            clock.sleep(PAUSE).await;
        }
    }
}

impl LockedCaptures {
    /// Fails if the lock is not free after a second.
    pub async fn acquire(archive: &Archive, catalogue: &Catalogue, clock: Clock) -> anyhow::Result<Self> {
        if !archive.has_shared_journal() {
            return Ok(Self::File(CaptureLock::acquire(archive.dir())?));
        }
        let mut attempts = 1;
        loop {
            match catalogue.lock_captures(&machine::process_name(), LEASE).await? {
                Ok(turn) => return Ok(Self::kept(turn, catalogue, clock)),
                Err(by) if attempts == ATTEMPTS => {
                    return Err(LockError::CapturesLocked { dir: archive.dir().to_owned(), by }.into());
                }
                Err(_) => {}
            }
            attempts += 1;
            clock.sleep(PAUSE).await;
        }
    }

    /// Waits until the lock is free.
    pub async fn wait(archive: &Archive, catalogue: &Catalogue, clock: Clock) -> anyhow::Result<Self> {
        if !archive.has_shared_journal() {
            return Ok(Self::File(CaptureLock::wait(archive.dir(), clock).await?));
        }
        let mut is_logged = false;
        loop {
            match catalogue.lock_captures(&machine::process_name(), LEASE).await? {
                Ok(turn) => return Ok(Self::kept(turn, catalogue, clock)),
                Err(by) if !is_logged => {
                    tracing::info!(by, "waiting until another process has finished with the copies");
                    is_logged = true;
                }
                Err(_) => {}
            }
            clock.sleep(PAUSE).await;
        }
    }

    fn kept(turn: CaptureTurn, catalogue: &Catalogue, clock: Clock) -> Self {
        let (mut renewals, kept) = (JoinSet::new(), catalogue.clone());
        renewals.spawn(async move {
            loop {
                clock.sleep(RENEWAL).await;
                let extended = async {
                    kept.check_duty().await?;
                    kept.extend_capture_lock(turn, LEASE).await
                };
                match extended.await {
                    Ok(true) => {}
                    // The scheduler that has its place waits for the lock.
                    Err(catalogue::Error::LeaseOver) => return,
                    Ok(false) => tracing::warn!("the lock on the copies was over for a moment"),
                    Err(error) => tracing::warn!(%error, "the lock on the copies cannot be extended now"),
                }
            }
        });
        Self::Row(CaptureRow { catalogue: catalogue.clone(), turn, _renewals: renewals })
    }

    /// From now on workers may store visits, as parts of the night that holds this lock.
    pub async fn admit_workers(&mut self) -> anyhow::Result<()> {
        match self {
            Self::File(lock) => lock.admit_workers(),
            Self::Row(row) => row.catalogue.admit_workers(row.turn).await?,
        }
        Ok(())
    }

    /// Awaits what needs the lock, then ends the lock, whatever came of it.
    pub async fn held_for<T>(self, work: impl Future<Output = T>) -> T {
        let done = work.await;
        self.unlock().await;
        done
    }

    /// Ends the lock.
    pub async fn unlock(self) {
        if let Self::Row(row) = self {
            unlock(&row.catalogue, row.turn).await;
        }
    }
}

async fn unlock(catalogue: &Catalogue, turn: CaptureTurn) {
    if let Err(error) = catalogue.unlock_captures(turn).await {
        tracing::debug!(%error, "the lock on the copies cannot be ended now; it ends by itself");
    }
}

impl Drop for CaptureRow {
    fn drop(&mut self) {
        // Without a runtime the process ends, and the row is free soon after.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (catalogue, turn) = (self.catalogue.clone(), self.turn);
        runtime.spawn(async move { unlock(&catalogue, turn).await });
    }
}
