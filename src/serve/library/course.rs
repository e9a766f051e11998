//! A course and its links, as the latest report and later decisions describe them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::sync::OnceCell;

use crate::domain::address::{Address, LinkId};
use crate::domain::capture::Capture;
use crate::domain::course::Rights;
use crate::domain::link::{Mention, Target};
use crate::domain::policy::copy_access::{self, Original};
use crate::domain::report::placement::{is_broken, is_own, is_replaced};
use crate::domain::report::{CourseFacts, CourseReport, LinkFacts};
use crate::domain::verdict::State;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::Error;
use crate::serve::respond::CacheScope;
use crate::serve::settings::CourseRules;
use crate::world::catalogue::{Catalogue, CourseRevision, StoredDecision};

#[derive(Debug)]
pub(in crate::serve) struct CourseView {
    pub rules: CourseRules,
    pub night: CourseFacts,
    /// The mentions in the order of the pages.
    pub mentions: Vec<Mention>,
    /// The decisions about links.
    pub decisions: HashMap<Address, StoredDecision>,
    taken_down: HashSet<LinkId>,
    pub(super) as_of: CourseRevision,
    /// The ids of the links of the report, in its order: each is a digest, and a page has many.
    ids: Vec<LinkId>,
    index_by_id: HashMap<LinkId, usize>,
    /// The numbers of readings whose files have the same name as an earlier one, once
    /// they are counted.
    pub(super) name_numbers: OnceCell<HashMap<LinkId, usize>>,
}

/// A link of a course, as one visitor may see it.
#[derive(Clone, Debug)]
pub(in crate::serve) struct LinkView {
    pub course: Arc<CourseView>,
    index: usize,
    is_reader: bool,
}

impl CourseView {
    /// Reads a course. `None` if there is no report about it yet.
    pub(super) async fn read(
        catalogue: &Catalogue,
        rules: &CourseRules,
        as_of: CourseRevision,
    ) -> Result<Option<Self>, Error> {
        let Some(CourseReport { facts: mut night, .. }) = catalogue.last_report(&rules.id).await? else {
            return Ok(None);
        };
        let decisions = catalogue.decisions(&rules.id).await?;
        let lost = catalogue.lost_copies().await?;
        for link_facts in &mut night.links {
            update_since_report(catalogue, link_facts, decisions.get(&link_facts.link)).await?;
            link_facts.set_lost(&lost);
        }
        let readings = catalogue.readings(&rules.id).await?;
        let configured = |source| night.pages.iter().position(|page| page == source).unwrap_or(usize::MAX);
        let mut pages: Vec<_> = readings.iter().map(|(source, page)| (configured(source), page)).collect();
        pages.sort_by_key(|(position, _)| *position);
        let ids: Vec<LinkId> = night.links.iter().map(|link_facts| LinkId::of(&link_facts.link)).collect();
        let index_by_id: HashMap<LinkId, usize> =
            ids.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        let is_reported = |mention: &&Mention| {
            mention.address().is_some_and(|link| index_by_id.contains_key(&LinkId::of(link)))
        };
        let mentions =
            pages.iter().flat_map(|(_, page)| &page.mentions).filter(is_reported).cloned().collect();
        let taken_down = catalogue.taken_down().await?.iter().map(LinkId::of).collect();
        Ok(Some(Self {
            rules: rules.clone(),
            mentions,
            decisions,
            taken_down,
            as_of,
            ids,
            index_by_id,
            night,
            name_numbers: OnceCell::new(),
        }))
    }

    pub(in crate::serve) fn link(self: &Arc<Self>, visitor: &Visitor, link: &Address) -> Option<LinkView> {
        self.link_by_id(visitor, LinkId::of(link))
    }

    pub(super) fn link_by_id(self: &Arc<Self>, visitor: &Visitor, id: LinkId) -> Option<LinkView> {
        let index = self.index_by_id.get(&id).copied()?;
        Some(LinkView { course: Arc::clone(self), index, is_reader: visitor.may_read(&self.rules) })
    }

    /// All links, for a visitor.
    pub(in crate::serve) fn links(self: &Arc<Self>, visitor: &Visitor) -> impl Iterator<Item = LinkView> {
        self.links_for(visitor.may_read(&self.rules))
    }

    /// The links in the order of the page, each once, with its first mention.
    pub(in crate::serve) fn readings(self: &Arc<Self>, visitor: &Visitor) -> Vec<(LinkView, &Mention)> {
        let mut seen = HashSet::new();
        let mentioned = self.mentions.iter().filter_map(|mention| {
            let link = self.link(visitor, mention.address()?)?;
            Some((link, mention))
        });
        mentioned.filter(|(link, _)| seen.insert(link.id())).collect()
    }

