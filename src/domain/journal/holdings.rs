//! The blobs that the journal says an archive must contain, and those that only one link needs.

use std::collections::{BTreeMap, BTreeSet};

use super::Entry;
use crate::domain::address::Address;
use crate::domain::capture::Digest;

/// Built by adding every entry, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The blobs that must be present.
    pub expected: BTreeSet<Digest>,
    bodies: BTreeMap<Address, BTreeSet<Digest>>,
    /// The requisites of a link's pages, and the other files of its captures.
    requisites: BTreeMap<Address, BTreeSet<Digest>>,
    /// Blobs of heads and course pages, which no takedown removes.
    others: BTreeSet<Digest>,
    taken_down: BTreeSet<Address>,
}

impl Holdings {
    pub fn add(&mut self, entry: &Entry) {
        self.expected.extend(entry.blobs());
        match entry {
            Entry::Capture { kept, .. } => {
                let capture = &kept.capture;
                self.bodies.entry(capture.link.clone()).or_default().insert(capture.sha256);
                self.others.extend(capture.head);
                let files = kept.files().map(|file| file.sha256);
                self.requisites.entry(capture.link.clone()).or_default().extend(files);
            }
            Entry::TakenDown { link, removed, .. } => {
                self.expected.retain(|digest| !removed.contains(digest));
                self.taken_down.insert(link.clone());
            }
            Entry::Reinstated { link, .. } => _ = self.taken_down.remove(link),
            Entry::Page { sha256, .. } => _ = self.others.insert(*sha256),
            Entry::Night { .. }
            | Entry::Visit { .. }
            | Entry::Accepted { .. }
            | Entry::Decided { .. }
            | Entry::Lapsed { .. }
            | Entry::EmailSubscription { .. }
            | Entry::Reread { .. }
            | Entry::ReplacementSearched { .. }
            | Entry::Withdrawn { .. }
            | Entry::FeedTokenIssued { .. }
            | Entry::FeedTokenWithdrawn { .. }
            | Entry::SegmentsDropped { .. }
            | Entry::Finished { .. } => {}
        }
    }

    pub fn is_taken_down(&self, link: &Address) -> bool {
        self.taken_down.contains(link)
    }

    /// The bodies and requisites of a link that nothing else needs.
    pub fn of_alone(&self, link: &Address) -> Vec<Digest> {
        let of = |of: &BTreeMap<Address, BTreeSet<Digest>>| of.get(link).cloned().unwrap_or_default();
        let is_needed = |digest: &Digest| {
            self.others.contains(digest)
                || self.sharing(link, *digest).next().is_some()
                || self.requisites.iter().any(|(other, requisites)| {
                    other != link && requisites.contains(digest) && !self.taken_down.contains(other)
                })
        };
        of(&self.bodies).union(&of(&self.requisites)).filter(|digest| !is_needed(digest)).copied().collect()
    }

    /// Other links, not taken down, that have a body of this one.
    pub fn sharers(&self, link: &Address) -> BTreeSet<&Address> {
        let bodies = self.bodies.get(link).into_iter().flatten();
        bodies.flat_map(|digest| self.sharing(link, *digest)).collect()
    }

    fn sharing<'a>(&'a self, link: &Address, digest: Digest) -> impl Iterator<Item = &'a Address> {
        let link = link.clone();
        let has = move |other: &Address, bodies: &BTreeSet<Digest>| {
            *other != link && bodies.contains(&digest) && !self.taken_down.contains(other)
        };
        self.bodies.iter().filter(move |(other, bodies)| has(other, bodies)).map(|(other, _)| other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capture::{Capture, CaptureReason, KeptRequisite};
    use crate::domain::document::{EXTRACTION, Fingerprint};
    use crate::domain::evidence::link_history::StoredCapture;
    use jiff::Timestamp;

    fn link(name: &str) -> Address {
        Address::parse(&format!("https://a.example/{name}")).unwrap()
    }

    fn capture(name: &str, body: &[u8]) -> Entry {
        let kept = Box::new(StoredCapture {
            capture: Capture {
                link: link(name),
                document: link(name),
                sha256: Digest::of(body),
                sha1: String::new(),
                bytes: 1,
                media_type: String::new(),
                captured_at: Timestamp::UNIX_EPOCH,
                why: CaptureReason::First,
                head: Some(Digest::of(b"head")),
                content_disposition: None,
                chain: Vec::new(),
                shortfall: None,
            },
            text: Fingerprint { version: EXTRACTION, digest: Digest::of(body) },
            title: None,
            words: 0,
            pages: None,
            validators: None,
            is_baseline: true,
            requisites: Vec::new(),
            rendering: None,
            citation: None,
        });
        Entry::Capture { kept, heads: None }
    }

    fn taken_down(name: &str, removed: Vec<Digest>) -> Entry {
        Entry::TakenDown {
            at: Timestamp::UNIX_EPOCH,
            link: link(name),
            reason: "asked".to_owned(),
            by: None,
            removed,
        }
    }

    fn holdings(entries: &[Entry]) -> Holdings {
        let mut holdings = Holdings::default();
        for entry in entries {
            holdings.add(entry);
        }
        holdings
    }

    #[test]
    fn a_body_that_another_link_needs_is_shared() {
        let entries = [capture("x", b"1"), capture("x", b"2"), capture("y", b"2"), capture("x", b"head")];
        let before = holdings(&entries);
        assert_eq!(before.of_alone(&link("x")), [Digest::of(b"1")]);
        assert_eq!(before.sharers(&link("x")), BTreeSet::from([&link("y")]));
        let after = holdings(&[entries.as_slice(), &[taken_down("y", Vec::new())]].concat());
        assert!(after.of_alone(&link("x")).contains(&Digest::of(b"2")), "the other one is closed too");
    }

    #[test]
    fn a_requisite_is_removed_with_its_last_page() {
        let with = |name: &str, requisites: &[&[u8]]| {
            let Entry::Capture { mut kept, .. } = capture(name, name.as_bytes()) else { unreachable!() };
            kept.requisites = requisites
                .iter()
                .map(|bytes| KeptRequisite {
                    address: link("r"),
                    sha256: Digest::of(bytes),
                    bytes: 1,
                    media_type: String::new(),
                })
                .collect();
            Entry::Capture { kept, heads: None }
        };
        let entries = [with("x", &[b"own", b"shared"]), with("y", &[b"shared"])];
        let holdings = holdings(&entries);
        assert!(holdings.expected.contains(&Digest::of(b"own")));
        let alone = holdings.of_alone(&link("x"));
        assert!(alone.contains(&Digest::of(b"own")) && !alone.contains(&Digest::of(b"shared")));
    }

    #[test]
    fn a_removed_blob_is_not_missing_until_it_is_captured_again() {
        let body = Digest::of(b"1");
        let gone = [capture("x", b"1"), taken_down("x", vec![body])];
        assert_eq!(holdings(&gone).expected, BTreeSet::from([Digest::of(b"head")]));
        let again = [gone.as_slice(), &[capture("x", b"1")]].concat();
        assert!(holdings(&again).expected.contains(&body));
    }
}
