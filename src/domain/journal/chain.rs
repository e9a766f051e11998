//! The digest chain of the journal: which lines were changed, and which are missing.
//!
//! Every line ends with its number, the digest of the line before it, and its own digest.
//! The lines of earlier versions have none of these; they come first. Reading and writing
//! of the files is in `world::archive`.

use std::fmt;
use std::str::FromStr;

use crate::domain::capture::Digest;

/// Digests in lines have this many hexadecimal digits: the first half of a SHA-256.
const DIGITS: usize = 32;
const PREV: &[u8] = b",\"prev\":\"";
const SUM: &[u8] = b",\"sum\":\"";
const SEQ: &[u8] = b",\"seq\":";
const END: &[u8] = b"\"}";

/// The first half of a SHA-256, in hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct LineSum([u8; DIGITS]);

/// A text that is not 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the digest of a journal line: 32 hexadecimal digits are expected")]
pub struct InvalidLineSum(String);

impl LineSum {
    fn of(bytes: &[u8]) -> Self {
        let mut digits = [0; DIGITS];
        digits.copy_from_slice(&Digest::of(bytes).to_string().as_bytes()[..DIGITS]);
        Self(digits)
    }

    fn from_digits(text: &[u8]) -> Option<Self> {
        text.try_into().ok().filter(|_| text.iter().all(u8::is_ascii_hexdigit)).map(Self)
    }

    /// Includes one more line without a digest.
    fn and(&self, line: &[u8]) -> Self {
        Self::of(&[&self.0, line].concat())
    }
}

impl Default for LineSum {
    fn default() -> Self {
        Self::of(b"")
    }
}

impl fmt::Display for LineSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for LineSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineSum({self})")
    }
}

impl FromStr for LineSum {
    type Err = InvalidLineSum;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_digits(text.as_bytes()).ok_or_else(|| InvalidLineSum(text.to_owned()))
    }
}

/// The number and digest of the last line so far. Before the first one the number is 0,
/// and the digest is that of all lines without a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineSeal {
    pub seq: u64,
    pub sum: LineSum,
}

impl LineSeal {
    /// Seals the JSON object of the next line. The line has no line feed yet.
    pub fn seal_next(&self, object: &[u8]) -> (Vec<u8>, Self) {
        let seq = self.seq + 1;
        let mut line = object.strip_suffix(b"}").unwrap_or(object).to_vec();
        line.extend_from_slice(SEQ);
        line.extend_from_slice(seq.to_string().as_bytes());
        line.extend_from_slice(PREV);
        line.extend_from_slice(&self.sum.0);
        line.push(b'"');
        let sum = LineSum::of(&line);
        line.extend_from_slice(SUM);
        line.extend_from_slice(&sum.0);
        line.extend_from_slice(END);
        (line, Self { seq, sum })
    }

    /// The seal of a line whose bytes have the digest that it gives.
    pub fn of(line: &[u8]) -> Option<Self> {
        let (seal, _) = Self::parse(line)?;
        Some(seal)
    }

    /// The seal and the digest of the line before.
    fn parse(line: &[u8]) -> Option<(Self, LineSum)> {
        let (content, sum) = digest_at_end(line.strip_suffix(END)?, SUM)?;
        let (before, prev) = digest_at_end(content.strip_suffix(b"\"")?, PREV)?;
        let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, seq) = before.split_at(before.len() - digits);
        let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
        (before.ends_with(SEQ) && LineSum::of(content) == sum).then_some((Self { seq, sum }, prev))
    }
}

/// Splits `…<label><digits>`.
fn digest_at_end<'a>(text: &'a [u8], label: &[u8]) -> Option<(&'a [u8], LineSum)> {
    let (before, digits) = text.split_at_checked(text.len().checked_sub(DIGITS)?)?;
    Some((before.strip_suffix(label)?, LineSum::from_digits(digits)?))
}

/// Whether a line has any part of a seal. A damaged line loses one part at most.
pub fn is_partly_sealed(line: &[u8]) -> bool {
    [SEQ, PREV, SUM].iter().any(|label| line.windows(label.len()).any(|part| part == *label))
}

fn is_cut_short(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePlace {
    /// Its path within the archive.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
}

impl fmt::Display for LinePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of {}", self.line, self.file)
    }
}