    /// All links, for a person who may decide about them, and so may read them too.
    pub(in crate::serve) fn links_for_actor(self: &Arc<Self>) -> impl Iterator<Item = LinkView> {
        self.links_for(true)
    }

    fn links_for(self: &Arc<Self>, is_reader: bool) -> impl Iterator<Item = LinkView> {
        (0..self.night.links.len()).map(move |index| LinkView { course: Arc::clone(self), index, is_reader })
    }

    pub(in crate::serve) fn time_zone(&self) -> &TimeZone {
        &self.night.time_zone
    }

    /// The date of a moment in the time zone of the course.
    pub(in crate::serve) fn local_date(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.time_zone().clone()).date()
    }

    /// Which caches may store responses about the course.
    pub(in crate::serve) fn cache_scope(&self) -> CacheScope {
        CacheScope::of(&self.rules.admission)
    }
}

/// Applies what happened after the report: a recheck may have cleared the link,
/// and a decision may have chosen another copy.
async fn update_since_report(
    catalogue: &Catalogue,
    link_facts: &mut LinkFacts,
    decided: Option<&StoredDecision>,
) -> Result<(), Error> {
    if let Some(verdict) = catalogue.verdict(&link_facts.link).await? {
        link_facts.verdict = verdict;
    }
    if let Some(sha256) = decided.and_then(|decided| decided.decision.our_copy()) {
        let captures = catalogue.captures(&link_facts.link).await?;
        if let Some(kept) = captures.into_iter().rev().find(|kept| kept.capture.sha256 == sha256) {
            link_facts.copy_pages = kept.pages;
            link_facts.copy = Some(kept.capture);
        }
    }
    Ok(())
}

impl LinkView {
    #[expect(clippy::indexing_slicing, reason = "the index was made from the same items")]
    pub(in crate::serve) fn facts(&self) -> &LinkFacts {
        &self.course.night.links[self.index]
    }

    #[expect(clippy::indexing_slicing, reason = "there are as many ids as links")]
    pub(in crate::serve) fn id(&self) -> LinkId {
        self.course.ids[self.index]
    }

    /// Whether the original is a file beside a course page that is read from disk.
    pub(in crate::serve) fn is_local_file(&self) -> bool {
        self.facts().link.file_path().is_some()
    }

    /// Whether the visitor may read the course.
    pub(in crate::serve) fn is_reader(&self) -> bool {
        self.is_reader
    }

    /// The place in the document that the course page links to, without the `#`.
    pub(in crate::serve) fn fragment(&self) -> Option<&str> {
        let link = &self.facts().link;
        self.course.mentions.iter().find_map(|mention| match &mention.target {
            Target::Web { address, fragment } if address == link => fragment.as_deref(),
            _ => None,
        })
    }

    /// The current copy, unless it was taken down or its bytes are lost.
    pub(in crate::serve) fn copy(&self) -> Option<&Capture> {
        self.facts().sound_copy().filter(|_| self.rights() != Rights::TakenDown)
    }

    pub(in crate::serve) fn rights(&self) -> Rights {
        if self.course.taken_down.contains(&self.id()) {
            return Rights::TakenDown;
        }
        let is_own = is_own(&self.course.night, self.facts());
        copy_access::rights_of(&self.facts().link, &self.course.rules.copies.rights, is_own)
    }

    /// The decision about the link, in force or lapsed.
    pub(in crate::serve) fn decided(&self) -> Option<&StoredDecision> {
        self.course.decisions.get(&self.facts().link)
    }

    /// Confirmed dead, or a missing file of the course's own site.
    pub(in crate::serve) fn is_dead(&self) -> bool {
        let link_facts = self.facts();
        is_broken(&link_facts.verdict.state, is_own(&self.course.night, link_facts))
    }

    /// Whether a person should decide about the link and has not.
    pub(in crate::serve) fn waits_for_person(&self) -> bool {
        let is_decided = self.decided().is_some_and(|decided| !decided.has_lapsed);
        let waits = match self.facts().verdict.state {
            State::Dead { .. } | State::Changed { .. } | State::Moved { .. } | State::Restricted { .. } => {
                true
            }
            State::Ok | State::Failing { .. } | State::Unverifiable { .. } => self.is_dead(),
        };
        waits && !is_decided
    }

    pub(in crate::serve) fn original(&self) -> Original {
        if self.decided().is_some_and(|decided| decided.decision.our_copy().is_some()) {
            return Original::SetAside;
        }
        match &self.facts().verdict.state {
            _ if self.is_dead() => Original::Dead,
            State::Dead { .. } => Original::Dead,
            State::Failing { .. } => Original::Failing,
            State::Changed { .. } if is_replaced(&self.course.night, self.facts()) => Original::Replaced,
            State::Ok
            | State::Moved { .. }
            | State::Changed { .. }
            | State::Restricted { .. }
            | State::Unverifiable { .. } => Original::Works,
        }
    }
}
