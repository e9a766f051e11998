//! What earlier reports said. News is what differs from it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::evidence::Note;
use crate::domain::report::facts::{LinkFacts, PageDefect, PageOmission, PageTrouble};
use crate::domain::verdict::State;

/// What the reports before this one said of a course.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EarlierReports {
    pub defects: Vec<PageDefect>,
    pub omissions: Vec<PageOmission>,
    pub page_trouble: Option<PageTrouble>,
    /// How many nights in a row the page had had that trouble.
    pub page_trouble_nights: u32,
    /// By address; a link without an entry is new.
    pub links: HashMap<Address, EarlierLink>,
}

/// What earlier reports said of a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EarlierLink {
    /// The state of the last night, changed or not; `None` for a link that is new.
    pub state: Option<State>,
    /// The last reminder; the same reminder again is no news.
    pub reminder: Option<Reminder>,
    /// The notes of the last night; the same notes again are no news.
    pub notes: Vec<Note>,
}

/// What a report repeats each night for as long as it lasts, and what is news only
/// when it begins. The later one of two is news after the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// Its host has not answered for some nights.
    SilentHost,
    /// It does not work, and is needed within days.
    DueSoon,
}

impl EarlierReports {
    pub(super) fn state(&self, item: &LinkFacts) -> Option<&State> {
        self.links.get(&item.link)?.state.as_ref()
    }

    pub(super) fn reminder(&self, item: &LinkFacts) -> Option<Reminder> {
        self.links.get(&item.link)?.reminder
    }

    pub(super) fn notes(&self, item: &LinkFacts) -> &[Note] {
        self.links.get(&item.link).map_or(&[], |link| &link.notes)
    }
}
