//! The files of the journal: one JSON object a line, one file a day, append-only.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::journal_forks::counted;
use super::journal_head::last_seal;
use super::journal_reader::{JournalReader, files_of_journal, lines_of};
use super::{Archive, Error, failed};
use crate::domain::journal::Entry;
use crate::domain::journal::chain::{Chain, JournalFault, LineSeal};
use crate::world::disk::{self, StorageStep};

/// How the line of a night begins; other lines need not be parsed to find it.
const NIGHT: &[u8] = br#"{"kind":"night""#;

impl Archive {
    /// Appends lines and syncs them: after it returns they survive a crash.
    ///
    /// If it fails, none of them counts.
    ///
    /// The journal is locked meanwhile, because nights, pages and commands all append to
    /// it. A line that a crash or a full disk cut short is ended first; its bytes stay.
    pub fn append(&self, at: Timestamp, entries: &[Entry]) -> Result<(), Error> {
        if self.has_shared_journal() {
            return Err(self.cannot_append(io::Error::other("its end is in the catalogue")));
        }
        if let Some(bucket) = &self.bucket {
            return self.append_segment(bucket, at, entries);
        }
        let path = self.journal_of(at);
        self.write_lines(&path, entries).map_err(|source| failed("append to", &path, source))
    }

    fn write_lines(&self, path: &Path, entries: &[Entry]) -> io::Result<()> {
        let parent = path.parent().unwrap_or(self.dir());
        disk::private_dir(parent)?;
        let mut head = self.lock_journal()?;
        head.turn_to(path.strip_prefix(self.dir()).unwrap_or(path), self.dir())?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        // A program of an earlier version locks the file of the day only.
        file.lock()?;
        let (mut lines, last) = sealed(&head.last, entries)?;
        if ends_within_a_line(&mut file)? {
            lines.insert(0, b'\n');
        }
        let length = file.metadata()?.len();
        let written = disk::write(&file, path, &lines, StorageStep::JournalWrite)
            .and_then(|()| disk::sync(&file, path, StorageStep::JournalSync))
            .and_then(|()| self.sync_name(path, StorageStep::JournalDirSync));
        if written.is_err() {
            // These lines do not count. They are removed, because they could still be read.
            file.set_len(length)?;
            // The lines are not on the disk either way, so the result does not matter.
            let _ = file.sync_all();
            return written;
        }
        if let Err(error) = head.advance(last) {
            // The lines are stored, and the next writer finds the end of the journal itself.
            tracing::warn!(%error, "the head of the journal cannot be written");
        }
        Ok(())
    }

    /// The number of the last line that was appended; 0 if that is not known.
    pub fn last_line_number(&self) -> Result<u64, Error> {
        let number =
            self.last_number().map_err(|source| failed("read", &self.dir().join("journal-head"), source))?;
        Ok(number.max(self.last_line.load(Ordering::Relaxed)))
    }

    /// The journal has at least so many lines.
    pub fn set_last_line(&self, number: u64) {
        self.last_line.fetch_max(number, Ordering::Relaxed);
    }

    /// The files of the journal with the lines that count. Those of other processes are fetched.
    fn counted_files(&self) -> Result<Vec<PathBuf>, Error> {
        if let Some(bucket) = self.bucket.as_ref().filter(|_| self.has_shared_journal()) {
            self.pull_journal(bucket)?;
        }
        counted(files_of_journal(self.dir())?, self.dir())
            .map_err(|source| failed("read", &self.dir().join("captures"), source))
    }

    /// All entries, in the order in which they became known.
    pub fn entries(&self) -> JournalReader {
        let read = || -> Result<_, Error> {
            // Lines that are appended meanwhile are not missing.
            let number = self.last_line_number()?;
            let files = self.counted_files()?;
            Ok(JournalReader::new(self.dir(), files, Chain::whole(), number))
        };
        read().unwrap_or_else(|error| JournalReader::failed(self.dir(), error))
    }

    /// The damage to the journal.
    pub fn check_journal(&self) -> Result<Vec<JournalFault>, Error> {
        self.entries().into_faults()
    }

    /// The entries from the night that began at this time on, and maybe some before it.
    pub fn entries_from_night(&self, started: Timestamp) -> Result<JournalReader, Error> {
        let read = |source| failed("read", &self.dir().join("captures"), source);
        let mut files = Vec::new();
        for path in self.counted_files()? {
            files.push((last_seal(&path).map_err(read)?.map_or(0, |seal| seal.seq), path));
        }
        files.sort();
        let mut first = None;
        for file in files.iter().rev() {
            first = number_of_night(&file.1, started).map_err(read)?.map(|number| (number, file.1.clone()));
            if first.is_some() {
                break;
            }
        }
        files.retain(|(last, path)| match &first {
            Some((0, of_night)) => *last > 0 || path >= of_night,
            Some((number, _)) => last >= number,
            // Without the line of the night, the names of the files must do.
            None => *path >= self.journal_of(started).with_extension(""),
        });
        let files = files.into_iter().map(|(_, path)| path).collect();
        Ok(JournalReader::new(self.dir(), files, Chain::partial(), 0))
    }

    fn journal_of(&self, at: Timestamp) -> PathBuf {
        let day = at.to_zoned_datetime(TimeZone::UTC).date();
        self.dir().join("captures").join(day.strftime("%Y/%m/%d.jsonl").to_string())
    }
}

