//! A report that replaces an earlier one that was never delivered.

use crate::domain::report::course_report::CourseReport;

impl CourseReport {
    /// This report for a recipient who did not get the report `unsent`. Only what
    /// was reported before `unsent` counts as known.
    ///
    /// A link that broke and works again in between is then no news.
    #[must_use]
    pub fn including(mut self, unsent: &Self) -> Self {
        for link_facts in &mut self.facts.links {
            let Some(before) = unsent.facts.links.iter().find(|before| before.link == link_facts.link) else {
                continue;
            };
            self.earlier.links.insert(
                link_facts.link.clone(),
                unsent.earlier.links.get(&link_facts.link).cloned().unwrap_or_default(),
            );
            if link_facts.decision.is_none() && link_facts.lapsed.is_none() {
                link_facts.lapsed.clone_from(&before.lapsed);
            }
        }
        self.earlier.defects.clone_from(&unsent.earlier.defects);
        self.earlier.omissions.clone_from(&unsent.earlier.omissions);
        self.earlier.page_problem.clone_from(&unsent.earlier.page_problem);
        self.earlier.page_problem_nights = unsent.earlier.page_problem_nights;
        self.earlier.page_never_read = unsent.earlier.page_never_read;
        // The first report of a course whose page could not be read has no baseline.
        self.facts.is_first |= unsent.facts.is_first && !unsent.facts.is_never_read();
        self
    }
}
