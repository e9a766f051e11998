//! What a power cut would lose: bytes and names that were written and not synced.
//!
//! Only for tests. `ONRESERVE_FAULT_STATE` names a file that carries the list from a process
//! that crashed to the next one, as the page cache would.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// A change that is not on the disk.
#[derive(Debug, Serialize, Deserialize)]
enum UnsyncedChange {
    /// Bytes were written to the end of a file that had this length.
    Written { path: PathBuf, length: u64 },
    /// A file or a directory got its name.
    Named { path: PathBuf },
    /// A file got another name, and no file was replaced.
    Renamed { from: PathBuf, to: PathBuf },
    /// A file with these bytes was removed.
    Removed { path: PathBuf, bytes: Vec<u8> },
}

/// Larger logs of the catalogue may have been moved to its file in part, so losing their
/// end is not what a power cut does.
const LARGEST_LOG: u64 = 4 << 20;

/// `None` in a process that no fault can stop.
static CHANGES: LazyLock<Option<Mutex<Vec<UnsyncedChange>>>> = LazyLock::new(|| {
    std::env::var_os("ONRESERVE_FAULT")?;
    let state = std::env::var_os("ONRESERVE_FAULT_STATE").and_then(|path| fs::read(path).ok());
    Some(Mutex::new(state.and_then(|state| serde_json::from_slice(&state).ok()).unwrap_or_default()))
});

fn with(act: impl FnOnce(&mut Vec<UnsyncedChange>)) {
    if let Some(changes) = &*CHANGES {
        act(&mut changes.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

pub(super) fn is_written(path: &Path) {
    with(|changes| {
        let length = length_of(path);
        let is_known = |change: &UnsyncedChange| matches!(change, UnsyncedChange::Written { path: known, .. } if known == path);
        if !changes.iter().any(is_known) {
            changes.push(UnsyncedChange::Written { path: path.to_owned(), length });
        }
    });
}

fn length_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |it| it.len())
}

pub(super) fn is_synced(synced: &Path) {
    with(|changes| {
        changes.retain_mut(|change| match change {
            UnsyncedChange::Written { path, length } if path == synced => {
                *length = length_of(path);
                // `SQLite` goes on to write to its log.
                is_log(path)
            }
            _ => true,
        });
    });
}

fn is_log(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"-wal")
}

pub(super) fn is_named(path: &Path) {
    with(|changes| changes.push(UnsyncedChange::Named { path: path.to_owned() }));
}

pub(super) fn is_renamed(from: &Path, to: &Path) {
    with(|changes| {
        for change in changes.iter_mut() {
            if let UnsyncedChange::Written { path, .. } = change
                && path == from
            {
                to.clone_into(path);
            }
        }
        if !to.exists() {
            changes.push(UnsyncedChange::Renamed { from: from.to_owned(), to: to.to_owned() });
        }
    });
}

pub(super) fn is_removed(path: &Path) {
    if let Ok(bytes) = fs::read(path) {
        with(|changes| changes.push(UnsyncedChange::Removed { path: path.to_owned(), bytes }));
    }
}

pub(super) fn has_synced_names(dir: &Path) {
    with(|changes| changes.retain(|change| change.name().is_none_or(|path| path.parent() != Some(dir))));
}

pub(super) fn has_synced_all_below(dir: &Path) {
    with(|changes| {
        changes.retain(|change| match change {
            UnsyncedChange::Written { path, .. } => !path.starts_with(dir),
            UnsyncedChange::Named { .. }
            | UnsyncedChange::Renamed { .. }
            | UnsyncedChange::Removed { .. } => change.name().is_none_or(|path| !path.starts_with(dir)),
        });
    });
}

impl UnsyncedChange {
    /// The name that this change added or removed.
    fn name(&self) -> Option<&Path> {
        match self {
            Self::Named { path } | Self::Renamed { to: path, .. } | Self::Removed { path, .. } => Some(path),
            Self::Written { .. } => None,
        }
    }

    /// Files that are gone meanwhile need no care.
    fn undo(self) -> io::Result<()> {
        match self {
            Self::Written { path, length } => {
                let now = length_of(&path);
                let is_cut = now > length && (now < LARGEST_LOG || !is_log(&path));
                if is_cut { File::options().write(true).open(path)?.set_len(length) } else { Ok(()) }
            }
            Self::Named { path } if path.is_dir() => fs::remove_dir_all(path),
            Self::Named { path } => fs::remove_file(path),
            Self::Renamed { from, to } => fs::rename(to, from),
            Self::Removed { path, bytes } => fs::write(path, bytes),
        }
    }
}

/// Undoes all changes, the last one first.
pub(super) fn lose_all() {
    with(|changes| {
        while let Some(change) = changes.pop() {
            let _ = change.undo();
        }
    });
}

/// Carries the changes to the next process.
pub(super) fn remember_all() {
    let Some(path) = std::env::var_os("ONRESERVE_FAULT_STATE") else { return };
    with(|changes| {
        let _ = serde_json::to_vec(changes).map(|state| fs::write(path, state));
    });
}
