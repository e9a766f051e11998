//! Journal lines that an archive has lost, from a backup of it.
//!
//! A file of the journal is replaced by one with the lines of both. The damaged file stays in
//! quarantine.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::journal_reader::{files_of_journal, lines_of};
use super::{Archive, Error, failed, files_below, is_regular};
use crate::domain::journal::chain::{LineSeal, is_partly_sealed};
use crate::world::disk::{self, StorageStep};

/// The lines of a file, without those that are damaged.
#[derive(Debug, Default)]
struct SoundLines {
    /// Lines of earlier versions, in their order.
    earlier: Vec<Vec<u8>>,
    numbered: BTreeMap<u64, Vec<u8>>,
}

impl Archive {
    /// Adds the journal lines that this archive has lost and the backup has. Returns their
    /// number.
    pub fn restore_journal_from(&self, backup: &Self, now: Timestamp) -> Result<usize, Error> {
        if let Some(bucket) = &self.bucket {
            self.check_segments(bucket, now)?;
        }
        let _head =
            self.lock_journal().map_err(|source| failed("lock the journal of", self.dir(), source))?;
        let mut known = HashSet::new();
        for path in files_of_journal(self.dir())? {
            known.extend(
                SoundLines::read(&path).map_err(|source| failed("read", &path, source))?.numbered.into_keys(),
            );
        }
        let mut restored = 0;
        let files = files_of_journal(backup.dir())?.into_iter().map(|from| {
            let to = self.dir().join(from.strip_prefix(backup.dir()).unwrap_or(&from));
            (from, to)
        });
        for (from, to) in files.chain(self.set_aside_in(backup)?) {
            let mut theirs = SoundLines::read(&from).map_err(|source| failed("read", &from, source))?;
            theirs.numbered.retain(|number, _| !known.contains(number));
            let added = self.add_lines(&to, theirs, now).map_err(|source| failed("restore", &to, source))?;
            if added > 0
                && let Some(bucket) = &self.bucket
            {
                let lines = fs::read(&to).map_err(|source| failed("read", &to, source))?;
                bucket.bucket.put(&self.inside(&to), lines)?;
            }
            known.extend(
                SoundLines::read(&to).map_err(|source| failed("read", &to, source))?.numbered.into_keys(),
            );
            restored += added;
        }
        Ok(restored)
    }

    /// The files of the journal in the quarantine of a backup, with their paths in this archive.
    fn set_aside_in(&self, backup: &Self) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
        if backup.bucket.is_some() {
            return Ok(Vec::new());
        }
        let files = files_below(&backup.dir().join("quarantine"))?.into_iter().filter_map(|from| {
            let day = from.file_name()?.to_str()?.strip_prefix("captures-")?.replacen('-', "/", 3);
            let is_journal = is_regular(&from) && day.ends_with(".jsonl");
            is_journal.then(|| (from, self.dir().join("captures").join(day)))
        });
        Ok(files.collect())
    }

    /// Rewrites a file of the journal with these lines among its own.
    fn add_lines(&self, to: &Path, theirs: SoundLines, now: Timestamp) -> io::Result<usize> {
        let has_file = to.exists();
        let mut lines = if has_file { SoundLines::read(to)? } else { SoundLines::default() };
        let mut added = theirs.numbered.len();
        lines.numbered.extend(theirs.numbered);
        if !has_file {
            added += theirs.earlier.len();
            lines.earlier = theirs.earlier;
        }
        if added == 0 {
            return Ok(0);
        }
        if has_file {
            self.link_in_quarantine(to, &self.name_in_quarantine(to), now).map_err(io::Error::other)?;
        }
        let mut text = Vec::new();
        for line in lines.earlier.iter().chain(lines.numbered.values()) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let parent = to.parent().unwrap_or(self.dir());
        disk::private_dir(parent)?;
        self.replace(&to.strip_prefix(self.dir()).unwrap_or(to).to_string_lossy(), &text)?;
        self.sync_name(to, StorageStep::FileDirSync)?;
        Ok(added)
    }

    /// Before a backup replaces a file of its journal: one that is not the beginning of the
    /// new one may have lines that the archive has lost, so it moves to quarantine.
    pub(super) fn keep_other_journal(&self, from: &Path, to: &Path, now: Timestamp) -> Result<(), Error> {
        let differs = || -> io::Result<bool> {
            if !to.exists() {
                return Ok(false);
            }
            let (new, old) = (fs::read(from)?, fs::read(to)?);
            Ok(!new.starts_with(&old))
        };
        if differs().map_err(|source| failed("read", to, source))? {
            self.quarantine(to, &self.name_in_quarantine(to), now)?;
        }
        Ok(())
    }

    fn name_in_quarantine(&self, path: &Path) -> String {
        path.strip_prefix(self.dir()).unwrap_or(path).to_string_lossy().replace('/', "-")
    }
}

impl SoundLines {
    fn read(path: &Path) -> io::Result<Self> {
        let mut lines = Self::default();
        for line in lines_of(path)? {
            let line = line?;
            match LineSeal::of(&line) {
                Some(seal) => _ = lines.numbered.insert(seal.seq, line),
                None if line.is_empty() || is_partly_sealed(&line) => {}
                None => lines.earlier.push(line),
            }
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::journal::Entry;

    #[test]
    fn lost_and_altered_lines_come_back_from_a_backup() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (archive, backup) = (Archive::open(dir.path()).unwrap(), Archive::open(other.path()).unwrap());
        let day_of = |n: i64| Timestamp::from_second(n * 86_400).unwrap();
        for day in [1, 1, 1, 2, 3] {
            archive.append(day_of(day), &[Entry::Night { started: day_of(day) }]).unwrap();
        }
        archive.copy_to(&backup, day_of(4)).unwrap();
        archive.append(day_of(3), &[Entry::Night { started: day_of(4) }]).unwrap();
        let all: Vec<Entry> = archive.entries().map(Result::unwrap).collect();
        let first = dir.path().join("captures/1970/01/02.jsonl");
        let text = fs::read_to_string(&first).unwrap();
        fs::write(&first, text.replacen("night", "nicht", 2)).unwrap();
        fs::remove_file(dir.path().join("captures/1970/01/03.jsonl")).unwrap();
        let mut damaged = archive.entries();
        assert_eq!((damaged.by_ref().count(), damaged.faults().len()), (3, 3));
        // A backup of the damaged journal does not destroy the lines of the earlier one.
        assert!(!archive.copy_to(&backup, day_of(5)).unwrap().is_complete());
        assert!(other.path().join("quarantine/1970-01-06/captures-1970-01-02.jsonl").exists());
        assert_eq!(archive.restore_journal_from(&backup, day_of(9)).unwrap(), 3);
        let mut healed = archive.entries();
        assert_eq!(healed.by_ref().map(Result::unwrap).collect::<Vec<_>>(), all);
        assert_eq!(healed.faults(), []);
        assert_eq!(archive.restore_journal_from(&backup, day_of(9)).unwrap(), 0);
    }
}
