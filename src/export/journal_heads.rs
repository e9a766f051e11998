//! The heads that the journal has of captures.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::capture::{Capture, Digest};
use crate::domain::journal::Entry;
use crate::world::archive::{self, Archive};

/// The heads of the captures of some links, in memory.
#[derive(Debug)]
pub(super) struct JournalHeads(HashMap<(Address, Timestamp, Digest), String>);

impl JournalHeads {
    /// Reads the whole journal.
    pub(super) fn of(links: &[Address], archive: &Archive) -> Result<Self, archive::Error> {
        let links: BTreeSet<&Address> = links.iter().collect();
        let mut found = HashMap::new();
        for entry in archive.entries() {
            if let Entry::Capture { kept, heads: Some(heads) } = entry?
                && links.contains(&kept.capture.link)
            {
                found.insert(key(&kept.capture), heads);
            }
        }
        Ok(Self(found))
    }

    /// The heads of a capture; `None` if they are a blob, or if the line is damaged.
    pub(super) fn get(&self, capture: &Capture) -> Option<&str> {
        self.0.get(&key(capture)).map(String::as_str)
    }
}

fn key(capture: &Capture) -> (Address, Timestamp, Digest) {
    (capture.link.clone(), capture.captured_at, capture.sha256)
}