/// Damage to the journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalFault {
    #[error("{place} has changed since it was written, so it is not used")]
    Altered { place: LinePlace },
    #[error("{place} cannot be read ({error}), so it is not used")]
    Malformed { place: LinePlace, error: String },
    #[error("{} missing before {before}", lines_are(*count))]
    Missing { count: u64, before: LinePlace },
    #[error("{} missing at the end of the journal", lines_are(*count))]
    MissingAtEnd { count: u64 },
    #[error("{place} does not follow the line before it; it is used")]
    Unlinked { place: LinePlace },
    #[error("lines of an earlier version, before {before}, have changed or are missing")]
    EarlierLines { before: LinePlace },
}

fn lines_are(count: u64) -> String {
    if count == 1 { "1 line is".to_owned() } else { format!("{count} lines are") }
}

/// The action for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineUse {
    Use,
    Skip,
}

/// Checks lines in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    last: Option<LineSeal>,
    /// The digest of all lines without a number.
    earlier: LineSum,
    is_from_the_start: bool,
    /// Altered lines since the last sound one. They explain a gap in the numbers.
    altered: u64,
    faults: Vec<JournalFault>,
}

impl Chain {
    /// For all lines of the journal.
    pub fn whole() -> Self {
        Self { is_from_the_start: true, ..Self::default() }
    }

    /// For lines from any line on.
    pub fn partial() -> Self {
        Self::default()
    }

    /// For the lines after a line.
    pub fn after(last: LineSeal) -> Self {
        Self { last: Some(last), is_from_the_start: true, ..Self::default() }
    }

    pub fn faults(&self) -> &[JournalFault] {
        &self.faults
    }

    /// The last line that is sound; before it, the digest of all lines without a number.
    pub fn end(&self) -> LineSeal {
        self.last.clone().unwrap_or_else(|| LineSeal { seq: 0, sum: self.earlier.clone() })
    }

    /// Records a line whose content is no entry.
    pub fn malformed(&mut self, place: LinePlace, error: String) {
        self.faults.push(JournalFault::Malformed { place, error });
    }

    pub fn check(&mut self, line: &[u8], place: impl Fn() -> LinePlace) -> LineUse {
        if line.is_empty() {
            return LineUse::Skip;
        }
        let Some((seal, prev)) = LineSeal::parse(line) else {
            if is_partly_sealed(line) {
                // A crash cut it short before it counted; otherwise its number is missing.
                if is_cut_short(line) {
                    return LineUse::Skip;
                }
                self.altered += 1;
                self.faults.push(JournalFault::Altered { place: place() });
                return LineUse::Skip;
            }
            if self.last.is_none() && self.is_from_the_start {
                self.earlier = self.earlier.and(line);
            }
            return LineUse::Use;
        };
        if self.last.as_ref() == Some(&seal) {
            return LineUse::Skip;
        }
        if let Some(fault) = self.fault_before(&seal, &prev, place) {
            self.faults.push(fault);
        }
        self.altered = 0;
        self.last = Some(seal);
        LineUse::Use
    }

    fn fault_before(
        &self,
        seal: &LineSeal,
        prev: &LineSum,
        place: impl Fn() -> LinePlace,
    ) -> Option<JournalFault> {
        if self.last.is_none() && !self.is_from_the_start {
            return None;
        }
        let end = self.end();
        if seal.seq <= end.seq {
            return Some(JournalFault::Unlinked { place: place() });
        }
        let missing = (seal.seq - end.seq - 1).saturating_sub(self.altered);
        if missing > 0 {
            return Some(JournalFault::Missing { count: missing, before: place() });
        }
        if self.altered > 0 || end.sum == *prev {
            return None;
        }
        Some(match end.seq {
            0 => JournalFault::EarlierLines { before: place() },
            _ => JournalFault::Unlinked { place: place() },
        })
    }

