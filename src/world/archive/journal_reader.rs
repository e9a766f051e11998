//! Reading the journal: its lines in the order of their numbers, and its damage.
//!
//! A file is named by the day of the clock. A clock that was wrong may put later lines into
//! an earlier file, so the files are merged by the numbers of their lines.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::{Error, files_below, is_regular};
use crate::domain::journal::Entry;
use crate::domain::journal::chain::{Chain, JournalFault, LinePlace, LineSeal, LineUse};

/// The entries of the journal, in the order in which they became known.
///
/// A line that is damaged is skipped and becomes a fault. An item is an error only if a
/// file cannot be read at all.
#[derive(Debug)]
pub struct JournalReader {
    dir: PathBuf,
    /// Files with lines left, by the number of their next line.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    files: Vec<JournalFile>,
    chain: Chain,
    trouble: VecDeque<Error>,
    last_number: Option<u64>,
}

/// A file of the journal; it is open from its first line to its last.
#[derive(Debug)]
struct JournalFile {
    path: PathBuf,
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    lines: io::Split<BufReader<File>>,
    /// The line that comes next, and its number within the file.
    ahead: Vec<u8>,
    line: u64,
}

impl JournalReader {
    /// Reads these files. `chain` knows whether they are the whole journal, and
    /// `last_number` is the number that was given last.
    pub(super) fn new(dir: &Path, files: Vec<PathBuf>, chain: Chain, last_number: u64) -> Self {
        let mut reader = Self {
            dir: dir.to_owned(),
            next: BinaryHeap::new(),
            files: Vec::new(),
            chain,
            trouble: VecDeque::new(),
            last_number: Some(last_number),
        };
        for (index, path) in files.into_iter().enumerate() {
            match first_number(&path) {
                Ok(number) => reader.next.push(Reverse((number, index))),
                Err(source) => reader.trouble.push_back(failed(&path, source)),
            }
            reader.files.push(JournalFile { path, open: None });
        }
        reader
    }

    /// A reader that only has this error.
    pub(super) fn failed(dir: &Path, error: Error) -> Self {
        let mut reader = Self::new(dir, Vec::new(), Chain::partial(), 0);
        reader.trouble.push_back(error);
        reader
    }

    /// The damage among the lines so far; of the whole journal once all entries are read.
    pub fn faults(&self) -> &[JournalFault] {
        self.chain.faults()
    }

    /// Reads all lines and returns the damage. It does not look into sound lines.
    pub(super) fn into_faults(mut self) -> Result<Vec<JournalFault>, Error> {
        if let Some(error) = self.trouble.pop_front() {
            return Err(error);
        }
        while let Some(line) = self.next_line() {
            let (line, place) = line?;
            self.chain.check(&line, || place.clone());
        }
        self.close();
        Ok(self.chain.faults().to_vec())
    }

    fn close(&mut self) {
        if let Some(number) = self.last_number.take() {
            self.chain.close(number);
        }
    }

    /// The next line in the order of the numbers, with its place.
    fn next_line(&mut self) -> Option<Result<(Vec<u8>, LinePlace), Error>> {
        while let Some(Reverse((number, index))) = self.next.pop() {
            match self.files[index].take_line() {
                Ok(Some((line, at))) => {
                    let place = place(&self.dir, &self.files[index].path, at);
                    if let Some(next) = self.files[index].number_ahead(number) {
                        self.next.push(Reverse((next, index)));
                    }
                    return Some(Ok((line, place)));
                }
                Ok(None) => {}
                Err(source) => return Some(Err(failed(&self.files[index].path, source))),
            }
        }
        None
    }
}

impl Iterator for JournalReader {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.trouble.pop_front() {
            return Some(Err(error));
        }
        loop {
            let (line, place) = match self.next_line() {
                Some(Ok(found)) => found,
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    self.close();
                    return None;
                }
            };
            if self.chain.check(&line, || place.clone()) == LineUse::Skip {
                continue;
            }
            match serde_json::from_slice(&line) {
                Ok(entry) => return Some(Ok(entry)),
                // A crash cut this line short.
                Err(error) if error.is_eof() => {}
                Err(error) => self.chain.malformed(place, error.to_string()),
            }
        }
    }
}

impl JournalFile {
    /// The next line and its number within the file. Opens the file for its first line.
    fn take_line(&mut self) -> io::Result<Option<(Vec<u8>, u64)>> {
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let mut lines = lines_of(&self.path)?;
                let Some(ahead) = lines.next().transpose()? else { return Ok(None) };
                self.open.insert(OpenFile { lines, ahead, line: 1 })
            }
        };
        let (line, at) = (std::mem::take(&mut open.ahead), open.line);
        match open.lines.next().transpose()? {
            Some(ahead) => (open.ahead, open.line) = (ahead, at + 1),
            None => self.open = None,
        }
        Ok(Some((line, at)))
    }

    /// The number of the next line. A line without a sound number follows the line before it.
    fn number_ahead(&self, before: u64) -> Option<u64> {
        let open = self.open.as_ref()?;
        Some(LineSeal::of(&open.ahead).map_or(before, |seal| seal.seq))
    }
}

/// The number of the first line; 0 if it has none.
fn first_number(path: &Path) -> io::Result<u64> {
    let first = lines_of(path)?.next().transpose()?;
    Ok(first.and_then(|line| LineSeal::of(&line)).map_or(0, |seal| seal.seq))
}

pub(super) fn lines_of(path: &Path) -> io::Result<io::Split<BufReader<File>>> {
    Ok(BufReader::new(File::open(path)?).split(b'\n'))
}

pub(super) fn place(dir: &Path, path: &Path, line: u64) -> LinePlace {
    LinePlace { file: path.strip_prefix(dir).unwrap_or(path).display().to_string(), line }
}

/// All files of the journal, in the order of their names.
pub(super) fn files_of_journal(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = files_below(&dir.join("captures"))?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl") && is_regular(path));
    Ok(files)
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io { doing: "read", path: path.to_owned(), source }
}
