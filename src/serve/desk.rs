//! The reserve desk: everything a request needs, and where links and copies are found.
//!
//! Courses are shown as their newest report tells them. Reports are read once
//! and shared; a new night, look or decision is noticed by its number.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;

use super::health::Figures;
use super::settings::{CourseRules, Settings};
use super::visitor::Visitor;
use crate::domain::address::{Address, LinkId};
use crate::domain::capture::{Capture, CaptureId, Digest};
use crate::domain::course::{CourseId, Rights};
use crate::domain::evidence::memory::Kept;
use crate::domain::link::Mention;
use crate::domain::policy::access::{self, Closed, Original, Question};
use crate::domain::report::place::{is_broken, is_own};
use crate::domain::report::{Item, Night};
use crate::domain::verdict::State;
use crate::serve::copy::difference::Comparisons;
use crate::serve::dashboard::bell::Bell;
use crate::serve::dashboard::past::Past;
use crate::serve::visitor::oidc::Crossings;
use crate::serve::visitor::signin::Porter;
use crate::world::archive::Archive;
use crate::world::catalogue::{Catalogue, Decided, Fault, Newest};
use crate::world::clock::Clock;

/// Searches at the same time: fewer than the catalogue has connections, so
/// that pages are answered beside them.
const SEARCHES_AT_ONCE: usize = 2;

/// Everything a request needs. What is decided on a page is all that is written.
#[derive(Debug)]
pub struct Desk {
    pub(super) archive: Archive,
    pub(super) catalogue: Catalogue,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    pub(super) figures: Figures,
    pub(super) past: Past,
    pub(super) bell: Bell,
    pub(super) searches: Semaphore,
    pub(super) porter: Porter,
    pub(super) crossings: Crossings,
    pub(super) comparisons: Comparisons,
    shelves: Mutex<HashMap<CourseId, Arc<Shelf>>>,
}

/// A course as its newest report tells it.
#[derive(Debug)]
pub(super) struct Shelf {
    pub rules: CourseRules,
    pub night: Night,
    /// Mentions in the order of the pages.
    pub mentions: Vec<Mention>,
    /// What was decided of its links.
    pub decisions: HashMap<Address, Decided>,
    taken_down: HashSet<LinkId>,
    as_of: Newest,
    by_id: HashMap<LinkId, usize>,
}

