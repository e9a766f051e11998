//! The data of the pages: the courses, their links and the copies, read from the
//! catalogue and the archive.

pub(super) mod availability;
pub(super) mod blob;
pub(super) mod citation;
pub(super) mod comparison;
pub(super) mod copy_link;
pub(super) mod course;
pub(super) mod delivery;
pub(super) mod entries;
mod name_numbers;
mod night_requests;
pub(super) mod night_history;
pub(super) mod page_view;
pub(super) mod page_files;
pub(super) mod printed_page;
pub(super) mod readings_archive;
pub(super) mod search;
pub(super) mod snapshot;
mod verified_blob;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use tokio::sync::Semaphore;

use crate::domain::address::{Address, LinkId};
use crate::domain::capture::{CaptureId, Digest, Loss};
use crate::domain::course::CourseId;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::policy::copy_access::{self, Closed, CopyRequest};
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::Error;
use crate::serve::library::comparison::{Comparison, ComparisonCache};
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::library::entries::EntryWriter;
use crate::serve::library::night_history::{NightHistory, StateCounts};
use crate::serve::library::snapshot::{Snapshot, SnapshotCache};
use crate::serve::service_status::ServiceStatus;
use crate::serve::settings::ServeSettings;
use crate::world::archive::Archive;
use crate::world::catalogue::Catalogue;
use crate::world::clock::Clock;

/// Searches at the same time. Fewer than the connections of the catalogue, so
/// that pages can be served meanwhile.
const MAX_CONCURRENT_SEARCHES: usize = 2;
/// Downloads of all copies of a course at the same time. Each has a thread.
const MAX_CONCURRENT_DOWNLOADS: usize = 8;
/// Copies that are hashed at the same time.
const MAX_CONCURRENT_HASHING: usize = 2;

/// The catalogue and the archive, with the caches for reading them.
#[derive(Debug)]
pub struct Library {
    pub(in crate::serve) archive: Archive,
    pub(in crate::serve) catalogue: Catalogue,
    pub(in crate::serve) clock: Clock,
    pub(in crate::serve) settings: Arc<ServeSettings>,
    pub(in crate::serve) service_status: ServiceStatus,
    pub(in crate::serve) searches: Semaphore,
    pub(in crate::serve) hashing: Semaphore,
    /// Downloads of all copies of a course.
    pub(in crate::serve) downloads: Arc<Semaphore>,
    history: NightHistory,
    comparisons: ComparisonCache,
    snapshots: SnapshotCache,
}

/// A capture, and its link as a visitor sees it.
#[derive(Clone, Debug)]
pub(in crate::serve) struct LinkCapture {
    pub link: LinkView,
    pub kept: Arc<StoredCapture>,
}

impl Library {
    pub fn new(
        archive: Archive,
        catalogue: Catalogue,
        clock: Clock,
        settings: impl Into<Arc<ServeSettings>>,
    ) -> Self {
        Self {
            archive,
            catalogue,
            clock,
            settings: settings.into(),
            service_status: ServiceStatus::default(),
            searches: Semaphore::new(MAX_CONCURRENT_SEARCHES),
            hashing: Semaphore::new(MAX_CONCURRENT_HASHING),
            downloads: Arc::new(Semaphore::new(MAX_CONCURRENT_DOWNLOADS)),
            history: NightHistory::default(),
            comparisons: ComparisonCache::default(),
            snapshots: SnapshotCache::default(),
        }
    }

    /// Pages beside a service show what it does.
    #[must_use]
    pub(in crate::serve) fn with_service_status(self, service_status: ServiceStatus) -> Self {
        Self { service_status, ..self }
    }

