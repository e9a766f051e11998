//! The decisions about a course's links during a night. A decision in force keeps
//! its link out of the report; a lapsed one is reported once.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::course::{Course, Term};
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::journal::Entry;
use crate::domain::report::{self, LinkFacts};
use crate::world::World;
use crate::world::catalogue::{LapsedDecision, StoredDecision};

/// The decisions on the links of a course.
pub(super) struct Decisions {
    standing: HashMap<Address, StoredDecision>,
    /// The copies that readers get in place of the originals.
    copies: HashMap<Address, StoredCapture>,
    pub(super) today: Date,
    term: Option<Term>,
}

pub(super) async fn of(course: &Course, today: Date, world: &World) -> anyhow::Result<Decisions> {
    let standing = world.catalogue.decisions(&course.id).await?;
    let mut copies = HashMap::new();
    for (link, decided) in &standing {
        let Some(sha256) = decided.decision.our_copy() else { continue };
        let captures = world.catalogue.captures(link).await?;
        if let Some(kept) = captures.into_iter().rev().find(|kept| kept.capture.sha256 == sha256) {
            copies.insert(link.clone(), kept);
        }
    }
    Ok(Decisions { standing, copies, today, term: course.term })
}

impl Decisions {
    /// The link with its decision.
    pub(super) fn apply(&mut self, mut link_facts: LinkFacts) -> LinkFacts {
        if let Some(kept) = self.copies.remove(&link_facts.link) {
            link_facts.copy_pages = kept.pages;
            link_facts.copy = Some(kept.capture);
        }
        let Some(decided) = self.standing.remove(&link_facts.link) else { return link_facts };
        let is_in_force = decided.decision.is_in_force(&link_facts.verdict.state, self.today, self.term);
        if decided.has_lapsed {
            return link_facts;
        }
        if is_in_force {
            link_facts.decision = Some(decided.decision);
        } else {
            link_facts.lapsed = Some(decided.decision);
        }
        link_facts
    }
}

/// The decisions that lapse with these reports.
pub(super) fn lapses(reports: &[report::CourseReport]) -> Vec<LapsedDecision> {
    let of_course = |night: &report::CourseReport| {
        let course = night.facts.course.clone();
        let lapsed = night
            .facts
            .links
            .iter()
            .filter_map(|link_facts| Some((link_facts.link.clone(), link_facts.lapsed.as_ref()?.at)));
        lapsed
            .map(|(link, decided)| LapsedDecision { course: course.clone(), link, decided })
            .collect::<Vec<_>>()
    };
    // The report of a void night lists no link, so no decision lapses.
    reports.iter().filter(|night| night.facts.void.is_none()).flat_map(of_course).collect()
}

/// The journal entries of lapsed decisions.
pub(super) fn entries(lapses: &[LapsedDecision], night: Timestamp) -> Vec<Entry> {
    let entry = |lapse: &LapsedDecision| Entry::Lapsed {
        night,
        course: lapse.course.clone(),
        link: lapse.link.clone(),
        decided: lapse.decided,
    };
    lapses.iter().map(entry).collect()
}
