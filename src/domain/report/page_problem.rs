//! Problems of the course page itself: when they are reported, and when they are over.

use crate::domain::report::course_report::CourseReport;
use crate::domain::report::facts::{CourseFacts, PageProblem};

/// A problem is reported after so many nights. A single bad response proves little.
const NIGHTS_TO_REPORT: u32 = 2;

/// A page that was never read has no last good reading, so its problem cannot wait.
const NIGHTS_TO_REPORT_NEVER_READ: u32 = 1;

/// A page that lost links is accepted as it is after so many nights.
const NIGHTS_TO_BELIEVE: u32 = 3;

impl PageProblem {
    fn page(&self) -> &str {
        match self {
            Self::Unreachable { page, .. }
            | Self::Shrunken { page, .. }
            | Self::NotThePage { page, .. }
            | Self::AsksForAccount { page }
            | Self::NoLinks { page }
            | Self::NotAPage { page, .. } => page,
        }
    }

    /// Whether both are the same kind of problem of the same page.
    fn is_same_as(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.page() == other.page()
    }
}

impl CourseFacts {
    /// For how many nights in a row the page has had tonight's problem. A void
    /// night does not count, because our own network failed.
    pub fn nights_of_problem(tonight: Option<&PageProblem>, last: Option<&Self>, is_void: bool) -> u32 {
        let Some(tonight) = tonight else { return 0 };
        let before = last.filter(|last| last.page_problem.as_ref().is_some_and(|it| it.is_same_as(tonight)));
        before.map_or(0, |last| last.page_problem_nights) + u32::from(!is_void)
    }

    /// Whether the next night accepts a page that has only so many links again. A
    /// page without links is never accepted.
    pub fn accepts(&self, page: &str, links: usize) -> bool {
        let is_as_before = match &self.page_problem {
            Some(PageProblem::Shrunken { page: shrunken, after, .. }) => {
                shrunken == page && usize::try_from(*after).is_ok_and(|after| after == links)
            }
            Some(
                PageProblem::Unreachable { .. }
                | PageProblem::NotThePage { .. }
                | PageProblem::AsksForAccount { .. }
                | PageProblem::NoLinks { .. }
                | PageProblem::NotAPage { .. },
            )
            | None => false,
        };
        links > 0 && is_as_before && self.page_problem_nights + 1 >= NIGHTS_TO_BELIEVE
    }

    /// The problem, if it has lasted long enough to be reported.
    pub(super) fn reported_problem(&self) -> Option<&PageProblem> {
        let is_reported = self.page_problem_nights >= nights_to_report(self.page_never_read);
        self.page_problem.as_ref().filter(|_| is_reported)
    }

    /// Whether no page of the course has ever been read, so that it has no links to check.
    pub fn is_never_read(&self) -> bool {
        self.page_never_read && self.page_problem.is_some() && self.links.is_empty()
    }
}

impl CourseReport {
    /// A reported problem that no earlier report had.
    pub(super) fn new_problem(&self) -> Option<&PageProblem> {
        let known = self.problem_reported_before();
        self.facts.reported_problem().filter(|problem| !known.is_some_and(|known| known.is_same_as(problem)))
    }

    /// A problem that an earlier report had and that is over. The first report that lists links
    /// shows by itself that the page can be read.
    pub(super) fn past_problem(&self) -> Option<&PageProblem> {
        let is_over = self.facts.page_problem.is_none() && !self.facts.is_first;
        self.problem_reported_before().filter(|_| is_over)
    }

    fn problem_reported_before(&self) -> Option<&PageProblem> {
        let is_reported = self.earlier.page_problem_nights >= nights_to_report(self.earlier.page_never_read);
        self.earlier.page_problem.as_ref().filter(|_| is_reported)
    }
}

