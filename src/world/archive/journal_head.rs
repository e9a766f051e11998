//! The head of the journal: the number and digest of its last line, and the lock for writers.
//!
//! It is a file beside the journal and can be lost: the next writer then reads the ends of
//! the journal's files. It is never ahead of the journal, so a head with a higher number
//! than the last line proves that lines were lost.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::journal_forks::counted;
use super::journal_reader::{files_of_journal, lines_of, place};
use super::{Archive, Error, failed};
use crate::domain::journal::chain::{Chain, LineSeal, LineSum};
use crate::world::disk::{self, StorageStep};

/// The head is padded to this length, so that rewriting it is one write of one block.
const LENGTH: usize = 512;

/// How much is read from the end of a file at first to find its last line.
const TAIL: u64 = 1 << 16;

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredHead {
    seq: u64,
    sum: String,
    /// The file of the last line, within the archive.
    file: PathBuf,
}

/// The head, locked for writing. The lock ends with this value.
#[derive(Debug)]
pub(super) struct JournalHead {
    file: File,
    path: PathBuf,
    pub(super) last: LineSeal,
    /// The file of the last line; `None` before the first numbered line.
    journal: Option<PathBuf>,
}

impl Archive {
    /// Locks the journal for writing.
    pub(super) fn lock_journal(&self) -> io::Result<JournalHead> {
        let mut options = OpenOptions::new();
        let path = self.dir().join("journal-head");
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        file.lock()?;
        let stored = read(&mut file)?;
        let mut head = JournalHead { file, path, last: LineSeal::default(), journal: None };
        match stored {
            Some((last, journal)) => {
                let path = self.dir().join(&journal);
                let newer = last_seal(&path)?.filter(|seal| seal.seq > last.seq);
                if newer.is_some() {
                    self.settle(&path)?;
                }
                head.last = newer.unwrap_or(last);
                head.journal = Some(journal);
            }
            None => head.last = self.found_end()?,
        }
        Ok(head)
    }

    /// Syncs the lines of a writer that was killed before it had synced them.
    pub fn settle_journal(&self) -> Result<(), Error> {
        self.lock_journal().map_err(|source| failed("sync", &self.dir().join("captures"), source))?;
        Ok(())
    }

    fn settle(&self, path: &Path) -> io::Result<()> {
        disk::sync_path(path, StorageStep::JournalSettle)?;
        self.sync_name(path, StorageStep::JournalDirSync)
    }

    /// The number of the last line; 0 if that is not known.
    pub(super) fn last_number(&self) -> io::Result<u64> {
        match File::open(self.dir().join("journal-head")) {
            Ok(mut file) => Ok(read(&mut file)?.map_or(0, |(last, _)| last.seq)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The last line of a journal without a head.
    pub(super) fn found_end(&self) -> io::Result<LineSeal> {
        let files = counted(files_of_journal(self.dir()).map_err(io::Error::other)?, self.dir())?;
        let mut last: Option<LineSeal> = None;
        for path in &files {
            let seal = last_seal(path)?;
            last = last.into_iter().chain(seal).max_by_key(|seal| seal.seq);
        }
        if let Some(last) = last {
            return Ok(last);
        }
        let mut chain = Chain::whole();
        for path in files {
            for (line, number) in lines_of(&path)?.zip(1..) {
                chain.check(&line?, || place(self.dir(), &path, number));
            }
        }
        Ok(chain.end())
    }
}

impl JournalHead {
    /// Records that the next lines go to this file, before they are written: the head names
    /// the file with the last line even after a power cut.
    pub(super) fn turn_to(&mut self, journal: &Path, dir: &Path) -> io::Result<()> {
        if self.journal.as_deref() == Some(journal) {
            return Ok(());
        }
        // An old head may have been put back.
        if let Some(newer) = last_seal(&dir.join(journal))?.filter(|seal| seal.seq > self.last.seq) {
            self.last = newer;
        }
        self.journal = Some(journal.to_owned());
        self.write(StorageStep::JournalHeadTurn)?;
        disk::sync(&self.file, &self.path, StorageStep::JournalHeadSync)
    }

    /// The segment of a bucket that a writer named and did not end: its lines do not count, and
    /// it is not in the directory.
    pub(super) fn unconfirmed(&self, dir: &Path) -> Option<&Path> {
        let journal = self.journal.as_deref()?;
        let first: u64 = journal.file_stem()?.to_str()?.rsplit_once('-')?.1.parse().ok()?;
        (first > self.last.seq && !dir.join(journal).exists()).then_some(journal)
    }

    /// Records the last line that was written.
    pub(super) fn advance(&mut self, last: LineSeal) -> io::Result<()> {
        self.last = last;
        self.write(StorageStep::JournalHeadAdvance)
    }

    fn write(&mut self, step: StorageStep) -> io::Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let stored = StoredHead { seq: self.last.seq, sum: self.last.sum.to_string(), file: journal.clone() };
        let mut text = serde_json::to_vec(&stored)?;
        text.resize(LENGTH.max(text.len()), b' ');
        self.file.seek(SeekFrom::Start(0))?;
        disk::write(&self.file, &self.path, &text, step)
    }
}

/// `None` for an empty or damaged file.
fn read(file: &mut File) -> io::Result<Option<(LineSeal, PathBuf)>> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let stored: Option<StoredHead> = serde_json::from_slice(&text).ok();
    Ok(stored.and_then(|stored| {
        let sum: LineSum = stored.sum.parse().ok()?;
        Some((LineSeal { seq: stored.seq, sum }, stored.file))
    }))
}

/// The last sealed line of a file; `None` if it has none.
pub(super) fn last_seal(path: &Path) -> io::Result<Option<LineSeal>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut tail = TAIL;
    loop {
        let start = length.saturating_sub(tail);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&mut file).take(length - start).read_to_end(&mut bytes)?;
        let mut lines = bytes.split(|byte| *byte == b'\n').rev();
        if let Some(seal) = lines.find_map(LineSeal::of) {
            return Ok(Some(seal));
        }
        if start == 0 {
            return Ok(None);
        }
        tail *= 8;
    }
}
