//! Compares two versions of a copy: a summary, and the changed passages.
//!
//! The texts come from the search index of the catalogue. Finished comparisons
//! are cached, because captures never change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use crate::domain::capture::Digest;
use crate::domain::document::difference::{self, Change, DiffSegment, Difference};
use crate::domain::document::passage::Passage;
use crate::domain::document::{Document, Format};
use crate::domain::evidence::drift;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::report::plain::printable;
use crate::domain::report::wording::student;
use crate::serve::error::Error;
use crate::world::catalogue::Catalogue;

/// Comparisons in the cache. When it is full, it is emptied.
const MAX_CACHED: usize = 200;

/// A comparison, ready for a page.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Comparison {
    /// How much changed, in a sentence.
    pub summary: String,
    pub difference: Difference,
}

/// A comparison with an earlier version, for `changes.html`.
pub(in crate::serve) struct ChangesSince {
    /// The date of the earlier version.
    pub since: String,
    pub comparison: Arc<Comparison>,
}

#[derive(Debug, Default)]
pub(in crate::serve) struct ComparisonCache {
    finished: Arc<FinishedComparisons>,
    /// A comparison may take seconds and holds two whole texts, so only one runs at a time.
    running: Arc<AsyncMutex<()>>,
}

#[derive(Debug, Default)]
struct FinishedComparisons(Mutex<HashMap<VersionPair, Arc<Comparison>>>);

/// The digests of two versions of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct VersionPair {
    before: Digest,
    after: Digest,
}

/// The texts of two versions.
struct TextPair {
    before: Document,
    after: Document,
}

impl ComparisonCache {
    /// How a capture differs from an earlier one of the same link. `None` if
    /// the text of one of them is not in the catalogue.
    pub(in crate::serve) async fn compare(
        &self,
        catalogue: &Catalogue,
        before: &StoredCapture,
        after: &StoredCapture,
    ) -> Result<Option<Arc<Comparison>>, Error> {
        let pair = VersionPair { before: before.capture.sha256, after: after.capture.sha256 };
        let texts = async {
            let (before, after) = (text(catalogue, before).await?, text(catalogue, after).await?);
            Ok(before.zip(after).map(|(before, after)| TextPair { before, after }))
        };
        self.cached(pair, texts).await
    }

    /// Reads the texts only if the comparison is not in the cache.
    async fn cached(
        &self,
        pair: VersionPair,
        texts: impl Future<Output = Result<Option<TextPair>, Error>>,
    ) -> Result<Option<Arc<Comparison>>, Error> {
        if let Some(finished) = self.finished.get(pair) {
            return Ok(Some(finished));
        }
        let running = Arc::clone(&self.running).lock_owned().await;
        // The comparison may have finished while this one waited.
        if let Some(finished) = self.finished.get(pair) {
            return Ok(Some(finished));
        }
        let Some(texts) = texts.await? else { return Ok(None) };
        let finished = Arc::clone(&self.finished);
        let comparison = tokio::task::spawn_blocking(move || {
            // The lock is held until the work ends, even if the client disconnects.
            let _running = running;
            finished.insert(pair, compare(&texts.before, &texts.after))
        });
        Ok(Some(comparison.await?))
    }
}

impl FinishedComparisons {
    fn get(&self, pair: VersionPair) -> Option<Arc<Comparison>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&pair).cloned()
    }

    fn insert(&self, pair: VersionPair, comparison: Comparison) -> Arc<Comparison> {
        let comparison = Arc::new(comparison);
        let mut finished = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if finished.len() >= MAX_CACHED {
            finished.clear();
        }
        finished.insert(pair, Arc::clone(&comparison));
        comparison
    }
}

/// The parts of a document that a comparison needs.
async fn text(catalogue: &Catalogue, kept: &StoredCapture) -> Result<Option<Document>, Error> {
    let Some(passages) = catalogue.text(kept.capture.sha256).await? else { return Ok(None) };
    // The title is stored as the first passage, but does not belong to the text.
    let is_title = |first: &Passage| first.page.is_none() && kept.title.is_some();
    let skipped = usize::from(passages.first().is_some_and(is_title));
    let text =
        passages.iter().skip(skipped).map(|passage| passage.text.as_str()).collect::<Vec<_>>().join("\n");
    Ok(Some(Document { text, title: kept.title.clone(), pages: kept.pages, ..Document::bare(Format::Other) }))
}

fn compare(before: &Document, after: &Document) -> Comparison {
    let summary = student::difference(&drift::change(before, after));
    let mut difference = difference::between(&before.text, &after.text);
    let clean = |part: &mut DiffSegment| part.text = printable(&part.text).into_owned();
    for Change { before, after } in &mut difference.changes {
        before.iter_mut().chain(after).for_each(clean);
    }
    Comparison { summary, difference }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn simultaneous_requests_share_one_comparison() {
        let (comparisons, read) = (Arc::new(ComparisonCache::default()), Arc::new(AtomicU32::new(0)));
        let pair = VersionPair { before: Digest::of(b"1"), after: Digest::of(b"2") };
        let ask = || {
            let (comparisons, read) = (Arc::clone(&comparisons), Arc::clone(&read));
            tokio::spawn(async move {
                let texts = async {
                    read.fetch_add(1, Ordering::Relaxed);
                    let text = |text: &str| Document { text: text.into(), ..Document::bare(Format::Other) };
                    Ok(Some(TextPair { before: text("One word."), after: text("Another word.") }))
                };
                comparisons.cached(pair, texts).await.unwrap().unwrap()
            })
        };
        for asked in (0..20).map(|_| ask()).collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap().difference.changes.len(), 1);
        }
        assert_eq!(read.load(Ordering::Relaxed), 1);
    }
}
