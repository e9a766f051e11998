//! Backup of a whole archive, and restoration of missing files from it. A file that the
//! target already has with the right bytes is not copied again.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::bucket_archive::BucketArchive;
use super::verified::{hash, open_regular};
use super::{Archive, Error, digest_in_name, failed, files_below, is_regular};
use crate::domain::capture::Digest;
use crate::domain::journal::Entry;
use crate::domain::journal::Holdings;
use crate::domain::journal::chain::JournalFault;
use crate::world::disk::{self, StorageStep};

/// How many blobs are looked for in a bucket before those that it lacks are sent.
const BLOBS_AT_ONCE: usize = 256;

/// The files that were copied; existing files do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupTotals {
    pub files: u64,
    pub bytes: u64,
    /// Blobs whose bytes do not match their digest; they are not copied.
    pub damaged: Vec<Digest>,
    /// Blobs that the journal names and the target lacks, without the damaged ones.
    pub missing: Vec<Digest>,
    /// Links, pipes, devices, and files in unexpected places; they are not copied.
    pub refused: Vec<PathBuf>,
    /// Damage to the journal.
    pub journal: Vec<JournalFault>,
}

impl BackupTotals {
    /// Whether the target has everything that the journal names.
    pub fn is_complete(&self) -> bool {
        self.damaged.is_empty()
            && self.missing.is_empty()
            && self.refused.is_empty()
            && self.journal.is_empty()
    }
}

/// The blobs that a backup restored in an archive that had lost them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoredBlobs {
    pub restored: Vec<Digest>,
    /// Blobs that the backup lacks too.
    pub missing: Vec<Digest>,
}

impl Archive {
    /// Copies everything except the catalogue; the key that signs the links of emails
    /// is included. The journal is copied before the blobs, so that a backup made
    /// during a night has every blob that its journal names.
    ///
    /// Files are copied, not linked, so that damage to one archive does not affect the
    /// other. A blob is hashed while it is copied. A blob that the target already has is
    /// hashed there, and replaced if it is damaged.
    ///
    /// A file of the target's journal that is not the beginning of the one here moves to
    /// quarantine there: it may have lines that this archive has lost.
    pub fn copy_to(&self, target: &Self, now: Timestamp) -> Result<BackupTotals, Error> {
        let mut copied = BackupTotals::default();
        if let Some(bucket) = &self.bucket {
            self.pull_journal(bucket)?;
        }
        for part in ["captures", "audit", "quarantine", "blobs"] {
            let files = self.files_to_copy(part)?;
            if part == "blobs"
                && let Some(bucket) = &target.bucket
            {
                self.copy_blobs_to(target, bucket, &files, &mut copied)?;
                continue;
            }
            for path in files {
                let to = target.dir().join(path.strip_prefix(self.dir()).unwrap_or(&path));
                if part == "captures" && is_regular(&path) {
                    target.keep_other_journal(&path, &to, now)?;
                }
                if let Some(bytes) = self.copy_file(&path, &to, target, &mut copied)? {
                    copied.files += 1;
                    copied.bytes += bytes;
                }
            }
        }
        self.copy_key_to(target)?;
        target.sync_all_names()?;
        (copied.missing, copied.journal) = self.remove_taken_down_from(target)?;
        copied.missing.retain(|digest| !copied.damaged.contains(digest));
        target.write_sums()?;
        Ok(copied)
    }

    /// Copies the blobs that this archive lacks from a backup of it.
    pub fn restore_missing_from(&self, backup: &Self) -> Result<RestoredBlobs, Error> {
        let mut blobs = RestoredBlobs::default();
        for digest in self.holdings()?.expected {
            if self.has_blob(digest)? {
                continue;
            }
            let from = backup.path_of(digest);
            if backup.is_stored(digest)? && self.copy_blob(digest, &from, backup)?.is_some() {
                blobs.restored.push(digest);
            } else {
                blobs.missing.push(digest);
            }
        }
        self.sync_all_names()?;
        Ok(blobs)
    }

