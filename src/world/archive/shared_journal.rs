//! The journal of an archive in a bucket that several processes append to.
//!
//! Its end is in the catalogue, with the rows. A segment is written under a name of its own, and
//! counts once its rows are committed. The working directory has no part in that; it gets copies of
//! the segments when the journal is read.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bucket::HeadPlace;
use super::bucket_archive::BucketArchive;
use super::bucket_journal::journal_objects;
use super::journal::sealed;
use super::journal_forks::{first_number_in_name, without_dropped};
use super::{Archive, Error, failed};
use crate::domain::journal::Entry;
use crate::domain::journal::chain::{Chain, LinePlace, LineSeal, LineUse};

/// The lines of the journal after a line.
#[derive(Clone, Debug, Default)]
pub struct LaterLines {
    /// The entries of each segment.
    pub appended: Vec<Vec<Entry>>,
    pub segments: Vec<String>,
    pub last: LineSeal,
}

impl Archive {
    /// Whether the end of the journal is in the catalogue.
    pub fn has_shared_journal(&self) -> bool {
        self.bucket.as_ref().is_some_and(|bucket| bucket.journal_head == HeadPlace::Catalogue)
    }

    /// A name for the segment with the lines after this one. No other segment has it.
    pub fn name_of_segment(&self, at: Timestamp, last: &LineSeal) -> Result<String, Error> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(|error| self.cannot_append(io::Error::other(error)))?;
        let day = at.to_zoned_datetime(TimeZone::UTC).date().strftime("%Y/%m/%d");
        Ok(format!("captures/{day}/{:08x}-{:012}.jsonl", u32::from_ne_bytes(bytes), last.seq + 1))
    }

    /// Writes the segment with the lines of these entries, which follow a line. Returns the new end of
    /// the journal.
    pub fn write_segment(
        &self,
        segment: &str,
        last: &LineSeal,
        entries: &[Entry],
    ) -> Result<LineSeal, Error> {
        let (lines, end) = sealed(last, entries).map_err(|source| self.cannot_append(source))?;
        self.shared_bucket()?.bucket.put(segment, lines)?;
        self.set_last_line(end.seq);
        Ok(end)
    }

    /// Removes segments that do not count.
    pub fn remove_segments(&self, dropped: &[String]) -> Result<(), Error> {
        let bucket = self.shared_bucket()?;
        dropped.iter().try_for_each(|segment| Ok(bucket.bucket.remove(segment)?))
    }

    /// The lines after this one that the bucket has.
    pub fn lines_after(&self, last: &LineSeal) -> Result<LaterLines, Error> {
        let bucket = self.shared_bucket()?;
        let mut names: Vec<(u64, String)> = journal_objects(bucket)?
            .into_iter()
            .filter_map(|object| Some((first_number_in_name(Path::new(&object.inside))?, object.inside)))
            .filter(|(number, _)| *number > last.seq)
            .collect();
        names.sort();
        let mut later = LaterLines { last: last.clone(), ..LaterLines::default() };
        while let Some(next) = segment_after(bucket, &later.last, &names)? {
            let (entries, end) = entries_of(&next.1);
            later.appended.push(entries);
            later.segments.push(next.0);
            later.last = end;
        }
        self.set_last_line(later.last.seq);
        Ok(later)
    }

    /// The last line of a journal whose end was in a working directory.
    pub fn end_of_single_writer(&self) -> Result<LineSeal, Error> {
        self.pull_journal(self.shared_bucket()?)?;
        let head = self.lock_journal().map_err(|source| self.cannot_append(source))?;
        self.set_last_line(head.last.seq);
        Ok(head.last.clone())
    }

    fn shared_bucket(&self) -> Result<&BucketArchive, Error> {
        let missing = || self.cannot_append(io::Error::other("it is not in a bucket"));
        self.bucket.as_deref().ok_or_else(missing)
    }

    pub(super) fn cannot_append(&self, source: io::Error) -> Error {
        failed("append to", &self.dir().join("captures"), source)
    }
}

/// The segment that follows a line, with its bytes.
fn segment_after(
    bucket: &BucketArchive,
    last: &LineSeal,
    names: &[(u64, String)],
) -> Result<Option<(String, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    for (_, segment) in names.iter().filter(|(number, _)| *number == last.seq + 1) {
        let Some(lines) = bucket.bucket.get(segment)? else { continue };
        if follows(last, &lines) {
            found.push((segment.clone(), lines));
        }
    }
    Ok(without_dropped(found).into_iter().next())
}

/// Whether the first line is the next one after a line.
fn follows(last: &LineSeal, lines: &[u8]) -> bool {
    let mut chain = Chain::after(last.clone());
    let first = lines.split(|byte| *byte == b'\n').next().unwrap_or_default();
    LineSeal::of(first).is_some_and(|seal| seal.seq == last.seq + 1)
        && chain.check(first, || LinePlace { file: String::new(), line: 1 }) == LineUse::Use
        && chain.faults().is_empty()
}

/// The entries of the sound lines at the beginning of a segment, and the last of these lines.
fn entries_of(lines: &[u8]) -> (Vec<Entry>, LineSeal) {
    let (mut entries, mut last) = (Vec::new(), LineSeal::default());
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Some(seal) = LineSeal::of(line) else { break };
        last = seal;
        // A line of a newer version is left to it.
        entries.extend(serde_json::from_slice(line).ok());
    }
    (entries, last)
}
