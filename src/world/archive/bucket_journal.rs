//! The journal of an archive in a bucket: segments that are written once.
//!
//! The working directory has a copy of the journal, which all readers use. A segment counts
//! once it is in the bucket and in the copy. One that is only in the bucket was written by a
//! process that was killed, or by another working directory: it is copied when the archive
//! is opened.

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bucket::ListedObject;
use super::bucket_archive::BucketArchive;
use super::journal::sealed;
use super::journal_forks::counted;
use super::journal_head::{JournalHead, last_seal};
use super::journal_reader::files_of_journal;
use super::verified::{hash, open_regular};
use super::{Archive, Error, failed};
use crate::domain::journal::Entry;
use crate::domain::journal::chain::LineSeal;
use crate::world::disk::{self, StorageStep};

impl Archive {
    /// Appends lines as a segment of its own. If it fails, none of them counts.
    pub(super) fn append_segment(
        &self,
        bucket: &BucketArchive,
        at: Timestamp,
        entries: &[Entry],
    ) -> Result<(), Error> {
        let cannot = |source| failed("append to", &self.dir().join("captures"), source);
        let mut head = self.lock_journal().map_err(cannot)?;
        if let Some(segment) = head.unconfirmed(self.dir()) {
            bucket.bucket.remove(&segment.to_string_lossy())?;
        }
        let path = self.turn_to_segment(&mut head, at).map_err(cannot)?;
        let inside = self.inside(&path).into_owned();
        let (lines, last) = sealed(&head.last, entries).map_err(cannot)?;
        let stored = bucket.bucket.put(&inside, lines.clone()).map_err(Error::from);
        let written = stored.and_then(|()| self.write_copy(&path, &lines).map_err(cannot));
        match written {
            Ok(()) => {}
            // The store may have the segment. The next append removes it.
            Err(Error::Bucket(error)) if error.is_temporary() => return Err(error.into()),
            Err(error) => {
                let _ = bucket.bucket.remove(&inside);
                return Err(error);
            }
        }
        if let Err(error) = head.advance(last) {
            tracing::warn!(%error, "the head of the journal cannot be written");
        }
        Ok(())
    }

    /// Chooses the segment for the next lines, and names it in the head.
    fn turn_to_segment(&self, head: &mut JournalHead, at: Timestamp) -> io::Result<PathBuf> {
        let writer = self.writer()?;
        loop {
            let number = head.last.seq + 1;
            let day = at.to_zoned_datetime(TimeZone::UTC).date().strftime("%Y/%m/%d").to_string();
            let inside = format!("captures/{day}/{writer}-{number:012}.jsonl");
            head.turn_to(Path::new(&inside), self.dir())?;
            // An old head may have been put back.
            if head.last.seq + 1 == number {
                return Ok(self.dir().join(inside));
            }
        }
    }

    fn write_copy(&self, path: &Path, lines: &[u8]) -> io::Result<()> {
        disk::private_dir(path.parent().unwrap_or(self.dir()))?;
        let file = tempfile::NamedTempFile::new_in(self.dir().join("tmp"))?;
        disk::write(file.as_file(), file.path(), lines, StorageStep::JournalWrite)?;
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        disk::sync(file.as_file(), file.path(), StorageStep::JournalSync)?;
        let named = disk::persist(file, path, StorageStep::FileRename)
            .and_then(|()| self.sync_name(path, StorageStep::JournalDirSync));
        if named.is_err() {
            // The segment does not count, and its lines could still be read.
            let _ = fs::remove_file(path);
        }
        named
    }

