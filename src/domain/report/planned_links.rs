//! The links of the last nights of courses, of which the next night is planned.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::address::Address;
use crate::domain::link::Kind;
use crate::domain::policy::night_plan::{ListedLinks, NightPace, NightPlan};
use crate::domain::policy::rota::VisitPriority;
use crate::domain::report::{CourseFacts, placement};

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// The links of the last night of each course.
#[derive(Clone, Debug, Default)]
pub struct PlannedLinks<'a> {
    links: Vec<(Cow<'a, Address>, Kind, VisitPriority)>,
    /// When the newest of these nights started.
    last_night: Option<Timestamp>,
}

impl<'a> PlannedLinks<'a> {
    /// Adds the links of the last night of a course.
    pub fn add(&mut self, facts: &'a CourseFacts) {
        self.add_as(facts, Cow::Borrowed);
    }

    /// The same, with copies of the addresses.
    pub fn add_copied(&mut self, facts: &CourseFacts) {
        self.add_as(facts, |link| Cow::Owned(link.clone()));
    }

    fn add_as<'b>(&mut self, facts: &'b CourseFacts, address: impl Fn(&'b Address) -> Cow<'a, Address>) {
        self.last_night = self.last_night.max(Some(facts.started));
        self.links.extend(facts.links.iter().map(|link_facts| {
            let kind = link_facts.mentions.first().map_or(Kind::Other, |mention| mention.kind);
            (address(&link_facts.link), kind, placement::visit_priority(facts, link_facts))
        }));
    }

    /// The number of links. One that several courses have is counted for each.
    pub fn count(&self) -> usize {
        self.links.len()
    }

    pub fn kinds(&self) -> BTreeMap<&Address, Kind> {
        self.links.iter().map(|(link, kind, _)| (link.as_ref(), *kind)).collect()
    }

    /// When the next night starts, a day after the last one. `None` without a course.
    pub fn next_night(&self) -> Option<Timestamp> {
        self.last_night?.checked_add(A_DAY).ok()
    }

    /// The plan of the next night, in which lists replace these visits.
    pub fn plan(&self, listed: &ListedLinks, pace: &NightPace) -> NightPlan {
        NightPlan::new(self.links.iter().map(|(link, _, priority)| (link.as_ref(), *priority)), listed, pace)
    }
}