    /// The names of all files survive a power cut, also those that a copy gave which was
    /// interrupted.
    pub(super) fn sync_all_names(&self) -> Result<(), Error> {
        disk::sync_file_system(self.dir(), StorageStep::CopySyncAll)
            .map_err(|source| failed("sync", self.dir(), source))
    }

    /// The files of a part of the archive. The journal of a bucket is in the working directory.
    fn files_to_copy(&self, part: &str) -> Result<Vec<PathBuf>, Error> {
        if part == "captures" { files_below(&self.dir().join(part)) } else { self.files_in(part) }
    }

    /// Opens a file to copy it. An object is read into a file without a name first.
    fn open_to_copy(&self, path: &Path) -> Result<File, Error> {
        let failed = |source| failed("copy", path, source);
        let inside = self.inside(path);
        let Some(bucket) = self.bucket.as_ref().filter(|_| !inside.starts_with("captures/")) else {
            return open_regular(path).map_err(failed);
        };
        let mut file = tempfile::tempfile_in(self.dir().join("tmp")).map_err(failed)?;
        bucket.bucket.download(&inside, file.try_clone().map_err(failed)?)?;
        file.rewind().map_err(failed)?;
        file.set_permissions(Permissions::from_mode(0o444)).map_err(failed)?;
        Ok(file)
    }

    /// Copies the blobs of this directory to a bucket, several at once: each takes the store
    /// some time.
    fn copy_blobs_to(
        &self,
        target: &Self,
        bucket: &BucketArchive,
        files: &[PathBuf],
        copied: &mut BackupTotals,
    ) -> Result<(), Error> {
        for some in files.chunks(BLOBS_AT_ONCE) {
            let mut blobs = Vec::new();
            for path in some {
                match digest_in_name(path).filter(|digest| self.path_of(*digest) == *path && is_regular(path))
                {
                    Some(digest) => blobs.push((digest, path.clone())),
                    None => copied.refused.push(path.clone()),
                }
            }
            let sound = target.sound_among(bucket, blobs.iter().map(|(digest, _)| *digest))?;
            blobs.retain(|(digest, _)| !sound.contains(digest));
            let mut whole = Vec::new();
            for (digest, path) in blobs {
                let failed = |source| failed("copy", &path, source);
                let file = open_regular(&path).map_err(failed)?;
                if hash(&file).map_err(failed)? == digest {
                    copied.files += 1;
                    copied.bytes += file.metadata().map_err(failed)?.len();
                    whole.push((digest, path));
                } else {
                    copied.damaged.push(digest);
                }
            }
            bucket.put_blobs(whole)?;
        }
        Ok(())
    }

    /// Copies one file. Returns the number of copied bytes.
    fn copy_file(
        &self,
        path: &Path,
        to: &Path,
        target: &Self,
        copied: &mut BackupTotals,
    ) -> Result<Option<u64>, Error> {
        let is_blob = path.starts_with(self.dir().join("blobs"));
        let digest = digest_in_name(path).filter(|digest| is_blob && self.path_of(*digest) == path);
        let is_file = self.bucket.is_some() || is_regular(path);
        if !is_file || (is_blob && digest.is_none()) {
            copied.refused.push(path.to_owned());
            return Ok(None);
        }
        let Some(digest) = digest else { return target.copy_other(self.open_to_copy(path)?, to) };
        if target.has_blob(digest)? {
            return Ok(None);
        }
        let bytes = target.copy_blob(digest, path, self)?;
        if bytes.is_none() {
            copied.damaged.push(digest);
        }
        Ok(bytes)
    }

    /// A takedown must also remove its blobs from the backup. Returns the blobs that the
    /// journal names and the backup lacks, and the damage to the journal.
    fn remove_taken_down_from(&self, target: &Self) -> Result<(Vec<Digest>, Vec<JournalFault>), Error> {
        let (mut holdings, mut removed) = (Holdings::default(), BTreeSet::new());
        let mut entries = self.entries();
        for entry in entries.by_ref() {
            let entry = entry?;
            holdings.add(&entry);
            if let Entry::TakenDown { removed: digests, .. } = entry {
                removed.extend(digests);
            }
        }
        // A blob that was captured again later stays, even if it is missing here.
        removed.difference(&holdings.expected).try_for_each(|digest| target.remove(*digest))?;
        let expected: Vec<Digest> = holdings.expected.into_iter().collect();
        Ok((target.without_file(&expected)?, entries.faults().to_vec()))
    }

