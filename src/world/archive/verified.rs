//! Opens a blob only if its bytes have the digest in its name.
//!
//! A blob is hashed when this process first opens it. It is hashed again only if its
//! file differs: another inode, size, modification time or change time.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::bucket_archive::BucketArchive;
use super::{Archive, Error};
use crate::domain::capture::Digest;
use crate::world::clock::Clock;

/// The blobs that this process has hashed, by the identity of their files.
#[derive(Debug, Default)]
pub(super) struct VerifiedBlobs(Mutex<HashMap<Digest, FileIdentity>>);

/// The identity of a file: values that change when it is replaced or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileIdentity {
    fn of(file: &File) -> io::Result<Self> {
        let it = file.metadata()?;
        if !it.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Self {
            device: it.dev(),
            inode: it.ino(),
            bytes: it.size(),
            modified: (it.mtime(), it.mtime_nsec()),
            changed: (it.ctime(), it.ctime_nsec()),
        })
    }
}

impl VerifiedBlobs {
    fn has(&self, digest: Digest, identity: FileIdentity) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) == Some(&identity)
    }

    fn insert(&self, digest: Digest, identity: FileIdentity) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, identity);
    }
}

impl Archive {
    /// Opens a blob whose bytes have this digest. A blob with other bytes is moved to
    /// quarantine.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] and [`Error::Altered`] if the archive has no such bytes.
    pub fn open_blob(&self, digest: Digest) -> Result<File, Error> {
        if let Some(bucket) = &self.bucket {
            return self.open_fetched(bucket, digest);
        }
        let (file, identity) = self.open_unverified(digest)?;
        if self.verified.has(digest, identity) {
            return Ok(file);
        }
        let path = self.path_of(digest);
        let unreadable = |source| Error::Io { doing: "read", path: path.clone(), source };
        if hash(&file).map_err(unreadable)? != digest {
            return Err(self.set_aside_altered(digest, &path));
        }
        // A file that changed meanwhile is hashed again when it is next opened.
        self.verified.insert(digest, identity);
        Ok(file)
    }

    /// As [`open_blob`](Self::open_blob), but only if this takes no hashing: `None` if
    /// this process has not verified the file as it is now.
    pub fn open_verified_blob(&self, digest: Digest) -> Result<Option<File>, Error> {
        let (file, identity) = match self.open_unverified(digest) {
            // The bucket may have it.
            Err(Error::Missing(_)) if self.bucket.is_some() => return Ok(None),
            opened => opened?,
        };
        Ok(self.verified.has(digest, identity).then_some(file))
    }

    /// Opens the file of a blob that was read from the bucket; it is read again if its bytes
    /// are missing or altered.
    fn open_fetched(&self, bucket: &BucketArchive, digest: Digest) -> Result<File, Error> {
        let unreadable = |source| Error::Io { doing: "read", path: self.path_of(digest), source };
        match self.open_unverified(digest) {
            Ok((file, identity)) if self.verified.has(digest, identity) => return Ok(file),
            Ok((file, identity)) if hash(&file).map_err(unreadable)? == digest => {
                self.verified.insert(digest, identity);
                return Ok(file);
            }
            Ok(_) => self.forget_file(digest)?,
            Err(Error::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        let file = self.fetch_blob(bucket, digest)?;
        self.verified.insert(digest, FileIdentity::of(&file).map_err(unreadable)?);
        Ok(file)
    }

    /// Whether the archive has the bytes of this digest. An altered blob is moved to
    /// quarantine and counts as absent.
    pub fn has_blob(&self, digest: Digest) -> Result<bool, Error> {
        if let Some(bucket) = &self.bucket {
            return Ok(self.sound_among(bucket, [digest])?.contains(&digest));
        }
        match self.open_blob(digest) {
            Ok(_) => Ok(true),
            Err(Error::Missing(_) | Error::Altered { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The path of a file with the bytes of this digest, to be read at once; `None` if they are
    /// missing or altered. An altered blob is moved to quarantine.
    pub fn readable_file(&self, digest: Digest) -> Result<Option<PathBuf>, Error> {
        match self.open_blob(digest) {
            Ok(_) => Ok(Some(self.path_of(digest))),
            Err(Error::Missing(_) | Error::Altered { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open_unverified(&self, digest: Digest) -> Result<(File, FileIdentity), Error> {
        let path = self.path_of(digest);
        match open_regular(&path).and_then(|file| Ok((FileIdentity::of(&file)?, file))) {
            Ok((identity, file)) => Ok((file, identity)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Missing(digest)),
            Err(source) => Err(Error::Io { doing: "open", path, source }),
        }
    }

    fn set_aside_altered(&self, digest: Digest, path: &Path) -> Error {
        let quarantined = self.quarantine(path, &digest.to_string(), Clock::system().now());
        // An archive that this process cannot write to keeps the file where it is.
        Error::Altered { digest, moved_to: quarantined.ok() }
    }
}

/// Opens a file to read it. A symbolic link is refused, and a pipe or a device is not waited for.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)
}

/// The digest of a file's bytes. The position of the file stays.
pub(super) fn hash(file: &File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut at = 0;
    loop {
        match file.read_at(&mut buffer, at)? {
            0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
            read => {
                hasher.update(&buffer[..read]);
                at += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// An archive with one blob.
    fn archive() -> (tempfile::TempDir, Archive, Digest) {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(&dir.path().join("archive")).unwrap();
        let digest = archive.store_bytes(b"the bytes of a reading").unwrap();
        (dir, archive, digest)
    }

    fn overwrite(path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        OpenOptions::new().write(true).open(path).unwrap().write_at(b"BYTES", 4).unwrap();
    }

    #[test]
    fn altered_bytes_are_not_opened_and_go_to_quarantine() {
        let (_dir, archive, digest) = archive();
        let mut text = String::new();
        archive.open_blob(digest).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "the bytes of a reading");
        assert!(archive.open_verified_blob(digest).unwrap().is_some());
        overwrite(&archive.path_of(digest));
        assert!(archive.open_verified_blob(digest).unwrap().is_none(), "the file has changed");
        let Err(Error::Altered { moved_to: Some(moved_to), .. }) = archive.open_blob(digest) else {
            panic!("altered bytes were opened")
        };
        assert!(fs::read(moved_to).unwrap().starts_with(b"the BYTES"));
        assert!(matches!(archive.open_blob(digest), Err(Error::Missing(_))));
    }

    #[test]
    fn storing_the_same_bytes_replaces_an_altered_blob() {
        let (_dir, archive, digest) = archive();
        overwrite(&archive.path_of(digest));
        archive.store_bytes(b"the bytes of a reading").unwrap();
        assert!(archive.has_blob(digest).unwrap());
    }

    #[test]
    fn a_link_or_a_pipe_in_the_place_of_a_blob_is_not_read() {
        let (_dir, archive, digest) = archive();
        let path = archive.path_of(digest);
        fs::rename(&path, path.with_extension("elsewhere")).unwrap();
        std::os::unix::fs::symlink(path.with_extension("elsewhere"), &path).unwrap();
        assert!(matches!(archive.open_blob(digest), Err(Error::Io { .. })));
        fs::remove_file(&path).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(matches!(archive.open_blob(digest), Err(Error::Io { .. })));
    }
}
