//! The files of the catalogue in an archive: replaced, kept under another name, copied.
//!
//! `world::catalogue` reads and writes their content.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::verified::open_regular;
use super::{Archive, Error, failed};
use crate::world::disk::{self, StorageStep};

/// The files that `SQLite` keeps beside a database.
const LOG: &str = "-wal";
const INDEX_OF_LOG: &str = "-shm";

impl Archive {
    /// Replaces the catalogue with a closed one that has another name.
    pub fn replace_catalogue(&self, from: &Path, catalogue: &Path) -> Result<(), Error> {
        let take = || -> io::Result<()> {
            for ending in [LOG, INDEX_OF_LOG] {
                disk::remove(&with(catalogue, ending), StorageStep::CatalogueLogRemove)?;
            }
            disk::sync_path(from, StorageStep::CatalogueSync)?;
            disk::rename(from, catalogue, StorageStep::CatalogueRename)?;
            disk::sync_dir(self.dir(), StorageStep::CatalogueDirSync)
        };
        take().map_err(|source| failed("replace", catalogue, source))
    }

    /// Keeps the catalogue under a second name before a new one replaces it.
    pub fn keep_old_catalogue(&self, catalogue: &Path, now: Timestamp) -> Result<(), Error> {
        let aside = self.old_catalogue(now);
        for ending in [LOG, ""] {
            let from = with(catalogue, ending);
            if from.exists() {
                disk::link(&from, &with(&aside, ending), StorageStep::CatalogueLink)
                    .map_err(|source| failed("set aside", &from, source))?;
            }
        }
        Ok(())
    }

    /// The name under which a catalogue is kept that was replaced at this time.
    pub fn old_catalogue(&self, now: Timestamp) -> PathBuf {
        self.dir().join(format!("catalogue.sqlite3.old-{}", now.as_second()))
    }

    /// Removes a closed catalogue, whose rows are elsewhere.
    pub fn discard_catalogue(&self, catalogue: &Path) -> Result<(), Error> {
        for ending in [LOG, INDEX_OF_LOG, ""] {
            disk::remove(&with(catalogue, ending), StorageStep::CatalogueLogRemove)
                .map_err(|source| failed("remove", catalogue, source))?;
        }
        Ok(())
    }

    /// Catalogues of earlier versions, and replaced ones. They are not read any more.
    pub fn old_catalogues(&self) -> Result<Vec<PathBuf>, Error> {
        let list = |source| Error::Io { doing: "list", path: self.dir().to_owned(), source };
        let mut old = Vec::new();
        for entry in fs::read_dir(self.dir()).map_err(list)? {
            let path = entry.map_err(list)?.path();
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            if name.starts_with("catalogue.sqlite3.") {
                old.push(path);
            }
        }
        old.sort();
        Ok(old)
    }

    /// Copies a catalogue that no process uses, with its write-ahead log. Returns false
    /// if there is none.
    pub fn copy_catalogue(&self, from: &Path, catalogue: &Path) -> Result<bool, Error> {
        if !from.exists() {
            return Ok(false);
        }
        for ending in [LOG, ""] {
            if with(from, ending).exists() {
                open_regular(&with(from, ending))
                    .and_then(|file| self.copy_in(file, &with(catalogue, ending)))
                    .map_err(|source| failed("copy", from, source))?;
            }
        }
        Ok(true)
    }
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