/// The lines of entries that follow a line, and the seal of the last one.
pub(super) fn sealed(before: &LineSeal, entries: &[Entry]) -> io::Result<(Vec<u8>, LineSeal)> {
    let (mut lines, mut last) = (Vec::new(), before.clone());
    for entry in entries {
        let (line, seal) = last.seal_next(&serde_json::to_vec(entry)?);
        lines.extend_from_slice(&line);
        lines.push(b'\n');
        last = seal;
    }
    Ok((lines, last))
}

/// The number of the line of the night that began at this time, if the file has it; 0 for a
/// line of an earlier version.
fn number_of_night(path: &Path, started: Timestamp) -> io::Result<Option<u64>> {
    for line in lines_of(path)? {
        let line = line?;
        if line.starts_with(NIGHT)
            && let Ok(Entry::Night { started: found }) = serde_json::from_slice(&line)
            // Journals of earlier versions have nanoseconds, the catalogue has microseconds.
            && found.as_microsecond() == started.as_microsecond()
        {
            return Ok(Some(LineSeal::of(&line).map_or(0, |seal| seal.seq)));
        }
    }
    Ok(None)
}

fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn processes_append_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let entry = Entry::Night { started: at };
        archive.append(at, std::slice::from_ref(&entry)).unwrap();
        let other = File::open(archive.journal_of(at)).unwrap();
        other.lock().unwrap();
        let (sender, receiver) = mpsc::channel();
        let again = entry.clone();
        let beside = Archive::open_shared(dir.path()).unwrap();
        let appending = std::thread::spawn(move || {
            beside.append(at, &[again]).unwrap();
            sender.send(()).unwrap();
        });
        assert!(receiver.recv_timeout(Duration::from_millis(200)).is_err(), "it did not wait");
        other.unlock().unwrap();
        receiver.recv().unwrap();
        appending.join().unwrap();
        assert_eq!(archive.entries().map(Result::unwrap).collect::<Vec<_>>(), [entry.clone(), entry]);
    }

    /// The nights of an archive, begun on these days by the clock, in this order.
    fn nights(archive: &Archive, days: &[i64]) -> Vec<Entry> {
        let nights = days.iter().map(|day| Entry::Night { started: day_of(*day) });
        let nights: Vec<Entry> = nights.collect();
        for (night, day) in nights.iter().zip(days) {
            archive.append(day_of(*day), std::slice::from_ref(night)).unwrap();
        }
        nights
    }

    fn day_of(n: i64) -> Timestamp {
        Timestamp::from_second(n * 86_400).unwrap()
    }

    #[test]
    fn a_night_of_a_wrong_clock_keeps_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        // The second night began under a clock that was ahead, the fourth under one that was
        // behind; the sixth is on the day on which the second one seemed to be.
        let nights = nights(&archive, &[10, 375, 12, 2, 14, 375, 376]);
        let mut entries = archive.entries();
        assert_eq!(entries.by_ref().map(Result::unwrap).collect::<Vec<_>>(), nights);
        assert_eq!(entries.faults(), []);
        let since = archive.entries_from_night(day_of(2)).unwrap();
        let since: Vec<Entry> = since.map(Result::unwrap).collect();
        assert!(since.ends_with(&nights[3..]) && !since.contains(&nights[0]), "{since:?}");
    }

    #[test]
    fn segments_of_a_bucket_are_read_like_files_of_days() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let nights = nights(&archive, &[10, 11, 11, 12]);
        for day in [10, 11, 12] {
            let path = archive.journal_of(day_of(day));
            let segments = path.with_extension("");
            std::fs::create_dir(&segments).unwrap();
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let number = LineSeal::of(line.as_bytes()).unwrap().seq;
                std::fs::write(segments.join(format!("w-{number:012}.jsonl")), format!("{line}\n")).unwrap();
            }
            std::fs::remove_file(&path).unwrap();
        }
        let mut entries = archive.entries();
        assert_eq!(entries.by_ref().map(Result::unwrap).collect::<Vec<_>>(), nights);
        assert_eq!(entries.faults(), []);
        for second in [0, 1] {
            let night = day_of(11) + jiff::SignedDuration::from_secs(second);
            let since = archive.entries_from_night(night).unwrap();
            let since: Vec<Entry> = since.map(Result::unwrap).collect();
            assert!(since.ends_with(&nights[2..]) && !since.contains(&nights[0]), "{since:?}");
        }
    }

    #[test]
    fn a_journal_without_its_head_goes_on_with_the_next_number() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let head = dir.path().join("journal-head");
        let first = nights(&archive, &[1, 2]);
        let whole = std::fs::read(&head).unwrap();
        std::fs::remove_file(&head).unwrap();
        let second = nights(&archive, &[3]);
        std::fs::write(&head, &whole).unwrap();
        let third = nights(&archive, &[3]);
        let mut entries = archive.entries();
        let read: Vec<Entry> = entries.by_ref().map(Result::unwrap).collect();
        assert_eq!(read, [first, second, third].concat());
        assert_eq!(entries.faults(), [], "although an old head was restored");
    }

    #[test]
    fn a_lost_end_of_the_journal_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        nights(&archive, &[1, 2]);
        std::fs::remove_file(archive.journal_of(day_of(2))).unwrap();
        let mut entries = archive.entries();
        assert_eq!(entries.by_ref().count(), 1);
        assert_eq!(entries.faults(), [JournalFault::MissingAtEnd { count: 1 }]);
    }
}