    fn holdings(&self) -> Result<Holdings, Error> {
        let mut holdings = Holdings::default();
        for entry in self.entries() {
            holdings.add(&entry?);
        }
        Ok(holdings)
    }

    /// Copies a file that is neither a blob nor of the catalogue into this archive. The journal
    /// of a bucket is in its working directory too.
    fn copy_other(&self, mut source: File, to: &Path) -> Result<Option<u64>, Error> {
        let failed = |source| failed("copy to", to, source);
        let Some(bucket) = &self.bucket else { return self.copy_in(source, to).map_err(failed) };
        let inside = self.inside(to);
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).map_err(failed)?;
        if bucket.bucket.get(&inside)?.is_some_and(|found| found == bytes) {
            return Ok(None);
        }
        let length = bytes.len() as u64;
        bucket.bucket.put(&inside, bytes)?;
        if inside.starts_with("captures/") {
            source.rewind().map_err(failed)?;
            self.copy_in(source, to).map_err(failed)?;
        }
        Ok(Some(length))
    }

    /// Copies a file into this archive unless it is there with the same bytes. Returns the
    /// number of copied bytes.
    pub(super) fn copy_in(&self, mut source: File, to: &Path) -> io::Result<Option<u64>> {
        let length = source.metadata()?.len();
        let is_there = fs::symlink_metadata(to).is_ok_and(|there| there.is_file() && there.len() == length);
        if is_there && hash(&open_regular(to)?)? == hash(&source)? {
            return Ok(None);
        }
        let file = self.new_file()?;
        let bytes = copy_bytes(&mut source, &file, |_| ())?;
        Self::keep_as(file, &source, to)?;
        Ok(Some(bytes))
    }

    /// Copies a blob into this archive. `None` if its bytes have another digest.
    fn copy_blob(&self, digest: Digest, path: &Path, from: &Self) -> Result<Option<u64>, Error> {
        let failed = |source| failed("copy", path, source);
        let mut source = from.open_to_copy(path)?;
        let file = self.new_file().map_err(failed)?;
        let mut hasher = Sha256::new();
        let bytes = copy_bytes(&mut source, &file, |chunk| hasher.update(chunk)).map_err(failed)?;
        if Digest::from_bytes(hasher.finalize().into()) != digest {
            return Ok(None);
        }
        match &self.bucket {
            Some(bucket) => bucket.put_blobs(vec![(digest, file.path().to_owned())])?,
            None => Self::keep_as(file, &source, &self.path_of(digest)).map_err(failed)?,
        }
        Ok(Some(bytes))
    }

    fn new_file(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::NamedTempFile::new_in(self.dir().join("tmp"))
    }

    /// Gives a written file the permissions of its source and its name.
    fn keep_as(file: tempfile::NamedTempFile, source: &File, to: &Path) -> io::Result<()> {
        if let Some(parent) = to.parent() {
            disk::private_dir(parent)?;
        }
        file.as_file().set_permissions(source.metadata()?.permissions())?;
        disk::sync(file.as_file(), file.path(), StorageStep::CopySync)?;
        disk::persist(file, to, StorageStep::CopyRename)
    }
}

/// Copies the rest of a file. Returns its number of bytes.
fn copy_bytes(
    source: &mut File,
    to: &tempfile::NamedTempFile,
    mut each: impl FnMut(&[u8]),
) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(bytes),
            read => {
                each(&buffer[..read]);
                disk::write(to.as_file(), to.path(), &buffer[..read], StorageStep::CopyWrite)?;
                bytes += read as u64;
            }
        }
    }
}
