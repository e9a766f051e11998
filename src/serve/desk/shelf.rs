//! A course on its shelf, as its newest report tells it, and a link on it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::address::{Address, LinkId};
use crate::domain::capture::Capture;
use crate::domain::course::Rights;
use crate::domain::link::Mention;
use crate::domain::policy::access::{self, Original};
use crate::domain::report::placement::{is_broken, is_own};
use crate::domain::report::{CourseFacts, CourseReport, LinkFacts};
use crate::domain::verdict::State;
use crate::serve::settings::CourseRules;
use crate::serve::visitor::Visitor;
use crate::world::catalogue::{self, Catalogue, CourseRevision, StoredDecision};

/// A course as its newest report tells it.
#[derive(Debug)]
pub(in crate::serve) struct Shelf {
    pub rules: CourseRules,
    pub night: CourseFacts,
    /// Mentions in the order of the pages.
    pub mentions: Vec<Mention>,
    /// What was decided of its links.
    pub decisions: HashMap<Address, StoredDecision>,
    taken_down: HashSet<LinkId>,
    pub(super) as_of: CourseRevision,
    by_id: HashMap<LinkId, usize>,
}

/// A link on the shelf of a course, for one visitor.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Found {
    pub shelf: Arc<Shelf>,
    index: usize,
    pub(super) is_reader: bool,
}

impl Shelf {
    /// Reads a course; nothing where it was never reported.
    pub(super) async fn read(
        catalogue: &Catalogue,
        rules: &CourseRules,
        as_of: CourseRevision,
    ) -> Result<Option<Self>, catalogue::Error> {
        let Some(CourseReport { facts: mut night, .. }) = catalogue.last_report(&rules.id).await? else {
            return Ok(None);
        };
        let decisions = catalogue.decisions(&rules.id).await?;
        for item in &mut night.items {
            bring_up_to_date(catalogue, item, decisions.get(&item.link)).await?;
        }
        let readings = catalogue.readings(&rules.id).await?;
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
        let taken_down = catalogue.taken_down().await?.iter().map(LinkId::of).collect();
        Ok(Some(Self { rules: rules.clone(), mentions, decisions, taken_down, as_of, by_id, night }))
    }

    pub(in crate::serve) fn found(self: &Arc<Self>, visitor: &Visitor, link: &Address) -> Option<Found> {
        self.found_by_id(visitor, LinkId::of(link))
    }

    pub(super) fn found_by_id(self: &Arc<Self>, visitor: &Visitor, id: LinkId) -> Option<Found> {
        let index = self.by_id.get(&id).copied()?;
        Some(Found { shelf: Arc::clone(self), index, is_reader: visitor.may_read(&self.rules) })
    }

    pub(in crate::serve) fn all(self: &Arc<Self>, visitor: &Visitor) -> impl Iterator<Item = Found> {
        let is_reader = visitor.may_read(&self.rules);
        (0..self.night.items.len()).map(move |index| Found { shelf: Arc::clone(self), index, is_reader })
    }

    /// The links before someone who may act on them, which is more than to read.
    pub(in crate::serve) fn before_an_actor(self: &Arc<Self>) -> impl Iterator<Item = Found> {
        (0..self.night.items.len()).map(|index| Found { shelf: Arc::clone(self), index, is_reader: true })
    }

    pub(in crate::serve) fn time_zone(&self) -> &TimeZone {
        &self.night.time_zone
    }
}

/// A look may have cleared what the night suspected, and the course may
/// have decided which copy it reads.
async fn bring_up_to_date(
    catalogue: &Catalogue,
    item: &mut LinkFacts,
    decided: Option<&StoredDecision>,
) -> Result<(), catalogue::Error> {
    if let Some(verdict) = catalogue.verdict(&item.link).await? {
        item.verdict = verdict;
    }
    if let Some(sha256) = decided.and_then(|decided| decided.decision.our_copy()) {
        let captures = catalogue.captures(&item.link).await?;
        if let Some(kept) = captures.into_iter().rev().find(|kept| kept.capture.sha256 == sha256) {
            item.copy_pages = kept.pages;
            item.copy = Some(kept.capture);
        }
    }
    Ok(())
}

impl Found {
    #[expect(clippy::indexing_slicing, reason = "the index was made from the same items")]
    pub(in crate::serve) fn item(&self) -> &LinkFacts {
        &self.shelf.night.items[self.index]
    }

    pub(in crate::serve) fn id(&self) -> LinkId {
        LinkId::of(&self.item().link)
    }

    /// The current copy; none of what its owner wants back.
    pub(in crate::serve) fn copy(&self) -> Option<&Capture> {
        self.item().copy.as_ref().filter(|_| self.rights() != Rights::TakenDown)
    }

    pub(in crate::serve) fn rights(&self) -> Rights {
        if self.shelf.taken_down.contains(&self.id()) {
            return Rights::TakenDown;
        }
        let is_own = is_own(&self.shelf.night, self.item());
        access::rights_of(&self.item().link, &self.shelf.rules.copies.rights, is_own)
    }

    /// What was decided of it, in force or lapsed.
    pub(in crate::serve) fn decided(&self) -> Option<&StoredDecision> {
        self.shelf.decisions.get(&self.item().link)
    }

    /// Confirmed dead, or a file of the course itself that is not there.
    pub(in crate::serve) fn is_dead(&self) -> bool {
        let item = self.item();
        is_broken(&item.verdict.state, is_own(&self.shelf.night, item))
    }

    pub(in crate::serve) fn original(&self) -> Original {
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
