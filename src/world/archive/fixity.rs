//! Fixity: that stored bytes still have their digest.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, OpenOptions};
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bucket::ListedObject;
use super::bucket_archive::BucketArchive;
use super::hashing::{Hashed, hash, hash_below};
use super::{Archive, Error, blob_inside, digest_in_name, entries_in, failed, files_below, is_regular};
use crate::domain::capture::{Digest, Loss};
use crate::domain::journal::Holdings;
use crate::domain::journal::chain::JournalFault;
use crate::world::disk::{self, StorageStep};

/// The results of a fixity check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FixityResults {
    pub sound: Vec<Digest>,
    pub bytes: u64,
    pub damaged: Vec<DamagedBlob>,
    /// Named in the journal but not in the archive, including blobs just quarantined.
    pub missing: Vec<Digest>,
    /// Damage to the journal.
    pub journal: Vec<JournalFault>,
}

impl FixityResults {
    /// Whether neither a blob nor the journal is damaged.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.missing.is_empty() && self.journal.is_empty()
    }

    /// The damaged and the missing blobs.
    pub fn lost(&self) -> Vec<(Digest, Loss)> {
        let damaged = self.damaged.iter().filter_map(|damage| damage.name.parse().ok());
        let damaged = damaged.map(|digest| (digest, Loss::Altered));
        damaged.chain(self.missing.iter().map(|digest| (*digest, Loss::Missing))).collect()
    }
}

/// A blob whose bytes do not match its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedBlob {
    pub name: String,
    /// Its place in quarantine; `None` if the archive is read-only.
    pub moved_to: Option<String>,
}

/// The number of nights in which the whole archive is checked once.
const NIGHTS: u64 = 30;

