//! The reserve desk: everything a request needs, and where links and copies are found.
//!
//! What the catalogue says of the courses is in [`glance`], a course and its
//! links in [`shelf`].

mod glance;
mod shelf;

use std::sync::Arc;

use jiff::civil::Date;
use tokio::sync::Semaphore;

use self::glance::{Glance, Glances};
pub(in crate::serve) use self::shelf::{Found, Shelf};
use super::health::Figures;
use super::settings::Settings;
use super::visitor::Visitor;
use crate::domain::address::{Address, LinkId};
use crate::domain::capture::{CaptureId, Digest};
use crate::domain::course::CourseId;
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::policy::access::{self, Closed, Question};
use crate::serve::copy::difference::Comparisons;
use crate::serve::dashboard::bell::Bell;
use crate::serve::dashboard::past::Past;
use crate::serve::visitor::oidc::Crossings;
use crate::serve::visitor::signin::Porter;
use crate::world::archive::Archive;
use crate::world::catalogue::{self, Catalogue};
use crate::world::clock::Clock;

/// Searches at the same time: fewer than the catalogue has connections, so
/// that pages are answered beside them.
const SEARCHES_AT_ONCE: usize = 2;

/// Everything a request needs. What is decided on a page is all that is written.
#[derive(Debug)]
pub struct Desk {
    pub(in crate::serve) archive: Archive,
    pub(in crate::serve) catalogue: Catalogue,
    pub(in crate::serve) clock: Clock,
    pub(in crate::serve) settings: Settings,
    pub(in crate::serve) figures: Figures,
    pub(in crate::serve) past: Past,
    pub(in crate::serve) bell: Bell,
    pub(in crate::serve) searches: Semaphore,
    pub(in crate::serve) porter: Porter,
    pub(in crate::serve) crossings: Crossings,
    pub(in crate::serve) comparisons: Comparisons,
    glances: Glances,
}

impl Desk {
    pub fn new(archive: Archive, catalogue: Catalogue, clock: Clock, settings: Settings) -> Self {
        Self {
            archive,
            catalogue,
            clock,
            settings,
            figures: Figures::default(),
            past: Past::default(),
            bell: Bell::default(),
            searches: Semaphore::new(SEARCHES_AT_ONCE),
            porter: Porter::default(),
            crossings: Crossings::default(),
            comparisons: Comparisons::default(),
            glances: Glances::default(),
        }
    }

    /// With a bell that someone hears.
    #[must_use]
    pub fn with_bell(self, bell: Bell) -> Self {
        Self { bell, ..self }
    }

    /// The day at a course.
    pub(in crate::serve) fn day_at(&self, course: &Shelf) -> Date {
        self.clock.now().to_zoned_datetime(course.time_zone().clone()).date()
    }

    /// The courses that were ever reported, in the order of the settings,
    /// whoever asks.
    pub(in crate::serve) async fn shelves(&self) -> Result<Vec<Arc<Shelf>>, catalogue::Error> {
        Ok(self.glance().await?.shelves.clone())
    }

    pub(in crate::serve) async fn shelf(
        &self,
        course: &CourseId,
    ) -> Result<Option<Arc<Shelf>>, catalogue::Error> {
        Ok(self.glance().await?.shelves.iter().find(|shelf| shelf.night.course == *course).cloned())
    }

    async fn glance(&self) -> Result<Arc<Glance>, catalogue::Error> {
        self.glances.newest(&self.catalogue, &self.settings.courses, self.clock).await
    }

    /// The link of this id. Of several courses that have it, the one that says
    /// most: a takedown holds everywhere, then comes a course whose copy opens,
    /// and last one that the visitor may not read.
    pub(in crate::serve) async fn link(
        &self,
        visitor: &Visitor,
        id: LinkId,
    ) -> Result<Option<Found>, catalogue::Error> {
        let mut found: Vec<Found> = Vec::new();
        for shelf in &self.glance().await?.shelves {
            found.extend(shelf.found_by_id(visitor, id));
        }
        let rank = |found: &Found| match self.may_open(found) {
            Err(Closed::TakenDown) => 0,
            Ok(()) => 1,
            Err(Closed::OriginalStands | Closed::OutsideTerm) => 2,
            Err(Closed::Licensed) => 3,
            Err(Closed::ToStrangers) => 4,
        };
        Ok(found.into_iter().min_by_key(rank))
    }

    /// The link of this address, or of one that every site redirects to it.
    pub(in crate::serve) async fn link_at(
        &self,
        visitor: &Visitor,
        address: &Address,
    ) -> Result<Option<Found>, catalogue::Error> {
        if let Some(found) = self.link(visitor, LinkId::of(address)).await? {
            return Ok(Some(found));
        }
        for shelf in &self.glance().await?.shelves {
            let alike = shelf.night.items.iter().find(|item| item.link.is_canonically(address));
            if let Some(item) = alike {
                return self.link(visitor, LinkId::of(&item.link)).await;
            }
        }
        Ok(None)
    }

    /// The captures of a link, oldest first.
    pub(in crate::serve) async fn captures(
        &self,
        link: &Address,
    ) -> Result<Vec<StoredCapture>, catalogue::Error> {
        self.catalogue.captures(link).await
    }

    /// The capture of this id, of a link that a course has.
    pub(in crate::serve) async fn capture(
        &self,
        visitor: &Visitor,
        id: &CaptureId,
    ) -> Result<Option<(Found, StoredCapture)>, catalogue::Error> {
        let Some(found) = self.link(visitor, id.link).await? else { return Ok(None) };
        let captures = self.captures(&found.item().link).await?;
        Ok(captures.into_iter().rev().find(|kept| kept.capture.id() == *id).map(|kept| (found, kept)))
    }

    /// The links of our courses that have a capture with this digest.
    pub(in crate::serve) async fn holders(
        &self,
        visitor: &Visitor,
        sha256: Digest,
    ) -> Result<Vec<(Found, Arc<StoredCapture>)>, catalogue::Error> {
        let kept = self.glance().await?.holders(&self.catalogue, sha256).await?;
        let mut holders = Vec::new();
        for kept in kept.iter() {
            if let Some(found) = self.link(visitor, LinkId::of(&kept.capture.link)).await? {
                holders.push((found, Arc::clone(kept)));
            }
        }
        Ok(holders)
    }

    /// Whether the copies of a link open today.
    pub(in crate::serve) fn may_open(&self, found: &Found) -> Result<(), Closed> {
        let (openness, rights) = (found.shelf.rules.copies.openness, found.rights());
        let today = self.day_at(&found.shelf);
        access::may_open(&Question {
            is_reader: found.is_reader,
            course: openness,
            rights,
            original: found.original(),
            term: found.shelf.rules.term,
            today,
        })?;
        if self.settings.copies_for_ever_only && !access::always_opens(openness, rights) {
            return Err(Closed::OriginalStands);
        }
        Ok(())
    }
}
