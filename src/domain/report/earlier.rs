//! What earlier reports said. A fact that differs from it is news.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::evidence::Note;
use crate::domain::report::facts::{LinkFacts, PageDefect, PageOmission, PageProblem};
use crate::domain::verdict::State;

/// What the earlier reports said about a course.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EarlierReports {
    pub defects: Vec<PageDefect>,
    pub omissions: Vec<PageOmission>,
    pub page_problem: Option<PageProblem>,
    /// For how many nights in a row the page had that problem.
    pub page_problem_nights: u32,
    /// The page with that problem had never been read.
    pub page_never_read: bool,
    /// By address. A link without an entry is new.
    pub links: HashMap<Address, EarlierLink>,
}

/// What earlier reports said about a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EarlierLink {
    /// The state after the last night; `None` for a new link.
    pub state: Option<State>,
    /// The last reminder. The same reminder again is no news.
    pub reminder: Option<Reminder>,
    /// The notes of the last night. The same notes again are no news.
    pub notes: Vec<Note>,
    /// The link was dead and its copy lost. The same loss again is no news.
    pub is_lost_for_good: bool,
}

/// A statement that a report repeats each night while it applies, and that is
/// news only on its first night. A greater reminder is news after a lesser one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// The host has not answered for some nights.
    SilentHost,
    /// The link does not work and is due within days.
    DueSoon,
}

impl EarlierReports {
    pub(super) fn state(&self, link_facts: &LinkFacts) -> Option<&State> {
        self.links.get(&link_facts.link)?.state.as_ref()
    }

    pub(super) fn reminder(&self, link_facts: &LinkFacts) -> Option<Reminder> {
        self.links.get(&link_facts.link)?.reminder
    }

    pub(super) fn is_lost_for_good(&self, link_facts: &LinkFacts) -> bool {
        self.links.get(&link_facts.link).is_some_and(|link| link.is_lost_for_good)
    }

    pub(super) fn notes(&self, link_facts: &LinkFacts) -> &[Note] {
        self.links.get(&link_facts.link).map_or(&[], |link| &link.notes)
    }
}
