//! A report that replaces an earlier one that was never delivered.

use crate::domain::report::course_report::CourseReport;

impl CourseReport {
    /// This report for a recipient who did not get the report `unsent`. Only what
    /// was reported before `unsent` counts as known.
    ///
    /// A link that broke and works again in between is then no news.
    #[must_use]
    pub fn including(mut self, unsent: &Self) -> Self {
        for item in &mut self.facts.links {
            let Some(before) = unsent.facts.links.iter().find(|before| before.link == item.link) else {
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
