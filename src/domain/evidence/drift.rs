//! Measures how much two versions of a work differ.
//!
//! Hashes only show whether two texts are equal. How much they differ is measured by
//! shared 4-grams of folded words. A word counts as changed if no shared 4-gram covers
//! it, so moving a paragraph or shuffling a list changes nothing. The cost is linear in
//! the length of the texts.

use std::collections::{HashMap, HashSet};

use crate::domain::document::{Document, Format, Remainder, text};
use crate::domain::evidence::comparison::{self, ComparedBy};
use crate::domain::evidence::{CriticalChange, Drift, TextChange};

const GRAM: usize = 4;
/// Typos and updated figures: at most this many words, or this share of the words.
const SMALL_WORDS: usize = 10;
const SMALL_WORDS_OF_CODE: u32 = 3;
const SMALL_SHARE: f64 = 0.002;
/// Texts of at least this similarity differ only in edits that are not reported …
const SMALL_SIMILARITY: f64 = 0.98;
/// … unless the edits touch this share of the words.
const LARGE_SHARE: f64 = 0.05;
/// This many consecutive words that the other version lacks are a new passage, not an edit.
const PASSAGE_WORDS: usize = 8;
const SHRUNKEN_SHARE: f64 = 0.3;
/// Words of a critical change count in the title and among this many first words.
const BEGINNING_WORDS: usize = 100;

/// Compares a document with the accepted version.
pub fn compare(before: &Document, after: &Document) -> Drift {
    match comparison::basis(before, after) {
        ComparedBy::Text => compare_text(before, after),
        ComparedBy::Members | ComparedBy::PageImages | ComparedBy::Bytes => {
            if before.fingerprint() == after.fingerprint() {
                Drift::Same
            } else {
                Drift::Different(change(before, after))
            }
        }
        ComparedBy::Validators | ComparedBy::Nothing if has_other_pages(before, after) => {
            Drift::Different(change(before, after))
        }
        ComparedBy::Validators | ComparedBy::Nothing => Drift::NotCompared,
    }
}

fn compare_text(before: &Document, after: &Document) -> Drift {
    let has_other_pages = after.format.has_page_lines() && has_other_pages(before, after);
    let (old, new) = (text::words(&before.text), text::words(&after.text));
    let is_same = old == new && before.remainder == after.remainder;
    if is_same && !has_other_pages && (!old.is_empty() || before.pages == after.pages) {
        return Drift::Same;
    }
    drop((old, new));
    let change = change(before, after);
    let same_pages = before.pages == after.pages || after.format == Format::Html;
    if has_other_pages {
        // A cover page was added, or the same text has other page breaks.
        let is_minor = pages_differ_by_one(before, after) || is_small(&change, after.format);
        let is_noted = change.alarm.is_none() && is_minor && !adds_a_passage(before, after);
        return if is_noted { Drift::Small(change) } else { Drift::Different(change) };
    }
    if change.words_changed == 0 && change.alarm.is_none() && (same_pages || before.has_words(1)) {
        return Drift::Same;
    }
    if change.alarm.is_none() && is_small(&change, after.format) {
        Drift::Small(change)
    } else {
        Drift::Different(change)
    }
}

fn has_other_pages(before: &Document, after: &Document) -> bool {
    before.pages.zip(after.pages).is_some_and(|(before, after)| before != after)
}

fn pages_differ_by_one(before: &Document, after: &Document) -> bool {
    before.pages.zip(after.pages).is_some_and(|(before, after)| before.abs_diff(after) == 1)
}

/// Whether one of the two has a passage or a page that the other lacks, except at its
/// beginning. A cover page does not count, nor do other page breaks on paper of another
/// size.
fn adds_a_passage(before: &Document, after: &Document) -> bool {
    let pages = |document: &Document| document.text.lines().map(text::words).collect::<Vec<_>>();
    let (old, new) = (pages(before), pages(after));
    lacks_page(&old, &new) || lacks_page(&new, &old) || lacks_passage(&old, &new) || lacks_passage(&new, &old)
}

/// Has all pages of `other`, and one page more.
fn lacks_page(pages: &[Vec<String>], other: &[Vec<String>]) -> bool {
    let mut unmatched: HashMap<&Vec<String>, usize> = HashMap::new();
    for page in other {
        *unmatched.entry(page).or_default() += 1;
    }
    let mut lacks_one = false;
    for (at, page) in pages.iter().enumerate() {
        match unmatched.get_mut(page).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => lacks_one |= at > 0 && page.len() >= PASSAGE_WORDS,
        }
    }
    lacks_one && unmatched.values().all(|count| *count == 0)
}

