//! The differences between two versions of a text, for people to read: sentence by
//! sentence, and word by word within a rewritten sentence.
//!
//! `domain::evidence::drift` measures how much they differ.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// About a hundred pages of each text are compared, because the cost grows with the
/// square of the number of differences.
const MOST_SENTENCES: usize = 2500;
/// A text without a full stop is split after this many words.
const LONGEST_SENTENCE: usize = 60;
const MOST_CHANGES: usize = 20;
/// The most words of a change that are shown on each side.
const MOST_WORDS: usize = 120;

/// The changes of a text, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub changes: Vec<Change>,
    /// The number of further changes.
    pub more: usize,
    /// The texts were longer than the part that is compared.
    pub is_cut: bool,
}

/// A change: the text before and after. Either may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub before: Vec<DiffSegment>,
    pub after: Vec<DiffSegment>,
}

/// Consecutive words that the other version has, or does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffSegment {
    pub text: String,
    pub is_changed: bool,
}

/// The difference of two texts.
pub fn between(before: &str, after: &str) -> Difference {
    let (old, old_is_cut) = sentences(before);
    let (new, new_is_cut) = sentences(after);
    let changes: Vec<Change> = capture_diff_slices(Algorithm::Myers, &old, &new)
        .iter()
        .filter(|operation| !matches!(operation, DiffOp::Equal { .. }))
        .map(|operation| change(&old[operation.old_range()].concat(), &new[operation.new_range()].concat()))
        .collect();
    Difference {
        more: changes.len().saturating_sub(MOST_CHANGES),
        changes: changes.into_iter().take(MOST_CHANGES).collect(),
        is_cut: old_is_cut || new_is_cut,
    }
}

/// The sentences of a text as words, and whether the text was cut.
fn sentences(text: &str) -> (Vec<Vec<&str>>, bool) {
    let mut sentences = vec![Vec::new()];
    for word in text.split_whitespace() {
        let is_full = sentences.last().is_none_or(|sentence: &Vec<&str>| {
            sentence.len() >= LONGEST_SENTENCE || sentence.last().is_some_and(|last| ends(last))
        });
        if is_full {
            if sentences.len() == MOST_SENTENCES {
                return (sentences, true);
            }
            sentences.push(Vec::new());
        }
        if let Some(sentence) = sentences.last_mut() {
            sentence.push(word);
        }
    }
    (sentences, false)
}

fn ends(word: &str) -> bool {
    word.trim_end_matches(['"', '\'', ')', '\u{201d}', '\u{2019}']).ends_with(['.', '?', '!', '\u{3002}'])
}

fn change(gone: &[&str], come: &[&str]) -> Change {
    let (gone, rest_gone) = gone.split_at(gone.len().min(MOST_WORDS));
    let (come, rest_come) = come.split_at(come.len().min(MOST_WORDS));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for operation in capture_diff_slices(Algorithm::Myers, gone, come) {
        let is_changed = !matches!(operation, DiffOp::Equal { .. });
        add(&mut before, &gone[operation.old_range()], is_changed);
        add(&mut after, &come[operation.new_range()], is_changed);
    }
    for (parts, rest) in [(&mut before, rest_gone), (&mut after, rest_come)] {
        if !rest.is_empty() {
            add(parts, &["\u{2026}"], false);
        }
    }
    Change { before, after }
}

fn add(parts: &mut Vec<DiffSegment>, words: &[&str], is_changed: bool) {
    if !words.is_empty() {
        parts.push(DiffSegment { text: words.join(" "), is_changed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(parts: &[DiffSegment]) -> String {
        let one =
            |part: &DiffSegment| if part.is_changed { format!("[{}]", part.text) } else { part.text.clone() };
        parts.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_rewritten_sentence_shows_its_changed_words() {
        let before = "Flows are maps. They have an inverse. We use ten layers.";
        let after = "Flows are maps. They have a cheap inverse. We use ten layers. Thanks!";
        let difference = between(before, after);
        let changes: Vec<(String, String)> =
            difference.changes.iter().map(|change| (marked(&change.before), marked(&change.after))).collect();
        let expected = [("They have [an] inverse.", "They have [a cheap] inverse."), ("", "[Thanks!]")];
        assert_eq!(changes, expected.map(|(before, after)| (before.to_owned(), after.to_owned())));
        assert!(between(before, before).changes.is_empty());
    }

    #[test]
    fn a_long_text_is_cut_and_marked() {
        let long = "One sentence. ".repeat(MOST_SENTENCES + 1);
        assert!(between(&long, "Another.").is_cut);
        let other = (0..200).map(|n| format!("Same. Other {n}.")).collect::<Vec<_>>().join(" ");
        let difference = between(&other.replace("Other", "Once"), &other);
        assert_eq!((difference.changes.len(), difference.more), (MOST_CHANGES, 180));
    }

    proptest! {
        #[test]
        fn equal_words_are_on_both_sides(
            before in "([a-d]{1,2}[.]? ){0,40}", after in "([a-d]{1,2}[.]? ){0,40}",
        ) {
            for change in between(&before, &after).changes {
                let same = |parts: &[DiffSegment]| {
                    parts.iter().filter(|part| !part.is_changed).map(|part| part.text.clone()).collect::<Vec<_>>()
                };
                prop_assert_eq!(same(&change.before), same(&change.after));
                prop_assert!(!(change.before.is_empty() && change.after.is_empty()));
            }
        }
    }
}