/// A link on the shelf of a course, for one visitor.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub shelf: Arc<Shelf>,
    index: usize,
    is_reader: bool,
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
            shelves: Mutex::default(),
        }
    }

    /// With a bell that someone hears.
    #[must_use]
    pub fn with_bell(self, bell: Bell) -> Self {
        Self { bell, ..self }
    }

    /// The day at a course.
    pub(super) fn day_at(&self, course: &Shelf) -> Date {
        self.clock.now().to_zoned_datetime(course.time_zone().clone()).date()
    }

    /// The courses that were ever reported, in the order of the settings,
    /// whoever asks.
    pub(super) async fn shelves(&self) -> Result<Vec<Arc<Shelf>>, Fault> {
        let newest: HashMap<CourseId, Newest> = self.catalogue.newest().await?.into_iter().collect();
        let mut shelves = Vec::new();
        for rules in &self.settings.courses {
            let Some(newest) = newest.get(&rules.id) else { continue };
            if let Some(shelf) = self.shelf_of(rules, *newest).await? {
                shelves.push(shelf);
            }
        }
        Ok(shelves)
    }

    pub(super) async fn shelf(&self, course: &CourseId) -> Result<Option<Arc<Shelf>>, Fault> {
        Ok(self.shelves().await?.into_iter().find(|shelf| shelf.night.course == *course))
    }

    async fn shelf_of(&self, rules: &CourseRules, as_of: Newest) -> Result<Option<Arc<Shelf>>, Fault> {
        let known = self.shelves.lock().unwrap_or_else(PoisonError::into_inner).get(&rules.id).cloned();
        if let Some(shelf) = known.filter(|shelf| shelf.as_of == as_of) {
            return Ok(Some(shelf));
        }
        let Some(mut night) = self.catalogue.last_report::<Night>(&rules.id).await? else {
            return Ok(None);
        };
        let decisions = self.catalogue.decisions(&rules.id).await?;
        for item in &mut night.items {
            self.bring_up_to_date(item, decisions.get(&item.link)).await?;
        }
        let readings = self.catalogue.readings(&rules.id).await?;
        let configured = |source| night.pages.iter().position(|page| page == source).unwrap_or(usize::MAX);
        let mut order: Vec<_> = readings.iter().map(|(source, page)| (configured(source), page)).collect();
        order.sort_by_key(|(place, _)| *place);
        let by_id: HashMap<LinkId, usize> =
            night.items.iter().enumerate().map(|(at, item)| (LinkId::of(&item.link), at)).collect();
        let mentions = order
            .iter()
            .flat_map(|(_, page)| &page.mentions)
            .filter(|mention| mention.address().is_some_and(|link| by_id.contains_key(&LinkId::of(link))))
            .cloned()
            .collect();
        let taken_down = self.catalogue.taken_down().await?.iter().map(LinkId::of).collect();
        let fresh =
            Arc::new(Shelf { rules: rules.clone(), mentions, decisions, taken_down, as_of, by_id, night });
        self.shelves
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(rules.id.clone(), Arc::clone(&fresh));
        Ok(Some(fresh))
    }

    /// A look may have cleared what the night suspected, and the course may
    /// have decided which copy it reads.
    async fn bring_up_to_date(&self, item: &mut Item, decided: Option<&Decided>) -> Result<(), Fault> {
        if let Some(verdict) = self.catalogue.verdict(&item.link).await? {
            item.verdict = verdict;
        }
        if let Some(sha256) = decided.and_then(|decided| decided.decision.our_copy()) {
            let captures = self.catalogue.captures(&item.link).await?;
            if let Some(kept) = captures.into_iter().rev().find(|kept| kept.capture.sha256 == sha256) {
                item.copy_pages = kept.pages;
                item.copy = Some(kept.capture);
            }
        }
        Ok(())
    }

    /// The link of this id. Of several courses that have it, the one that says
    /// most: a takedown holds everywhere, then comes a course whose copy opens,
    /// and last one that the visitor may not read.
    pub(super) async fn link(&self, visitor: &Visitor, id: LinkId) -> Result<Option<Found>, Fault> {
        let mut found: Vec<Found> = Vec::new();
        for shelf in self.shelves().await? {
            if let Some(index) = shelf.by_id.get(&id).copied() {
                found.push(Found { is_reader: visitor.may_read(&shelf.rules), shelf, index });
            }
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
    pub(super) async fn link_at(&self, visitor: &Visitor, address: &Address) -> Result<Option<Found>, Fault> {
        if let Some(found) = self.link(visitor, LinkId::of(address)).await? {
            return Ok(Some(found));
        }
        for shelf in self.shelves().await? {
            let alike = shelf.night.items.iter().find(|item| item.link.is_canonically(address));
            if let Some(item) = alike {
                return self.link(visitor, LinkId::of(&item.link)).await;
            }
        }
        Ok(None)
    }

    /// The captures of a link, oldest first.
    pub(super) async fn captures(&self, link: &Address) -> Result<Vec<Kept>, Fault> {
        self.catalogue.captures(link).await
    }

    /// The capture of this id, of a link that a course has.
    pub(super) async fn capture(
        &self,
        visitor: &Visitor,
        id: &CaptureId,
    ) -> Result<Option<(Found, Kept)>, Fault> {
        let Some(found) = self.link(visitor, id.link).await? else { return Ok(None) };
        let captures = self.captures(&found.item().link).await?;
        Ok(captures.into_iter().rev().find(|kept| kept.capture.id() == *id).map(|kept| (found, kept)))
    }

    /// The links of our courses that have a capture with this digest.
    pub(super) async fn holders(
        &self,
        visitor: &Visitor,
        sha256: Digest,
    ) -> Result<Vec<(Found, Kept)>, Fault> {
        let mut holders = Vec::new();
        for kept in self.catalogue.captures_of(sha256).await? {
            if let Some(found) = self.link(visitor, LinkId::of(&kept.capture.link)).await? {
                holders.push((found, kept));
            }
        }
        Ok(holders)
    }

    /// Whether the copies of a link open today.
    pub(super) fn may_open(&self, found: &Found) -> Result<(), Closed> {
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

impl Shelf {
    pub(super) fn found(self: &Arc<Self>, visitor: &Visitor, link: &Address) -> Option<Found> {
        let index = self.by_id.get(&LinkId::of(link)).copied()?;
        Some(Found { shelf: Arc::clone(self), index, is_reader: visitor.may_read(&self.rules) })
    }

    pub(super) fn all(self: &Arc<Self>, visitor: &Visitor) -> impl Iterator<Item = Found> {
        let is_reader = visitor.may_read(&self.rules);
        (0..self.night.items.len()).map(move |index| Found { shelf: Arc::clone(self), index, is_reader })
    }

    /// The links before someone who may act on them, which is more than to read.
    pub(super) fn before_an_actor(self: &Arc<Self>) -> impl Iterator<Item = Found> {
        (0..self.night.items.len()).map(|index| Found { shelf: Arc::clone(self), index, is_reader: true })
    }

    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.night.time_zone
    }
}

impl Found {
    #[expect(clippy::indexing_slicing, reason = "the index was made from the same items")]
    pub(super) fn item(&self) -> &Item {
        &self.shelf.night.items[self.index]
    }

    pub(super) fn id(&self) -> LinkId {
        LinkId::of(&self.item().link)
    }

    /// The current copy; none of what its owner wants back.
    pub(super) fn copy(&self) -> Option<&Capture> {
        self.item().copy.as_ref().filter(|_| self.rights() != Rights::TakenDown)
    }

    pub(super) fn rights(&self) -> Rights {
        if self.shelf.taken_down.contains(&self.id()) {
            return Rights::TakenDown;
        }
        let default = if is_own(&self.shelf.night, self.item()) { Rights::Own } else { Rights::Unknown };
        access::rights_of(&self.item().link, &self.shelf.rules.copies.rights).unwrap_or(default)
    }

    /// What was decided of it, in force or lapsed.
    pub(super) fn decided(&self) -> Option<&Decided> {
        self.shelf.decisions.get(&self.item().link)
    }

    /// Confirmed dead, or a file of the course itself that is not there.
    pub(super) fn is_dead(&self) -> bool {
        let item = self.item();
        is_broken(&item.verdict.state, is_own(&self.shelf.night, item))
    }

    pub(super) fn original(&self) -> Original {
        if self.decided().is_some_and(|decided| decided.decision.our_copy().is_some()) {
            return Original::SetAside;
        }
        match &self.item().verdict.state {
            _ if self.is_dead() => Original::Dead,
            State::Dead { .. } => Original::Dead,
            State::Failing { .. } => Original::Failing,
            State::Ok
            | State::Moved { .. }
            | State::Changed { .. }
            | State::Restricted { .. }
            | State::Unverifiable { .. } => Original::Works,
        }
    }
}