fn lacks_passage(pages: &[Vec<String>], other: &[Vec<String>]) -> bool {
    let Some(first) = pages.first() else { return false };
    let (words, other) = (pages.concat(), other.concat());
    let changed = uncovered(&words, &grams(&other));
    changed[first.len()..].split(|changed| !changed).any(|run| run.len() >= PASSAGE_WORDS)
}

/// The difference of two documents in figures.
pub fn change(before: &Document, after: &Document) -> TextChange {
    let (old, new) = (text::words(&before.text), text::words(&after.text));
    let (old_grams, new_grams) = (grams(&old), grams(&new));
    let changed_after = uncovered(&new, &old_grams);
    let changed_before = uncovered(&old, &new_grams).iter().filter(|changed| **changed).count();
    let is_reordered = counts(&old) == counts(&new);
    let words_changed = if is_reordered {
        0
    } else {
        changed_before.max(changed_after.iter().filter(|changed| **changed).count())
    };
    let words_changed = count(words_changed).saturating_add(changed_remainder(before, after));
    let compared_by = comparison::basis(before, after);
    let similarity = match compared_by {
        ComparedBy::Text => with_remainder(dice(&old_grams, &new_grams), before, after),
        ComparedBy::Members
        | ComparedBy::PageImages
        | ComparedBy::Bytes
        | ComparedBy::Validators
        | ComparedBy::Nothing => comparison::shared_contents(before, after),
    };
    TextChange {
        similarity,
        compared_by,
        words_changed,
        words_before: total(before, &old),
        words_after: total(after, &new),
        pages_before: before.pages,
        pages_after: after.pages,
        section: section(after, &changed_after),
        alarm: alarm(before, after, &old, &new),
        seen_twice: false,
        is_noise: false,
        text: after.fingerprint(),
    }
}

/// The changed words behind the kept parts of two texts.
fn changed_remainder(before: &Document, after: &Document) -> u32 {
    Remainder::words_changed(before.remainder.as_ref(), after.remainder.as_ref())
}

fn words_of_remainder(document: &Document) -> u32 {
    document.remainder.as_ref().map_or(0, Remainder::words)
}

/// The words of a document whose kept words are these.
fn total(document: &Document, kept: &[String]) -> u32 {
    count(kept.len()).saturating_add(words_of_remainder(document))
}

/// The similarity of whole texts from that of their kept parts.
fn with_remainder(kept: f64, before: &Document, after: &Document) -> f64 {
    let remaining = f64::from(words_of_remainder(before).max(words_of_remainder(after)));
    if remaining == 0.0 {
        return kept;
    }
    let all = f64::from(before.words().max(after.words())).max(remaining);
    let shared = (remaining - f64::from(changed_remainder(before, after))).max(0.0);
    (kept * (all - remaining) + shared) / all
}

/// Whether hardly any of the change from `before` to `after` is also in `other`, a second
/// fetch of the new version. Then the words differ at every fetch. Removed words count
/// only if they are more than twice the words in their place, because advertisements
/// differ in length.
pub fn is_unsteady(before: &Document, after: &Document, other: &Document) -> bool {
    if changed_remainder(before, after) > changed_remainder(after, other).saturating_mul(2) {
        return false;
    }
    let [old, new, other] = [before, after, other].map(|document| text::words(&document.text));
    let [old_grams, new_grams, other_grams] = [&old, &new, &other].map(|words| grams(words));
    let both = |words: &[String], one: &Grams, two: &Grams| {
        let (one, two) = (uncovered(words, one), uncovered(words, two));
        one.iter().zip(&two).filter(|(one, two)| **one && **two).count()
    };
    let differing = uncovered(&new, &old_grams).iter().filter(|changed| **changed).count();
    let unsteady = both(&new, &old_grams, &other_grams);
    let lost = both(&old, &new_grams, &other_grams);
    let steady = (differing - unsteady).max(lost.saturating_sub(2 * unsteady));
    steady <= SMALL_WORDS || float(steady) <= SMALL_SHARE * float(old.len().max(new.len()))
}

/// Whether two changes of one page are of similar size.
pub fn is_as_large(change: &TextChange, other: &TextChange) -> bool {
    change.words_changed as usize <= 2 * other.words_changed as usize + SMALL_WORDS
}

fn float(n: usize) -> f64 {
    f64::from(count(n))
}

