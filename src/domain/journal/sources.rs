//! Where the blobs of an archive came from, so that lost ones can be requested again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Entry;
use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::PageSource;

/// A request that gave a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobSource {
    /// The body of a response.
    Body(Address),
    /// A requisite of a page, or another file of a capture.
    File(Address),
    /// The head of a response that came at this time.
    Head(Address, Timestamp),
}

/// The requests that gave some blobs. Built by adding every entry.
#[derive(Clone, Debug, Default)]
pub struct BlobSources {
    wanted: BTreeMap<Digest, Vec<BlobSource>>,
}

impl BlobSources {
    pub fn of(wanted: &BTreeSet<Digest>) -> Self {
        Self { wanted: wanted.iter().map(|digest| (*digest, Vec::new())).collect() }
    }

    pub fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Capture { kept, .. } => {
                let capture = &kept.capture;
                for address in [&capture.document, &capture.link] {
                    self.insert(capture.sha256, BlobSource::Body(address.clone()));
                }
                for file in kept.files() {
                    self.insert(file.sha256, BlobSource::File(file.address.clone()));
                }
                if let Some(head) = capture.head {
                    self.insert(head, BlobSource::Head(capture.document.clone(), capture.captured_at));
                }
            }
            Entry::Page { source: PageSource::Web(address), sha256, .. } => {
                self.insert(*sha256, BlobSource::Body(address.clone()));
            }
            Entry::Page { source: PageSource::File { .. }, .. }
            | Entry::Night { .. }
            | Entry::Visit { .. }
            | Entry::Accepted { .. }
            | Entry::Decided { .. }
            | Entry::Lapsed { .. }
            | Entry::EmailSubscription { .. }
            | Entry::TakenDown { .. }
            | Entry::Reinstated { .. }
            | Entry::Reread { .. }
            | Entry::ReplacementSearched { .. }
            | Entry::Withdrawn { .. }
            | Entry::FeedTokenIssued { .. }
            | Entry::FeedTokenWithdrawn { .. }
            | Entry::SegmentsDropped { .. }
            | Entry::Finished { .. } => {}
        }
    }

    fn insert(&mut self, digest: Digest, source: BlobSource) {
        if let Some(sources) = self.wanted.get_mut(&digest)
            && !sources.contains(&source)
        {
            sources.push(source);
        }
    }

    /// Each wanted blob with its requests.
    pub fn into_wanted(self) -> BTreeMap<Digest, Vec<BlobSource>> {
        self.wanted
    }
}
