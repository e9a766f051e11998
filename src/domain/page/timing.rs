//! When a link is needed by the place in which it stands: an inner sign adds to
//! an outer one, or replaces it.

use jiff::civil::Date;

use super::calendar::{Label, names_assignment};
use crate::domain::link::{DueFrom, Sign};

/// What the page says about the time at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    week: Option<u32>,
    day: Option<(Date, DueFrom)>,
    deadline: Option<(Date, DueFrom)>,
    /// Dates here are of what happened.
    is_silent: bool,
}

impl Timing {
    /// The timing of a part of the page that has a label of its own.
    pub(super) fn within(&self, label: &Label, sign: Sign, text: &str) -> Self {
        if self.is_silent {
            return self.clone();
        }
        let mut timing = self.clone();
        if label.week.is_some() && label.week != timing.week {
            timing = Self { week: label.week, ..Self::default() };
        }
        if label.day.is_some() || label.deadline.is_some() {
            let from = || DueFrom { sign, text: super::text::squeezed(text).chars().take(80).collect() };
            timing.day = label.day.map(|day| (day, from()));
            timing.deadline = label.deadline.map(|day| (day, from()));
        }
        timing
    }

    /// Nothing below counts as a day of the class.
    pub(super) fn silenced() -> Self {
        Self { is_silent: true, ..Self::default() }
    }

    /// "Week 5", whatever the language of the page.
    pub(super) fn week(&self) -> Option<String> {
        self.week.map(|week| format!("Week {week}"))
    }

    /// The day for a link with these words, and from where it comes.
    pub(super) fn due(&self, words: &str) -> Option<&(Date, DueFrom)> {
        let deadline = self.deadline.as_ref();
        deadline.filter(|_| self.day.is_none() || names_assignment(words)).or(self.day.as_ref())
    }
}