impl Archive {
    /// Hashes every blob. Damaged blobs are moved to quarantine, never deleted, and
    /// recorded in the audit log, unless the archive is read-only. So many threads hash; the
    /// journal is read at the same time.
    pub fn verify(&self, now: Timestamp, threads: NonZero<usize>) -> Result<FixityResults, Error> {
        let mut fixity = FixityResults::default();
        if let Some(bucket) = &self.bucket {
            self.check_segments(bucket, now)?;
        }
        let read_journal = || self.expected_blobs();
        let (expected, faults) = std::thread::scope(|scope| {
            let journal = scope.spawn(read_journal);
            match &self.bucket {
                Some(bucket) => {
                    let blobs = bucket.bucket.list("blobs/sha256")?;
                    self.check_objects(bucket, blobs, now, &mut fixity)?;
                }
                None => {
                    let parts = entries_in(&self.dir().join("blobs/sha256"))?;
                    hash_below(&parts, threads, |path, hashed| self.check(path, hashed, now, &mut fixity))?;
                }
            }
            journal.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        fixity.sound.sort_unstable();
        fixity.damaged.sort_by(|one, other| one.name.cmp(&other.name));
        for fault in &faults {
            self.audit(
                now,
                &serde_json::json!({ "at": now, "found": "journal", "fault": fault.to_string() }),
            )?;
        }
        fixity.journal = faults;
        let is_missing = |digest: &Digest| fixity.sound.binary_search(digest).is_err();
        fixity.missing = expected.into_iter().filter(is_missing).collect();
        if !fixity.missing.is_empty() {
            self.audit(now, &serde_json::json!({ "at": now, "found": "missing", "blobs": fixity.missing }))?;
        }
        self.audit_verified(now, &fixity)?;
        Ok(fixity)
    }

    /// The blobs that the journal names, and the damage to the journal.
    fn expected_blobs(&self) -> Result<(BTreeSet<Digest>, Vec<JournalFault>), Error> {
        let mut holdings = Holdings::default();
        let mut entries = self.entries();
        for entry in entries.by_ref() {
            holdings.add(&entry?);
        }
        Ok((holdings.expected, entries.faults().to_vec()))
    }

    /// Hashes one night's share of the archive: the blobs that were never checked, or
    /// longest ago by `last`. It ends early when `is_enough` returns true. Damage is
    /// handled as in [`verify`](Self::verify). It finds no missing blobs; see
    /// [`without_file`](Self::without_file).
    pub fn scrub(
        &self,
        now: Timestamp,
        last: &HashMap<Digest, Timestamp>,
        mut is_enough: impl FnMut() -> bool,
    ) -> Result<FixityResults, Error> {
        let blobs = self.measured_blobs()?;
        let share = blobs.iter().map(|(_, bytes)| bytes).sum::<u64>().div_ceil(NIGHTS);
        let checked = |path: &Path| digest_in_name(path).and_then(|digest| last.get(&digest)).copied();
        let mut blobs: Vec<_> =
            blobs.into_iter().map(|(path, bytes)| (checked(&path), path, bytes)).collect();
        blobs.sort();
        let mut fixity = FixityResults::default();
        for some in blobs.chunks(self.hashed_at_once()) {
            if fixity.bytes >= share || is_enough() {
                break;
            }
            match &self.bucket {
                Some(bucket) => {
                    let object = |(_, path, bytes): &(_, PathBuf, u64)| ListedObject {
                        inside: self.inside(path).into_owned(),
                        bytes: *bytes,
                    };
                    self.check_objects(bucket, some.iter().map(object).collect(), now, &mut fixity)?;
                }
                None => {
                    some.iter().try_for_each(|(_, path, _)| self.check(path, hash(path), now, &mut fixity))?
                }
            }
        }
        if let Some(bucket) = &self.bucket {
            self.pull_journal(bucket)?;
        }
        fixity.journal = self.check_journal()?;
        self.audit_verified(now, &fixity)?;
        Ok(fixity)
    }

    /// All blobs with their lengths in bytes.
    fn measured_blobs(&self) -> Result<Vec<(PathBuf, u64)>, Error> {
        if let Some(bucket) = &self.bucket {
            let listed = bucket.bucket.list("blobs/sha256")?;
            return Ok(listed.into_iter().map(|blob| (self.dir().join(blob.inside), blob.bytes)).collect());
        }
        let measured = |path: PathBuf| match fs::metadata(&path) {
            Ok(it) => Ok((path, it.len())),
            Err(source) => Err(failed("measure", &path, source)),
        };
        self.blobs()?.into_iter().map(measured).collect()
    }

    /// How many blobs a fixity check hashes before it looks whether it should end: a file is
    /// hashed at once, but a store answers late and takes several requests at a time.
    fn hashed_at_once(&self) -> usize {
        if self.bucket.is_some() { 64 } else { 1 }
    }

    fn check_objects(
        &self,
        bucket: &BucketArchive,
        blobs: Vec<ListedObject>,
        now: Timestamp,
        fixity: &mut FixityResults,
    ) -> Result<(), Error> {
        bucket.bucket.hash_each(blobs, |inside, read| match read? {
            Some(read) => self.check(&self.dir().join(inside), Ok((read.digest, read.bytes)), now, fixity),
            // It was taken down after it was listed.
            None => Ok(()),
        })
    }

    /// Those of the digests that the archive has no file for. It hashes nothing.
    pub fn without_file(&self, expected: &[Digest]) -> Result<Vec<Digest>, Error> {
        if let Some(bucket) = &self.bucket {
            bucket.list_again()?;
        }
        let mut missing = Vec::new();
        for digest in expected {
            if !self.is_stored(*digest)? {
                missing.push(*digest);
            }
        }
        Ok(missing)
    }

    /// Whether the archive has a file for this digest. It hashes nothing. A bucket is listed
    /// once, and then again by [`without_file`](Self::without_file) each night.
    pub fn is_stored(&self, digest: Digest) -> Result<bool, Error> {
        match &self.bucket {
            Some(bucket) => bucket.is_stored(digest),
            None => Ok(is_regular(&self.path_of(digest))),
        }
    }

    /// The number of blobs in quarantine. Pages ask for it, so a bucket is not: `None` before
    /// [`without_file`](Self::without_file) or the start of the service listed it.
    pub fn quarantined(&self) -> Result<Option<u64>, Error> {
        if let Some(bucket) = &self.bucket {
            return Ok(bucket.quarantined());
        }
        let files = files_below(&self.dir().join("quarantine"))?;
        Ok(Some(files.iter().filter(|path| digest_in_name(path).is_some()).count() as u64))
    }

    /// Quarantines a blob if its digest is not its name. One in a bucket is read a second time first.
    fn check(
        &self,
        path: &Path,
        hashed: Hashed,
        now: Timestamp,
        fixity: &mut FixityResults,
    ) -> Result<(), Error> {
        let (digest, bytes) = hashed.map_err(|source| failed("read", path, source))?;
        fixity.bytes += bytes;
        let named = digest_in_name(path);
        let is_sound = match (&self.bucket, named) {
            (_, Some(named)) if named == digest => true,
            (Some(bucket), Some(named)) => bucket.is_sound_after_all(named)?,
            _ => false,
        };
        if let Some(named) = named.filter(|_| is_sound) {
            fixity.sound.push(named);
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let moved_to = if self.is_read_only() { None } else { Some(self.quarantine(path, &name, now)?) };
            fixity.damaged.push(DamagedBlob { name, moved_to });
        }
        Ok(())
    }

    fn audit_verified(&self, now: Timestamp, fixity: &FixityResults) -> Result<(), Error> {
        let (sound, altered, missing) = (fixity.sound.len(), fixity.damaged.len(), fixity.missing.len());
        let line = serde_json::json!({
            "at": now, "verified": sound, "bytes": fixity.bytes, "altered": altered, "missing": missing,
        });
        self.audit(now, &line)
    }

    /// Rewrites `SHA256SUMS`, in the order of the names.
    pub fn write_sums(&self) -> Result<(), Error> {
        self.write_sums_of(self.blobs()?.iter().filter_map(|path| digest_in_name(path)))
    }

    /// The same for blobs that are known already, in the order of their names.
    pub fn write_sums_of(&self, blobs: impl IntoIterator<Item = Digest>) -> Result<(), Error> {
        let mut sums = String::new();
        for digest in blobs {
            if self.is_stored(digest)? {
                sums.push_str(&format!("{digest}  {}\n", blob_inside(digest)));
            }
        }
        self.publish("SHA256SUMS", sums.as_bytes())
    }

    /// All blobs, sorted by name.
    fn blobs(&self) -> Result<Vec<PathBuf>, Error> {
        let blobs = self.files_in("blobs/sha256")?;
        if let Some(bucket) = &self.bucket {
            bucket.are_stored(blobs.iter().filter_map(|path| digest_in_name(path)));
        }
        Ok(blobs)
    }

    /// Moves a file to quarantine. Returns its new place.
    pub(super) fn quarantine(&self, path: &Path, name: &str, now: Timestamp) -> Result<String, Error> {
        if let Some(bucket) = &self.bucket {
            let moved_to = self.quarantine_object(bucket, path, name, now)?;
            self.audit_altered(name, &moved_to, now)?;
            return Ok(moved_to);
        }
        self.set_aside(path, name, now, |to| disk::rename(path, to, StorageStep::QuarantineRename))
    }

    /// The same for a file that stays until another one replaces it, so that a crash in
    /// between loses nothing.
    pub(super) fn link_in_quarantine(
        &self,
        path: &Path,
        name: &str,
        now: Timestamp,
    ) -> Result<String, Error> {
        self.set_aside(path, name, now, |to| {
            disk::remove(to, StorageStep::QuarantineRemove)?;
            disk::link(path, to, StorageStep::QuarantineLink)
        })
    }

    fn set_aside(
        &self,
        path: &Path,
        name: &str,
        now: Timestamp,
        set: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<String, Error> {
        let day = now.to_zoned_datetime(TimeZone::UTC).date();
        let dir = self.dir().join("quarantine").join(day.to_string());
        let moved_to = dir.join(name);
        disk::private_dir(&dir)
            .and_then(|()| set(&moved_to))
            .map_err(|source| failed("set aside", path, source))?;
        let moved_to = moved_to.display().to_string();
        self.audit_altered(name, &moved_to, now)?;
        Ok(moved_to)
    }

    fn audit_altered(&self, name: &str, moved_to: &str, now: Timestamp) -> Result<(), Error> {
        let line = serde_json::json!({ "at": now, "found": "altered", "blob": name, "moved_to": moved_to });
        self.audit(now, &line)
    }

    /// Appends to the audit log, unless the archive is read-only.
    pub fn audit(&self, at: Timestamp, line: &serde_json::Value) -> Result<(), Error> {
        if let Some(bucket) = &self.bucket {
            return bucket.audit(at, line);
        }
        if self.is_read_only() {
            return Ok(());
        }
        let month = at.to_zoned_datetime(TimeZone::UTC).date().strftime("%Y-%m").to_string();
        let path = self.dir().join("audit").join(format!("{month}.jsonl"));
        let write = || -> io::Result<()> {
            let file = OpenOptions::new().append(true).create(true).open(&path)?;
            disk::write(&file, &path, format!("{line}\n").as_bytes(), StorageStep::AuditWrite)?;
            disk::sync(&file, &path, StorageStep::AuditSync)?;
            self.sync_name(&path, StorageStep::AuditDirSync)
        };
        write().map_err(|source| failed("append to", &path, source))
    }
}
