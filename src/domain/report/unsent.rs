//! A report that stands in for an earlier one that its reader never got.

use crate::domain::report::course_report::CourseReport;

impl CourseReport {
    /// This report for a reader who did not get the report `unsent`: only what
    /// was reported before that one counts as known.
    ///
    /// A link that broke and works again in between is then no news at all.
    #[must_use]
    pub fn including(mut self, unsent: &Self) -> Self {
        for item in &mut self.facts.items {
            let Some(before) = unsent.facts.items.iter().find(|before| before.link == item.link) else {
                continue;
            };
            self.earlier
                .links
                .insert(item.link.clone(), unsent.earlier.links.get(&item.link).cloned().unwrap_or_default());
            if item.decision.is_none() && item.lapsed.is_none() {
                item.lapsed.clone_from(&before.lapsed);
            }
        }
        self.earlier.defects.clone_from(&unsent.earlier.defects);
        self.earlier.omissions.clone_from(&unsent.earlier.omissions);
        self.earlier.page_trouble.clone_from(&unsent.earlier.page_trouble);
        self.earlier.page_trouble_nights = unsent.earlier.page_trouble_nights;
        self.facts.is_first |= unsent.facts.is_first;
        self
    }
}
