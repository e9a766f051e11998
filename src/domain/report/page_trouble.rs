//! Trouble with the course page itself: what it is, from when it is told, and when it is over.

use crate::domain::report::course_report::CourseReport;
use crate::domain::report::facts::{CourseFacts, PageTrouble};

/// Trouble is told once it lasts so many nights: one bad answer to one request says little.
const NIGHTS_TO_TELL: u32 = 2;

/// A page that lost its links and stays as it is for so many nights was meant so.
const NIGHTS_TO_BELIEVE: u32 = 3;

impl PageTrouble {
    fn page(&self) -> &str {
        match self {
            Self::Unreachable { page, .. } | Self::Shrunken { page, .. } | Self::NotThePage { page, .. } => {
                page
            }
        }
    }

    /// Of one kind and one page, whatever the figures.
    fn is_same_as(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.page() == other.page()
    }
}

impl CourseFacts {
    /// How many nights running the page has given tonight's trouble. A void
    /// night, whose own side failed, proves nothing of the page.
    pub fn nights_of_trouble(tonight: Option<&PageTrouble>, last: Option<&Self>, is_void: bool) -> u32 {
        let Some(tonight) = tonight else { return 0 };
        let before = last.filter(|last| last.page_trouble.as_ref().is_some_and(|it| it.is_same_as(tonight)));
        before.map_or(0, |last| last.page_trouble_nights) + u32::from(!is_void)
    }

    /// Whether a page that has only so many links again is taken at its word,
    /// after this night. One without any is never.
    pub fn believes(&self, page: &str, links: usize) -> bool {
        let is_as_before = match &self.page_trouble {
            Some(PageTrouble::Shrunken { page: shrunken, after, .. }) => {
                shrunken == page && usize::try_from(*after).is_ok_and(|after| after == links)
            }
            Some(PageTrouble::Unreachable { .. } | PageTrouble::NotThePage { .. }) | None => false,
        };
        links > 0 && is_as_before && self.page_trouble_nights + 1 >= NIGHTS_TO_BELIEVE
    }

    /// The trouble that is worth an entry.
    pub(super) fn told_trouble(&self) -> Option<&PageTrouble> {
        self.page_trouble.as_ref().filter(|_| self.page_trouble_nights >= NIGHTS_TO_TELL)
    }
}

impl CourseReport {
    /// The same, where no earlier report had it.
    pub(super) fn new_trouble(&self) -> Option<&PageTrouble> {
        let known = self.trouble_told_before();
        self.facts.told_trouble().filter(|trouble| !known.is_some_and(|known| known.is_same_as(trouble)))
    }

    /// Trouble that an earlier report told, and that is over.
    pub(super) fn past_trouble(&self) -> Option<&PageTrouble> {
        self.trouble_told_before().filter(|_| self.facts.page_trouble.is_none())
    }

    fn trouble_told_before(&self) -> Option<&PageTrouble> {
        self.earlier.page_trouble.as_ref().filter(|_| self.earlier.page_trouble_nights >= NIGHTS_TO_TELL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::Reason;
    use crate::domain::report::compose::{ComposedReport, compose};
    use crate::domain::report::tests::{night, ok, with};
    use crate::domain::report::text;

    const PAGE: &str = "https://courses.example.edu/dgm/index.html";

    fn down() -> PageTrouble {
        PageTrouble::Unreachable { page: PAGE.into(), why: Reason::ServerError, status: Some(503) }
    }

    fn shrunken(after: u32) -> PageTrouble {
        PageTrouble::Shrunken { page: PAGE.into(), before: 30, after }
    }

    /// A row of nights, each knowing the one before it.
    fn row(troubles: &[Option<PageTrouble>]) -> Vec<CourseReport> {
        let mut nights: Vec<CourseReport> = Vec::new();
        for trouble in troubles {
            let last = nights.last();
            let told = with(night(vec![ok("A", "https://a.example/")]), |report| {
                report.facts.page_trouble_nights =
                    CourseFacts::nights_of_trouble(trouble.as_ref(), last.map(|last| &last.facts), false);
                report.facts.page_trouble = trouble.clone();
                report.earlier.page_trouble = last.and_then(|last| last.facts.page_trouble.clone());
                report.earlier.page_trouble_nights = last.map_or(0, |last| last.facts.page_trouble_nights);
            });
            nights.push(told);
        }
        nights
    }

    fn letters(troubles: &[Option<PageTrouble>]) -> Vec<ComposedReport> {
        row(troubles).iter().map(compose).collect()
    }

    #[test]
    fn one_bad_answer_of_the_page_is_no_alarm() {
        let letters = letters(&[None, Some(down()), None]);
        assert!(letters.iter().all(|letter| !letter.is_news));
        assert!(
            letters.iter().all(|letter| letter.subject.starts_with("[DGM] The link is fine")),
            "{letters:?}"
        );
        let text = text::letter(&letters[1]);
        assert!(!text.contains("NEEDS YOU"), "{text}");
        assert!(
            text.replace('\n', " ").contains("could not be read; its last good reading was used."),
            "{text}"
        );
    }

    #[test]
    fn trouble_that_lasts_is_news_once_and_so_is_its_end() {
        let letters = letters(&[None, Some(down()), Some(down()), Some(down()), None, None]);
        let news: Vec<bool> = letters.iter().map(|letter| letter.is_news).collect();
        assert_eq!(news, [false, false, true, false, true, false]);
        assert_eq!(letters[2].subject, "[DGM] The course page could not be read");
        assert!(text::letter(&letters[2]).contains("To do: open it in a browser"));
        assert!(letters[3].subject.starts_with("[DGM] The link is fine"), "{}", letters[3].subject);
        assert!(text::letter(&letters[3]).contains("The course page itself"), "it still needs somebody");
        assert_eq!(letters[4].subject, "[DGM] The course page can be read again");
        assert!(text::letter(&letters[4]).starts_with("The course page can be read again."));
    }

    #[test]
    fn trouble_that_nobody_was_told_of_is_told_by_the_next_letter() {
        let nights = row(&[Some(down()), Some(down()), Some(down()), None]);
        let [_, told, later, over] = nights.as_slice() else { unreachable!() };
        assert!(compose(&later.clone().including(told)).is_news);
        assert!(!compose(&over.clone().including(later).including(told)).is_news, "nobody knew");
    }

    #[test]
    fn a_page_that_stays_short_is_believed_but_never_an_empty_one() {
        let believed = |troubles: &[Option<PageTrouble>], links| {
            row(troubles).last().unwrap().facts.believes(PAGE, links)
        };
        assert!(!believed(&[Some(shrunken(12))], 12));
        assert!(believed(&[Some(shrunken(12)), Some(shrunken(12))], 12));
        assert!(!believed(&[Some(shrunken(12)), Some(shrunken(12))], 9), "it still changes");
        assert!(!believed(&[Some(shrunken(0)), Some(shrunken(0)), Some(shrunken(0))], 0));
        assert!(!believed(&[Some(down()), Some(down())], 12));
        assert!(!row(&[Some(shrunken(12)), Some(shrunken(12))])[1].facts.believes("another page", 12));
    }

    #[test]
    fn a_void_night_proves_nothing_of_the_page() {
        let last = &row(&[Some(down())])[0];
        assert_eq!(CourseFacts::nights_of_trouble(Some(&down()), Some(&last.facts), true), 1);
        assert_eq!(CourseFacts::nights_of_trouble(Some(&down()), None, true), 0);
    }
}
