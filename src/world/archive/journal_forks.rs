//! Segments that follow the same line of the journal, of which one counts.
//!
//! A writer that is slow or frozen may write its segment after another one was written in its
//! place. That one begins with an entry which says so.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::domain::journal::Entry;

/// How a segment begins that is in place of others.
const DROPPED: &[u8] = br#"{"kind":"segments_dropped""#;

/// Files of the journal without the segments that another one is in the place of. `inside` gives
/// the path of a file within the archive.
pub(super) fn counted(files: Vec<PathBuf>, dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut by_number: BTreeMap<u64, Vec<&PathBuf>> = BTreeMap::new();
    for path in &files {
        if let Some(number) = first_number_in_name(path) {
            by_number.entry(number).or_default().push(path);
        }
    }
    let mut dropped = HashSet::new();
    for same in by_number.into_values().filter(|same| same.len() > 1) {
        let mut segments = Vec::new();
        for path in &same {
            let inside = path.strip_prefix(dir).unwrap_or(path).to_string_lossy().into_owned();
            segments.push((inside, fs::read(path)?));
        }
        let kept: HashSet<String> = without_dropped(segments).into_iter().map(|(inside, _)| inside).collect();
        let is_dropped =
            |path: &&&PathBuf| !kept.contains(&*path.strip_prefix(dir).unwrap_or(path).to_string_lossy());
        dropped.extend(same.iter().filter(is_dropped).map(|path| (*path).clone()));
    }
    Ok(files.into_iter().filter(|path| !dropped.contains(path)).collect())
}

/// Segments that follow the same line, by their paths within the archive, without those that
/// another one is in the place of.
pub(super) fn without_dropped(segments: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let drops: BTreeMap<String, Vec<String>> =
        segments.iter().filter_map(|(segment, lines)| Some((segment.clone(), dropped_by(lines)?))).collect();
    if drops.is_empty() {
        return segments;
    }
    let is_kept = |segment: &String| {
        drops.contains_key(segment) && !drops.values().any(|dropped| dropped.contains(segment))
    };
    segments.into_iter().filter(|(segment, _)| is_kept(segment)).collect()
}

/// The segments that the first line of a segment names; `None` if it begins with another entry.
fn dropped_by(lines: &[u8]) -> Option<Vec<String>> {
    let first = lines.split(|byte| *byte == b'\n').next()?;
    let entry = first.starts_with(DROPPED).then(|| serde_json::from_slice(first).ok())??;
    match entry {
        Entry::SegmentsDropped { segments, .. } => Some(segments),
        _ => None,
    }
}

/// The number of the first line of a segment, which is in its name; `None` for a file of a day.
pub(super) fn first_number_in_name(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn segment(name: &str, dropped: Option<&[&str]>) -> (String, Vec<u8>) {
        let at = Timestamp::UNIX_EPOCH;
        let entry = match dropped {
            Some(dropped) => {
                Entry::SegmentsDropped { at, segments: dropped.iter().map(|it| (*it).to_owned()).collect() }
            }
            None => Entry::Night { started: at },
        };
        (name.to_owned(), serde_json::to_vec(&entry).unwrap())
    }

    fn kept(segments: &[(String, Vec<u8>)]) -> Vec<String> {
        without_dropped(segments.to_vec()).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_segment_counts_that_is_in_the_place_of_the_others() {
        let (a, b) = (segment("a", None), segment("b", Some(&["a"])));
        let c = segment("c", Some(&["a", "b"]));
        assert_eq!(kept(std::slice::from_ref(&a)), ["a"]);
        assert_eq!(kept(&[a.clone(), b.clone()]), ["b"]);
        assert_eq!(kept(&[a.clone(), c.clone(), b.clone()]), ["c"], "in any order");
        let restart = segment("d", Some(&[]));
        assert_eq!(kept(&[a.clone(), restart]), ["d"], "also one that it does not know");
        let unknown = segment("e", None);
        assert_eq!(kept(&[a, unknown]), ["a", "e"], "without a word none is dropped");
    }

    #[test]
    fn a_dropped_segment_is_not_among_the_files_of_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, lines: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, lines).unwrap();
            path
        };
        let (first, day) = (segment("x-000000000007.jsonl", None), segment("14.jsonl", None));
        let second = segment("y-000000000007.jsonl", Some(&["x-000000000007.jsonl"]));
        let mut files: Vec<PathBuf> =
            [&first, &second, &day].iter().map(|(name, lines)| write(name, lines)).collect();
        let found = counted(files.clone(), dir.path()).unwrap();
        files.remove(0);
        assert_eq!(found, files);
    }
}
