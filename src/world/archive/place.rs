//! Where an archive is: a directory, or a bucket with a working directory.

use std::fmt;
use std::path::{Path, PathBuf};

use super::bucket::{BucketSettings, HeadPlace};

/// The place of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePlace {
    /// The archive, or the working directory of one that is in a bucket: locks, bodies that
    /// are being received, the catalogue, and copies of the journal and of some blobs.
    pub dir: PathBuf,
    pub bucket: Option<BucketSettings>,
}

impl ArchivePlace {
    /// Whether the files of copies stay in the directory.
    pub fn keeps_files(&self) -> bool {
        self.bucket.is_none()
    }

    /// Whether the end of the journal is in the catalogue, so that processes on several machines work
    /// with the archive, each in a directory of its own.
    pub fn has_shared_journal(&self) -> bool {
        self.bucket.as_ref().is_some_and(|bucket| bucket.journal_head == HeadPlace::Catalogue)
    }
}

impl fmt::Display for ArchivePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bucket {
            Some(bucket) => write!(f, "{} with the working directory {}", bucket.address, self.dir.display()),
            None => write!(f, "{}", self.dir.display()),
        }
    }
}

impl From<&Path> for ArchivePlace {
    fn from(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), bucket: None }
    }
}

impl From<&PathBuf> for ArchivePlace {
    fn from(dir: &PathBuf) -> Self {
        dir.as_path().into()
    }
}

impl From<&Self> for ArchivePlace {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}
