//! The method by which two versions of a document are compared. `drift` measures how
//! much they differ.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use crate::domain::document::{Contents, Document};

/// How two versions were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedBy {
    #[default]
    Text,
    /// By the files in an archive, or the pictures in a deck without words.
    Members,
    /// By what is drawn on the pages of a scan.
    PageImages,
    Bytes,
    /// The server reported that nothing was modified.
    Validators,
    /// The versions have nothing in common to compare by.
    Nothing,
}

impl ComparedBy {
    pub fn is_text(&self) -> bool {
        *self == Self::Text
    }
}

/// How to compare two documents: by their text if one of them has a text.
pub fn basis(before: &Document, after: &Document) -> ComparedBy {
    if before.has_words(1) || after.has_words(1) {
        return ComparedBy::Text;
    }
    match (&before.contents, &after.contents) {
        (Some(Contents::Pages(_)), Some(Contents::Pages(_))) => ComparedBy::PageImages,
        (Some(Contents::Members(_)), Some(Contents::Members(_))) => ComparedBy::Members,
        (Some(Contents::Bytes(_)), Some(Contents::Bytes(_))) => ComparedBy::Bytes,
        // A page without words is still compared by its text.
        (None, None) if before.format == after.format => ComparedBy::Text,
        _ => ComparedBy::Nothing,
    }
}

/// The method for one document alone.
pub fn basis_of(document: &Document) -> ComparedBy {
    basis(document, document)
}

/// The share of parts that both documents have, 0 to 1.
pub fn shared_contents(before: &Document, after: &Document) -> f64 {
    match (&before.contents, &after.contents) {
        (Some(Contents::Pages(old)), Some(Contents::Pages(new))) => shared(old, new),
        (Some(Contents::Members(old)), Some(Contents::Members(new))) => {
            // Member names may change when a container is written again.
            let parts = |members: &[crate::domain::document::Member]| -> Vec<(u64, u32)> {
                members.iter().map(|member| (member.bytes, member.checksum)).collect()
            };
            shared(&parts(old), &parts(new))
        }
        (Some(Contents::Bytes(old)), Some(Contents::Bytes(new))) => f64::from(u8::from(old == new)),
        _ => 0.0,
    }
}

/// The Sørensen–Dice coefficient over the parts with their counts.
fn shared<T: Eq + Hash>(old: &[T], new: &[T]) -> f64 {
    let mut counts: HashMap<&T, u32> = HashMap::new();
    for part in old {
        *counts.entry(part).or_default() += 1;
    }
    let mut both: u32 = 0;
    for part in new {
        if let Some(count) = counts.get_mut(part).filter(|count| **count > 0) {
            *count -= 1;
            both += 1;
        }
    }
    let total = u32::try_from(old.len() + new.len()).unwrap_or(u32::MAX);
    if total == 0 { 1.0 } else { 2.0 * f64::from(both) / f64::from(total) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capture::Digest;
    use crate::domain::document::{Format, Member};

    fn document(contents: Option<Contents>) -> Document {
        Document { contents, ..Document::bare(Format::Other) }
    }

    #[test]
    fn versions_are_compared_by_what_both_have() {
        let bytes = || document(Some(Contents::Bytes(Digest::of(b"a"))));
        let pages = || document(Some(Contents::Pages(vec![Digest::of(b"a")])));
        let text = Document { text: "words".to_owned(), ..document(None) };
        assert_eq!(basis(&bytes(), &bytes()), ComparedBy::Bytes);
        assert_eq!(basis(&pages(), &pages()), ComparedBy::PageImages);
        assert_eq!(basis(&pages(), &text), ComparedBy::Text);
        assert_eq!(basis(&pages(), &bytes()), ComparedBy::Nothing);
    }

    #[test]
    fn members_count_by_what_is_in_them() {
        let archive = |files: &[(&str, u32)]| {
            let members = files.iter().map(|(name, checksum)| Member {
                name: (*name).to_owned(),
                bytes: 9,
                checksum: *checksum,
            });
            document(Some(Contents::Members(members.collect())))
        };
        let old = archive(&[("a", 1), ("b", 2)]);
        assert!((shared_contents(&old, &archive(&[("x", 2), ("y", 1)])) - 1.0).abs() < 1e-9);
        assert!((shared_contents(&old, &archive(&[("a", 1), ("b", 3)])) - 0.5).abs() < 1e-9);
    }
}