/// Whether the change is too small to report. In a file a few changed words of few count
/// as a change; in a page they are probably a counter.
fn is_small(change: &TextChange, format: Format) -> bool {
    let longest = f64::from(change.words_before.max(change.words_after)).max(1.0);
    let changed = f64::from(change.words_changed);
    let is_few = change.words_changed as usize <= SMALL_WORDS || changed <= SMALL_SHARE * longest;
    let is_large_share = changed >= LARGE_SHARE * longest;
    match format {
        // In code every word matters.
        Format::Notebook => change.words_changed <= SMALL_WORDS_OF_CODE && !is_large_share,
        Format::Html => is_few || (change.similarity >= SMALL_SIMILARITY && !is_large_share),
        _ => !is_large_share && (is_few || change.similarity >= SMALL_SIMILARITY),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

type Grams<'a> = HashMap<&'a [String], usize>;

/// Every run of four words and its count; a shorter text is one run.
fn grams(words: &[String]) -> Grams<'_> {
    let mut grams = HashMap::new();
    for gram in words.windows(GRAM.min(words.len()).max(1)) {
        *grams.entry(gram).or_default() += 1;
    }
    grams
}

/// The Sørensen–Dice coefficient over 4-grams with their counts: 1 for equal texts, 0 without a common run.
fn dice(one: &Grams, other: &Grams) -> f64 {
    let total: usize = one.values().sum::<usize>() + other.values().sum::<usize>();
    let shared: usize =
        one.iter().map(|(gram, count)| other.get(gram).map_or(0, |theirs| *count.min(theirs))).sum();
    if total == 0 { 1.0 } else { 2.0 * f64::from(count(shared)) / f64::from(count(total)) }
}

/// The similarity of two texts, 0 to 1.
pub fn similarity(one: &Document, other: &Document) -> f64 {
    let (one, other) = (text::words(&one.text), text::words(&other.text));
    dice(&grams(&one), &grams(&other))
}

/// The words that no shared run covers.
fn uncovered(words: &[String], other: &Grams) -> Vec<bool> {
    let size = GRAM.min(words.len()).max(1);
    let mut uncovered = vec![true; words.len()];
    for (at, gram) in words.windows(size).enumerate() {
        if other.contains_key(gram) {
            uncovered[at..at + size].fill(false);
        }
    }
    uncovered
}

fn counts(words: &[String]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for word in words {
        *counts.entry(word.as_str()).or_default() += 1;
    }
    counts
}

/// A critical change: words that are new at the beginning and matter in a change of any size.
fn alarm(before: &Document, after: &Document, old: &[String], new: &[String]) -> Option<CriticalChange> {
    let begins_with = |document: &Document, words: &[String], wanted: &[&str]| {
        let title = document.title.as_deref().map(text::folded).unwrap_or_default();
        let in_title = title.split(|c: char| !c.is_alphanumeric()).any(|word| wanted.contains(&word));
        in_title || words.iter().take(BEGINNING_WORDS).any(|word| wanted.contains(&word.as_str()))
    };
    // The whole earlier text is searched, because a cut may move an old word to the beginning.
    let newly = |wanted: &[&str]| {
        begins_with(after, new, wanted)
            && !begins_with(before, old, wanted)
            && !old.iter().any(|word| wanted.contains(&word.as_str()))
    };
    if newly(&["withdrawn"]) {
        Some(CriticalChange::Withdrawn)
    } else if newly(&["retracted", "retraction"]) {
        Some(CriticalChange::Retracted)
    } else if old.len() >= 50 && f64::from(total(after, new)) < SHRUNKEN_SHARE * f64::from(total(before, old))
    {
        Some(CriticalChange::Shrunken)
    } else {
        is_new_version(before, after).then_some(CriticalChange::NewVersion)
    }
}

/// Whether this is a later version of the same preprint, by the stamps on the first pages.
fn is_new_version(before: &Document, after: &Document) -> bool {
    fn split(document: &Document) -> Option<(&str, u32)> {
        let (id, version) = document.citation.arxiv.as_deref()?.rsplit_once('v')?;
        Some((id, version.parse().ok()?))
    }
    matches!((split(before), split(after)), (Some((old_id, old)), Some((new_id, new))) if old_id == new_id && new > old)
}

/// The heading above most of the changed words, if one heading has more than half of them.
fn section(after: &Document, changed: &[bool]) -> Option<String> {
    let headings: HashSet<&str> = after.headings.iter().map(String::as_str).collect();
    let mut per_section: Vec<(Option<&str>, usize)> = vec![(None, 0)];
    let mut at = 0;
    for line in after.text.lines() {
        let words = text::words(line).len();
        let squeezed = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(heading) = headings.get(squeezed.as_str()) {
            per_section.push((Some(heading), 0));
        }
        let here = changed.iter().skip(at).take(words).filter(|changed| **changed).count();
        if let Some((_, count)) = per_section.last_mut() {
            *count += here;
        }
        at += words;
    }
    let total: usize = per_section.iter().map(|(_, count)| count).sum();
    let (heading, most) = per_section.into_iter().max_by_key(|(_, count)| *count)?;
    heading.filter(|_| most * 2 > total && total > 0).map(str::to_owned)
}

#[cfg(test)]
mod tests;