    /// Where the pages write decisions and subscriptions.
    pub(in crate::serve) fn entries(&self) -> EntryWriter<'_> {
        EntryWriter { archive: &self.archive, catalogue: &self.catalogue, clock: self.clock }
    }

    /// Today in the time zone of a course.
    pub(in crate::serve) fn today_at(&self, course: &CourseView) -> Date {
        course.local_date(self.clock.now())
    }

    /// All courses with a report, in the order of the settings.
    pub(in crate::serve) async fn courses(&self) -> Result<Vec<Arc<CourseView>>, Error> {
        Ok(self.snapshot().await?.courses.clone())
    }

    pub(in crate::serve) async fn course(&self, id: &CourseId) -> Result<Option<Arc<CourseView>>, Error> {
        Ok(self.snapshot().await?.courses.iter().find(|course| course.night.course == *id).cloned())
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        self.snapshots.current(&self.catalogue, &self.settings.courses, self.clock).await
    }

    /// The link with this id. If several courses have it, a takedown comes
    /// first, then a course whose copy opens, and last a course that the
    /// visitor may not read.
    pub(in crate::serve) async fn link(
        &self,
        visitor: &Visitor,
        id: LinkId,
    ) -> Result<Option<LinkView>, Error> {
        let snapshot = self.snapshot().await?;
        let links = snapshot.courses.iter().filter_map(|course| course.link_by_id(visitor, id));
        Ok(links.min_by_key(|link| match self.may_open(link) {
            Err(Closed::TakenDown) => 0,
            Ok(()) => 1,
            Err(Closed::OriginalAvailable | Closed::OutsideTerm) => 2,
            Err(Closed::Licensed) => 3,
            Err(Closed::NotAReader) => 4,
        }))
    }

    /// The link with this address, or with an address that is canonically the same.
    pub(in crate::serve) async fn link_at(
        &self,
        visitor: &Visitor,
        address: &Address,
    ) -> Result<Option<LinkView>, Error> {
        if let Some(link) = self.link(visitor, LinkId::of(address)).await? {
            return Ok(Some(link));
        }
        for course in &self.snapshot().await?.courses {
            let same = course.night.links.iter().find(|link_facts| link_facts.link.is_canonically(address));
            if let Some(link_facts) = same {
                return self.link(visitor, LinkId::of(&link_facts.link)).await;
            }
        }
        Ok(None)
    }

    /// The address here that leads to the original of a link, or to our copy.
    pub(in crate::serve) fn go(&self, link: &LinkView) -> String {
        self.settings.base_url.absolute(&format!("/go/{}", link.id()))
    }

    /// The address of the original for readers.
    pub(in crate::serve) fn original_address(&self, link: &LinkView) -> String {
        self.public_address(link, &link.facts().link)
    }

    /// An address of a link or of its copies for readers. For a file of this machine it is the
    /// address of the link here, because readers must not see paths.
    pub(in crate::serve) fn public_address(&self, link: &LinkView, address: &Address) -> String {
        if address.file_path().is_some() { self.go(link) } else { address.to_string() }
    }

    /// The captures of a link, oldest first.
    pub(in crate::serve) async fn captures(&self, link: &Address) -> Result<Vec<StoredCapture>, Error> {
        Ok(self.catalogue.captures(link).await?)
    }

    /// The capture behind the current copy of a link.
    pub(in crate::serve) async fn current_capture(
        &self,
        link: &LinkView,
    ) -> Result<Option<StoredCapture>, Error> {
        Ok(self.current_captures(std::slice::from_ref(link)).await?.remove(&link.id()))
    }

    /// The captures behind the current copies of several links.
    pub(in crate::serve) async fn current_captures(
        &self,
        links: &[LinkView],
    ) -> Result<HashMap<LinkId, StoredCapture>, Error> {
        let with_copies = links.iter().filter_map(|link| Some((link, link.copy()?)));
        let addresses: Vec<Address> =
            with_copies.clone().map(|(link, _)| link.facts().link.clone()).collect();
        let mut captures = self.catalogue.captures_of_links(&addresses).await?;
        let current = with_copies.filter_map(|(link, copy)| {
            let of_link = captures.remove(&link.facts().link)?;
            let kept = of_link.into_iter().rev().find(|kept| kept.capture.sha256 == copy.sha256)?;
            Some((link.id(), kept))
        });
        Ok(current.collect())
    }

    /// Records that the bytes of a copy are lost, so that it is not offered again.
    async fn set_lost(&self, sha256: Digest, loss: Loss) -> Result<(), Error> {
        Ok(self.catalogue.set_verified(self.clock.now(), &[], &[(sha256, loss)]).await?)
    }

    /// The capture with this id, if a course has its link and the visitor may read the
    /// course. For others nothing is looked up, so that a response takes as long for a
    /// capture as without one.
    pub(in crate::serve) async fn capture(
        &self,
        visitor: &Visitor,
        id: &CaptureId,
    ) -> Result<Option<LinkCapture>, Error> {
        let Some(link) = self.link(visitor, id.link).await?.filter(LinkView::is_reader) else {
            return Ok(None);
        };
        let captures = self.captures(&link.facts().link).await?;
        let kept = captures.into_iter().rev().find(|kept| kept.capture.id() == *id);
        Ok(kept.map(|kept| LinkCapture { link, kept: Arc::new(kept) }))
    }

    /// The captures with this digest whose links a course has.
    pub(in crate::serve) async fn captures_of_digest(
        &self,
        visitor: &Visitor,
        sha256: Digest,
    ) -> Result<Vec<LinkCapture>, Error> {
        let captures = self.snapshot().await?.captures_of_digest(&self.catalogue, sha256).await?;
        let mut found = Vec::new();
        for kept in captures.iter() {
            if let Some(link) = self.link(visitor, LinkId::of(&kept.capture.link)).await? {
                found.push(LinkCapture { link, kept: Arc::clone(kept) });
            }
        }
        Ok(found)
    }

    /// How a capture differs from an earlier one of the same link. `None` if
    /// the text of one of them is not in the catalogue.
    pub(in crate::serve) async fn compare(
        &self,
        before: &StoredCapture,
        after: &StoredCapture,
    ) -> Result<Option<Arc<Comparison>>, Error> {
        self.comparisons.compare(&self.catalogue, before, after).await
    }

    /// The counts of link states in the latest nights of a course, oldest first.
    pub(in crate::serve) async fn night_history(&self, course: &CourseId) -> Result<Vec<StateCounts>, Error> {
        self.history.of_course(course, &self.catalogue).await
    }

    /// Whether the copies of a link open today.
    pub(in crate::serve) fn may_open(&self, link: &LinkView) -> Result<(), Closed> {
        let (openness, rights) = (link.course.rules.copies.openness, link.rights());
        copy_access::may_open(&CopyRequest {
            is_reader: link.is_reader(),
            course: openness,
            rights,
            original: link.original(),
            term: link.course.rules.term,
            today: self.today_at(&link.course),
        })?;
        if self.settings.only_always_open_copies && !copy_access::always_opens(openness, rights) {
            return Err(Closed::OriginalAvailable);
        }
        Ok(())
    }
}