    /// Copies the segments of the bucket that the working directory lacks. Segments that the
    /// bucket has lost are written to it again, unless other ones are in their place.
    pub(super) fn pull_journal(&self, bucket: &BucketArchive) -> Result<(), Error> {
        let cannot = |source| failed("copy the journal to", self.dir(), source);
        let mut head = self.lock_journal().map_err(cannot)?;
        let listed = journal_objects(bucket)?;
        // A sound copy stays: `check_segments` compares it with the segment.
        let has = |object: &ListedObject| {
            let copy = fs::metadata(self.dir().join(&object.inside));
            copy.is_ok_and(|copy| copy.len() == object.bytes)
                || fs::read(self.dir().join(&object.inside)).is_ok_and(|copy| is_sound(&copy))
        };
        let new: Vec<String> =
            listed.iter().filter(|object| !has(object)).map(|object| object.inside.clone()).collect();
        if !new.is_empty() {
            self.copy_segments(bucket, &new)?;
        }
        let files = files_of_journal(self.dir())?;
        let counted: HashSet<PathBuf> =
            counted(files.clone(), self.dir()).map_err(cannot)?.into_iter().collect();
        let mut has_removed = false;
        for path in &files {
            let inside = self.inside(path);
            if listed.binary_search_by(|object| object.inside.as_str().cmp(&inside)).is_ok() {
                continue;
            }
            if counted.contains(path) {
                tracing::warn!(segment = %inside, "the bucket has lost a part of the journal; it is written again");
                bucket.bucket.put(&inside, fs::read(path).map_err(cannot)?)?;
            } else {
                fs::remove_file(path).map_err(cannot)?;
                has_removed = true;
            }
        }
        if has_removed {
            // The head may be that of a segment that does not count.
            head.advance(self.found_end().map_err(cannot)?).map_err(cannot)?;
        }
        let mut newest: Option<(LineSeal, String)> = None;
        for inside in new.into_iter().filter(|inside| counted.contains(&self.dir().join(inside))) {
            let seal = last_seal(&self.dir().join(&inside)).map_err(cannot)?;
            if let Some(seal) =
                seal.filter(|seal| newest.as_ref().is_none_or(|(last, _)| last.seq < seal.seq))
            {
                newest = Some((seal, inside));
            }
        }
        if let Some((_, inside)) = newest.filter(|(seal, _)| seal.seq > head.last.seq) {
            head.turn_to(Path::new(&inside), self.dir()).map_err(cannot)?;
        }
        Ok(())
    }

    fn copy_segments(&self, bucket: &BucketArchive, segments: &[String]) -> Result<(), Error> {
        let files: Vec<_> = segments.iter().map(|inside| (inside.clone(), self.dir().join(inside))).collect();
        bucket.bucket.download_all(files, self.dir().join("tmp"))?;
        self.sync_all_names()
    }

    /// Compares each segment of the bucket with its copy. An altered segment whose copy is sound
    /// moves to quarantine and is written again; otherwise the copy becomes as the segment.
    pub(super) fn check_segments(&self, bucket: &BucketArchive, now: Timestamp) -> Result<(), Error> {
        self.pull_journal(bucket)?;
        let mut altered = Vec::new();
        let mut segments = journal_objects(bucket)?;
        // Other processes may have written more meanwhile.
        segments.retain(|segment| self.dir().join(&segment.inside).exists());
        bucket.bucket.hash_each(segments, |inside, read| {
            let path = self.dir().join(inside);
            let copy = open_regular(&path).and_then(|file| hash(&file));
            let copy = copy.map_err(|source| failed("read", &path, source))?;
            if read?.is_some_and(|read| read.digest != copy) {
                altered.push(inside.to_owned());
            }
            Ok::<(), Error>(())
        })?;
        let mut lost = Vec::new();
        for inside in altered {
            let path = self.dir().join(&inside);
            let lines = fs::read(&path).map_err(|source| failed("read", &path, source))?;
            if is_sound(&lines) {
                self.quarantine(&path, &inside.replace('/', "-"), now)?;
                bucket.bucket.put(&inside, lines)?;
                tracing::warn!(
                    segment = inside,
                    "a part of the journal had changed in the bucket; it is written again"
                );
            } else {
                lost.push(inside);
            }
        }
        if lost.is_empty() { Ok(()) } else { self.copy_segments(bucket, &lost) }
    }
}

pub(super) fn journal_objects(bucket: &BucketArchive) -> Result<Vec<ListedObject>, Error> {
    let mut objects = bucket.bucket.list("captures")?;
    objects.retain(|object| Path::new(&object.inside).extension().is_some_and(|it| it == "jsonl"));
    Ok(objects)
}

/// Whether all lines have the digest that they give.
fn is_sound(lines: &[u8]) -> bool {
    let mut found = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    !lines.is_empty() && found.all(|line| LineSeal::of(line).is_some())
}
