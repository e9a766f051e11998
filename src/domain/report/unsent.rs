//! A night told in place of an earlier one that its reader never got.

use std::collections::HashMap;

use crate::domain::address::Address;
use crate::domain::report::{CourseReport, LinkFacts};

impl CourseReport {
    /// This night as it must be told to someone who was not told `earlier`:
    /// what counts as known is what was known before `earlier`.
    ///
    /// A link that broke and works again in between is then no news at all.
    #[must_use]
    pub fn telling_also(mut self, earlier: &Self) -> Self {
        let before: HashMap<&Address, &LinkFacts> =
            earlier.items.iter().map(|item| (&item.link, item)).collect();
        for item in &mut self.items {
            if let Some(untold) = before.get(&item.link) {
                item.before.clone_from(&untold.before);
                item.reminder_before = untold.reminder_before;
                item.notes_before.clone_from(&untold.notes_before);
                if item.decision.is_none() && item.lapsed.is_none() {
                    item.lapsed.clone_from(&untold.lapsed);
                }
            }
        }
        self.defects_before.clone_from(&earlier.defects_before);
        self.page_trouble_before.clone_from(&earlier.page_trouble_before);
        self.page_trouble_nights_before = earlier.page_trouble_nights_before;
        self.is_first |= earlier.is_first;
        self
    }
}