fn nights_to_report(is_never_read: bool) -> u32 {
    if is_never_read { NIGHTS_TO_REPORT_NEVER_READ } else { NIGHTS_TO_REPORT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::Reason;
    use crate::domain::report::compose::{ComposedReport, compose};
    use crate::domain::report::tests::{ok, report, with};
    use crate::domain::report::text;

    const PAGE: &str = "https://courses.example.edu/dgm/index.html";

    fn down() -> PageProblem {
        PageProblem::Unreachable { page: PAGE.into(), why: Reason::ServerError, status: Some(503) }
    }

    fn shrunken(after: u32) -> PageProblem {
        PageProblem::Shrunken { page: PAGE.into(), before: 30, after }
    }

    /// Consecutive nights, each with the reports before it.
    fn row(problems: &[Option<PageProblem>]) -> Vec<CourseReport> {
        let mut nights: Vec<CourseReport> = Vec::new();
        for problem in problems {
            let last = nights.last();
            let tonight = with(report(vec![ok("A", "https://a.example/")]), |report| {
                report.facts.page_problem_nights =
                    CourseFacts::nights_of_problem(problem.as_ref(), last.map(|last| &last.facts), false);
                report.facts.page_problem = problem.clone();
                report.earlier.page_problem = last.and_then(|last| last.facts.page_problem.clone());
                report.earlier.page_problem_nights = last.map_or(0, |last| last.facts.page_problem_nights);
            });
            nights.push(tonight);
        }
        nights
    }

    fn reports(problems: &[Option<PageProblem>]) -> Vec<ComposedReport> {
        row(problems).iter().map(compose).collect()
    }

    #[test]
    fn one_bad_response_of_the_page_is_not_reported() {
        let reports = reports(&[None, Some(down()), None]);
        assert!(reports.iter().all(|report| !report.is_news));
        assert!(
            reports.iter().all(|report| report.subject.starts_with("[DGM] The link is fine")),
            "{reports:?}"
        );
        let text = text::render(&reports[1]);
        assert!(!text.contains("NEEDS YOU"), "{text}");
        assert!(
            text.replace('\n', " ").contains("could not be read; its last good reading was used."),
            "{text}"
        );
    }

    #[test]
    fn a_lasting_problem_is_news_once_and_so_is_its_end() {
        let reports = reports(&[None, Some(down()), Some(down()), Some(down()), None, None]);
        let news: Vec<bool> = reports.iter().map(|report| report.is_news).collect();
        assert_eq!(news, [false, false, true, false, true, false]);
        assert_eq!(reports[2].subject, "[DGM] The course page could not be read");
        assert!(text::render(&reports[2]).contains("To do: open it in a browser"));
        assert!(reports[3].subject.starts_with("[DGM] The link is fine"), "{}", reports[3].subject);
        assert!(text::render(&reports[3]).contains("The course page itself"), "it still needs work");
        assert_eq!(reports[4].subject, "[DGM] The course page can be read again");
        assert!(text::render(&reports[4]).starts_with("The course page can be read again."));
    }

    #[test]
    fn a_problem_from_an_unsent_report_is_in_the_next_one() {
        let nights = row(&[Some(down()), Some(down()), Some(down()), None]);
        let [_, unsent, later, over] = nights.as_slice() else { unreachable!() };
        assert!(compose(&later.clone().including(unsent)).is_news);
        assert!(!compose(&over.clone().including(later).including(unsent)).is_news, "no report had it");
    }

    #[test]
    fn a_page_that_stays_short_is_accepted_but_an_empty_one_never() {
        let accepted = |problems: &[Option<PageProblem>], links| {
            row(problems).last().unwrap().facts.accepts(PAGE, links)
        };
        assert!(!accepted(&[Some(shrunken(12))], 12));
        assert!(accepted(&[Some(shrunken(12)), Some(shrunken(12))], 12));
        assert!(!accepted(&[Some(shrunken(12)), Some(shrunken(12))], 9), "it still changes");
        assert!(!accepted(&[Some(shrunken(0)), Some(shrunken(0)), Some(shrunken(0))], 0));
        assert!(!accepted(&[Some(down()), Some(down())], 12));
        assert!(!row(&[Some(shrunken(12)), Some(shrunken(12))])[1].facts.accepts("another page", 12));
    }

    #[test]
    fn a_void_night_proves_nothing_about_the_page() {
        let last = &row(&[Some(down())])[0];
        assert_eq!(CourseFacts::nights_of_problem(Some(&down()), Some(&last.facts), true), 1);
        assert_eq!(CourseFacts::nights_of_problem(Some(&down()), None, true), 0);
    }
}
