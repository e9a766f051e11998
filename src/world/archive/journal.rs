//! The files of the journal: one JSON object a line, one file a day, append-only.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Archive, Error, failed, files_below, is_regular, private_dir};
use crate::domain::journal::Entry;

impl Archive {
    /// Appends lines and syncs them: after it returns they survive a crash.
    ///
    /// The file of the day is locked meanwhile, because nights, pages and commands all
    /// append to it. If a crash or a full disk cut off the last line, that line is ended
    /// first; its bytes stay.
    pub fn append(&self, at: Timestamp, entries: &[Entry]) -> Result<(), Error> {
        let path = self.journal_of(at);
        let write = || -> io::Result<()> {
            let mut lines = Vec::new();
            for entry in entries {
                serde_json::to_writer(&mut lines, entry)?;
                lines.push(b'\n');
            }
            let parent = path.parent().unwrap_or(self.dir());
            private_dir(parent)?;
            let is_new = !path.exists();
            let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
            file.lock()?;
            if ends_within_a_line(&mut file)? {
                lines.insert(0, b'\n');
            }
            file.write_all(&lines)?;
            file.sync_data()?;
            if is_new { self.sync_dirs_up_from(parent) } else { Ok(()) }
        };
        write().map_err(|source| failed("append to", &path, source))
    }

    /// All entries, oldest file first.
    ///
    /// # Errors
    ///
    /// A complete line that cannot be parsed. Lines that a crash cut short are skipped.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry, Error>> + use<> {
        let (files, problem) = match self.journal_files() {
            Ok(files) => (files, None),
            Err(fault) => (Vec::new(), Some(Err(fault))),
        };
        problem.into_iter().chain(files.into_iter().flat_map(entries_of))
    }

    /// The entries of all days from that of `since` on.
    pub fn entries_since(
        &self,
        since: Timestamp,
    ) -> Result<impl Iterator<Item = Result<Entry, Error>> + use<>, Error> {
        let first = self.journal_of(since);
        let files = self.journal_files()?;
        Ok(files.into_iter().filter(move |path| *path >= first).flat_map(entries_of))
    }

    fn journal_of(&self, at: Timestamp) -> PathBuf {
        let day = at.to_zoned_datetime(TimeZone::UTC).date();
        self.dir().join("captures").join(day.strftime("%Y/%m/%d.jsonl").to_string())
    }

    fn journal_files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = files_below(&self.dir().join("captures"))?;
        files.retain(|path| {
            path.extension().is_some_and(|extension| extension == "jsonl") && is_regular(path)
        });
        Ok(files)
    }
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

fn entries_of(path: PathBuf) -> Box<dyn Iterator<Item = Result<Entry, Error>>> {
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) => return Box::new(std::iter::once(Err(Error::Io { doing: "read", path, source }))),
    };
    let lines = BufReader::new(file).split(b'\n');
    Box::new(lines.zip(1..).filter_map(move |(line, number)| match line {
        Err(source) => Some(Err(Error::Io { doing: "read", path: path.clone(), source })),
        Ok(line) if line.is_empty() => None,
        Ok(line) => match serde_json::from_slice(&line) {
            Ok(entry) => Some(Ok(entry)),
            // A crash cut this line short.
            Err(error) if error.is_eof() => None,
            Err(source) => Some(Err(Error::MalformedJournal { path: path.clone(), line: number, source })),
        },
    }))
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
}
