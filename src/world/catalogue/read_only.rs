//! Opens a catalogue on a read-only file system, where `SQLite` cannot create the files
//! that it needs beside the catalogue.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Catalogue, Error, OpenMode, connect, log_of, schema, unusable};

impl Catalogue {
    /// Opens a catalogue that no process can change. A catalogue with a write-ahead log,
    /// or of an older version, is opened as a copy among the temporary files.
    pub(super) async fn open_unchangeable(path: &Path) -> Result<Self, Error> {
        let has_log = fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0);
        if !has_log {
            let pool = connect(path, OpenMode::Immutable).await?;
            match schema::check(&pool, path).await {
                Ok(()) => return Ok(Self::in_file(path, pool)),
                Err(Error::Older { .. }) => pool.close().await,
                Err(error) => return Err(error),
            }
        }
        let (dir, copy) = temporary_copy(path).map_err(|source| unusable(path, source.into()))?;
        Ok(Self { _copy: Some(dir.into()), ..Self::open(&copy).await? })
    }
}

fn temporary_copy(path: &Path) -> io::Result<(TempDir, PathBuf)> {
    let dir = tempfile::tempdir()?;
    let copy = Catalogue::path_in(dir.path());
    fs::copy(path, &copy)?;
    match fs::copy(log_of(path), log_of(&copy)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(_) | Err(_) => Ok((dir, copy)),
    }
}
