//! What changed between two versions of a copy, in words, figures and passages.
//!
//! The texts are those the catalogue has for searching. What was compared once
//! is kept: captures never change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as Turn;

use crate::domain::capture::Digest;
use crate::domain::document::difference::{self, Change, Difference, Part};
use crate::domain::document::passage::Passage;
use crate::domain::document::{Document, Format};
use crate::domain::evidence::drift;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::report::plain::printable;
use crate::domain::report::wording::student;
use crate::serve::answer::Fault;
use crate::serve::desk::Desk;

/// Comparisons remembered; when there are more, all are forgotten.
const REMEMBERED: usize = 200;

/// A comparison, ready to be laid out.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Compared {
    /// How much, in a sentence.
    pub told: String,
    pub difference: Difference,
}

/// The comparisons made so far.
#[derive(Debug, Default)]
pub(in crate::serve) struct Comparisons {
    known: Arc<Known>,
    /// Each may take seconds and two whole texts, so they are made one after another.
    turn: Arc<Turn<()>>,
}

#[derive(Debug, Default)]
struct Known(Mutex<HashMap<Pair, Arc<Compared>>>);

/// The digests of an earlier and a later version.
type Pair = (Digest, Digest);

/// How a capture differs from an earlier one of the same link; `None` while
/// the words of either are not known.
pub(in crate::serve) async fn since(
    desk: &Desk,
    before: &StoredCapture,
    after: &StoredCapture,
) -> Result<Option<Arc<Compared>>, Fault> {
    let pair = (before.capture.sha256, after.capture.sha256);
    let texts = async { Ok(text(desk, before).await?.zip(text(desk, after).await?)) };
    desk.comparisons.of(pair, texts).await
}

impl Comparisons {
    /// Reads the texts only where the comparison is not known.
    async fn of(
        &self,
        pair: Pair,
        texts: impl Future<Output = Result<Option<(Document, Document)>, Fault>>,
    ) -> Result<Option<Arc<Compared>>, Fault> {
        if let Some(known) = self.known.get(pair) {
            return Ok(Some(known));
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Whoever was before us may have made it.
        if let Some(known) = self.known.get(pair) {
            return Ok(Some(known));
        }
        let Some((old, new)) = texts.await? else { return Ok(None) };
        let known = Arc::clone(&self.known);
        let comparing = tokio::task::spawn_blocking(move || {
            // StoredCapture by the work: it goes on when nobody waits for it any more.
            let _turn = turn;
            known.remember(pair, compare(&old, &new))
        });
        Ok(Some(comparing.await.map_err(std::io::Error::other)?))
    }
}

impl Known {
    fn get(&self, pair: Pair) -> Option<Arc<Compared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&pair).cloned()
    }

    fn remember(&self, pair: Pair, compared: Compared) -> Arc<Compared> {
        let compared = Arc::new(compared);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(pair, Arc::clone(&compared));
        compared
    }
}

/// As much of a document as a comparison needs.
async fn text(desk: &Desk, kept: &StoredCapture) -> Result<Option<Document>, Fault> {
    let Some(passages) = desk.catalogue.text(kept.capture.sha256).await? else { return Ok(None) };
    // The title comes first, and is no part of the text.
    let is_title = |first: &Passage| first.page.is_none() && kept.title.is_some();
    let skipped = usize::from(passages.first().is_some_and(is_title));
    let text =
        passages.iter().skip(skipped).map(|passage| passage.text.as_str()).collect::<Vec<_>>().join("\n");
    Ok(Some(Document { text, title: kept.title.clone(), pages: kept.pages, ..Document::bare(Format::Other) }))
}

fn compare(before: &Document, after: &Document) -> Compared {
    let told = student::difference(&drift::change(before, after));
    let mut difference = difference::between(&before.text, &after.text);
    let clean = |part: &mut Part| part.text = printable(&part.text).into_owned();
    for Change { before, after } in &mut difference.changes {
        before.iter_mut().chain(after).for_each(clean);
    }
    Compared { told, difference }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn of_many_who_ask_at_once_one_compares() {
        let (comparisons, read) = (Arc::new(Comparisons::default()), Arc::new(AtomicU32::new(0)));
        let pair = (Digest::of(b"1"), Digest::of(b"2"));
        let ask = || {
            let (comparisons, read) = (Arc::clone(&comparisons), Arc::clone(&read));
            tokio::spawn(async move {
                let texts = async {
                    read.fetch_add(1, Ordering::Relaxed);
                    let text = |text: &str| Document { text: text.into(), ..Document::bare(Format::Other) };
                    Ok(Some((text("One word."), text("Another word."))))
                };
                comparisons.of(pair, texts).await.unwrap().unwrap()
            })
        };
        for asked in (0..20).map(|_| ask()).collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap().difference.changes.len(), 1);
        }
        assert_eq!(read.load(Ordering::Relaxed), 1);
    }
}