    /// Compares the last line with the number that was given last.
    pub fn close(&mut self, last_number: u64) {
        let missing = last_number.saturating_sub(self.end().seq).saturating_sub(self.altered);
        if missing > 0 {
            self.faults.push(JournalFault::MissingAtEnd { count: missing });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines as the journal has them, after some of an earlier version.
    fn lines(earlier: usize, sealed: usize) -> Vec<Vec<u8>> {
        let mut chain = Chain::whole();
        let mut lines = Vec::new();
        for n in 0..earlier {
            let line = format!(r#"{{"kind":"night","n":{n}}}"#).into_bytes();
            assert_eq!(chain.check(&line, place), LineUse::Use);
            lines.push(line);
        }
        let mut last = chain.end();
        for n in 0..sealed {
            let (line, seal) = last.seal_next(format!(r#"{{"kind":"visit","n":{n}}}"#).as_bytes());
            lines.push(line);
            last = seal;
        }
        lines
    }

    fn place() -> LinePlace {
        LinePlace { file: "captures/2026/09/14.jsonl".to_owned(), line: 1 }
    }

    /// The indices of the lines that are used, and the faults.
    fn read(lines: &[Vec<u8>], last_number: u64) -> (Vec<usize>, Vec<JournalFault>) {
        let mut chain = Chain::whole();
        let used = (0..lines.len()).filter(|n| chain.check(&lines[*n], place) == LineUse::Use).collect();
        chain.close(last_number);
        (used, chain.faults)
    }

    #[test]
    fn a_sealed_line_is_json() {
        let (line, seal) = LineSeal::default().seal_next(br#"{"kind":"night"}"#);
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!((value["kind"].as_str(), value["seq"].as_u64()), (Some("night"), Some(1)));
        assert_eq!(LineSeal::of(&line), Some(seal));
    }

    #[test]
    fn sound_lines_have_no_fault() {
        for earlier in [0, 3] {
            let (used, faults) = read(&lines(earlier, 5), 5);
            assert_eq!((used.len(), faults), (earlier + 5, Vec::new()));
        }
    }

    #[test]
    fn lines_that_are_missing_are_counted() {
        let all = lines(0, 6);
        let (used, faults) = read(&[&all[..2], &all[4..]].concat(), 6);
        assert_eq!(used.len(), 4);
        assert_eq!(faults, [JournalFault::Missing { count: 2, before: place() }]);
        assert_eq!(read(&all[1..], 6).1, [JournalFault::Missing { count: 1, before: place() }]);
        assert_eq!(read(&all[..4], 6).1, [JournalFault::MissingAtEnd { count: 2 }]);
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_no_fault_if_its_number_is_used_again() {
        let all = lines(0, 4);
        let torn = all[2][..all[2].len() - 20].to_vec();
        let (used, faults) = read(&[&all[..2], std::slice::from_ref(&torn), &all[2..]].concat(), 4);
        assert_eq!((used, faults), (vec![0, 1, 3, 4], Vec::new()));
        let (_, faults) = read(&[&all[..2], &[torn], &all[3..]].concat(), 4);
        assert_eq!(faults, [JournalFault::Missing { count: 1, before: place() }]);
    }

    #[test]
    fn a_changed_line_of_an_earlier_version_is_noticed() {
        let mut all = lines(3, 2);
        all[1] = br#"{"kind":"night","n":9}"#.to_vec();
        let (used, faults) = read(&all, 2);
        assert_eq!((used.len(), faults), (5, vec![JournalFault::EarlierLines { before: place() }]));
    }

    #[test]
    fn a_line_of_another_journal_is_noticed() {
        let mut all = lines(0, 3);
        let other = LineSeal { seq: 1, sum: LineSum::of(b"another") };
        all[1] = other.seal_next(br#"{"kind":"visit","n":7}"#).0;
        let (used, faults) = read(&all, 3);
        assert_eq!(used.len(), 3);
        assert!(matches!(faults.as_slice(), [JournalFault::Unlinked { .. }, ..]), "{faults:?}");
    }

    proptest! {
        #[test]
        fn any_changed_byte_costs_its_line_only(line in 0..6_usize, at in 0..1000_usize, with in 0..=255_u8) {
            let all = lines(0, 6);
            let mut changed = all.clone();
            let at = at % changed[line].len();
            prop_assume!(changed[line][at] != with && with != b'\n');
            changed[line][at] = with;
            let (used, faults) = read(&changed, 6);
            let others: Vec<usize> = (0..6).filter(|n| *n != line).collect();
            prop_assert_eq!(used, others);
            let is_named = match faults.as_slice() {
                [JournalFault::Altered { .. }] => true,
                // Without its quotation mark a line looks as if a crash cut it short.
                [JournalFault::Missing { count, .. } | JournalFault::MissingAtEnd { count }] => *count == 1,
                _ => false,
            };
            prop_assert!(is_named, "{faults:?}");
        }
    }
}
