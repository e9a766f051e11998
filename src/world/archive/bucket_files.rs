//! An archive in a bucket: how it is opened, and the files beside its blobs and journal.
//!
//! The working directory has a `FORMAT` too, with the address of the bucket. So no command
//! takes it for an archive, also none of an earlier version.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bucket_archive::BucketArchive;
use super::place::ArchivePlace;
use super::{Archive, Error, FORMAT, README, check_version, failed, files_below};
use crate::domain::capture::Digest;

/// Whether there is an archive, in the directory or in the bucket.
pub fn exists(place: &ArchivePlace) -> Result<bool, Error> {
    if super::is_there(&place.dir)? {
        return Ok(true);
    }
    match &place.bucket {
        Some(settings) => Ok(BucketArchive::new(settings)?.bucket.get("FORMAT")?.is_some()),
        None => Ok(false),
    }
}

/// Checks that a bucket can be listed, written, read and changed. Leaves no object behind.
pub(super) fn check_bucket(bucket: &BucketArchive) -> Result<(), Error> {
    let mut name = [0; 8];
    getrandom::fill(&mut name)
        .map_err(|error| failed("choose a name in", Path::new("tmp"), std::io::Error::other(error)))?;
    let inside = format!("tmp/check-{:016x}", u64::from_ne_bytes(name));
    bucket.bucket.list("tmp")?;
    bucket.bucket.put(&inside, b"check".to_vec())?;
    Ok(bucket.bucket.remove(&inside)?)
}

/// Makes the bucket an archive, unless it is one.
pub(super) fn make_archive(bucket: &BucketArchive) -> Result<(), Error> {
    match bucket.bucket.get("FORMAT")? {
        Some(found) => check_version(&String::from_utf8_lossy(&found), &bucket.bucket.address().to_string())?,
        None => {
            bucket.bucket.put("README.md", README.as_bytes().to_vec())?;
            bucket.bucket.put("FORMAT", format!("{FORMAT}\n").into_bytes())?;
        }
    }
    Ok(())
}

impl Archive {
    /// Makes the bucket an archive, unless it is one, and reads what is new in its journal.
    pub(super) fn connect(&self, bucket: &BucketArchive) -> Result<(), Error> {
        make_archive(bucket)?;
        self.pull_journal(bucket)?;
        bucket.list_again()
    }

    /// The files of a part of the archive as paths in its directory, also if they are objects.
    pub(super) fn files_in(&self, part: &str) -> Result<Vec<PathBuf>, Error> {
        match &self.bucket {
            Some(bucket) => {
                let listed = bucket.bucket.list(part)?;
                Ok(listed.iter().map(|object| self.dir().join(&object.inside)).collect())
            }
            None => files_below(&self.dir().join(part)),
        }
    }

    /// The path of a file within the archive.
    pub(super) fn inside<'a>(&self, path: &'a Path) -> std::borrow::Cow<'a, str> {
        path.strip_prefix(self.dir()).unwrap_or(path).to_string_lossy()
    }

    /// The place of a file of the archive, for a person.
    pub(super) fn place(&self, path: &Path) -> String {
        match &self.bucket {
            Some(bucket) => bucket.bucket.address_of(&self.inside(path)),
            None => path.display().to_string(),
        }
    }

    /// Writes a file as a whole, in place of an older one.
    pub(super) fn publish(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        match &self.bucket {
            Some(bucket) => Ok(bucket.bucket.put(name, content.to_vec())?),
            None => {
                self.replace(name, content).map_err(|source| failed("write", &self.dir().join(name), source))
            }
        }
    }

    /// Moves an object to quarantine. Returns its new place.
    pub(super) fn quarantine_object(
        &self,
        bucket: &BucketArchive,
        path: &Path,
        name: &str,
        now: Timestamp,
    ) -> Result<String, Error> {
        let day = now.to_zoned_datetime(TimeZone::UTC).date();
        let to = format!("quarantine/{day}/{name}");
        bucket.bucket.rename(&self.inside(path), &to)?;
        if let Ok(digest) = name.parse() {
            self.forget_file(digest)?;
            bucket.is_gone(digest, true);
        }
        Ok(bucket.bucket.address_of(&to))
    }

    /// Removes a blob, also one in quarantine, and the file of it that was read.
    pub(super) fn remove_from(&self, bucket: &BucketArchive, digest: Digest) -> Result<(), Error> {
        for path in self.files_in("quarantine")? {
            if super::digest_in_name(&path) == Some(digest) {
                bucket.bucket.remove(&self.inside(&path))?;
            }
        }
        bucket.bucket.remove(&self.inside(&self.path_of(digest)))?;
        bucket.is_gone(digest, false);
        self.forget_file(digest)
    }

    /// The name of this working directory in the names of journal segments. Two directories
    /// that write to one bucket never write to the same key.
    pub(super) fn writer(&self) -> std::io::Result<String> {
        let path = self.dir().join("writer");
        if let Ok(name) = fs::read_to_string(&path) {
            return Ok(name.trim().to_owned());
        }
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        let name = format!("{:08x}", u32::from_ne_bytes(bytes));
        self.replace("writer", format!("{name}\n").as_bytes())?;
        Ok(name)
    }
}
