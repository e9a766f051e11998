//! The time for which a link is needed, by its place in the page. An inner part adds to an
//! outer one, or replaces it.

use std::sync::Arc;

use jiff::civil::Date;

use super::calendar::{Label, names_assignment};
use super::text::unmarked;
use crate::domain::link::{DueFrom, Sign};

/// So much of a text says from where a date comes.
const TEXT_CHARS: usize = 80;

/// What the page shows about the time at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    week: Option<u32>,
    day: Option<(Date, Arc<DueFrom>)>,
    deadline: Option<(Date, Arc<DueFrom>)>,
    /// Dates here are those of past events.
    is_silent: bool,
}

impl Timing {
    /// The timing of a part with a label of its own, whose text may have marks.
    pub(super) fn within(&self, label: &Label, sign: Sign, text: &str) -> Self {
        if self.is_silent {
            return self.clone();
        }
        let mut timing = self.clone();
        if label.week.is_some() && label.week != timing.week {
            timing = Self { week: label.week, ..Self::default() };
        }
        if label.day.is_some() || label.deadline.is_some() {
            let mut text = unmarked(text);
            if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS) {
                text.truncate(end);
            }
            let from = Arc::new(DueFrom { sign, text });
            timing.day = label.day.map(|day| (day, Arc::clone(&from)));
            timing.deadline = label.deadline.map(|day| (day, from));
        }
        timing
    }

    /// Dates below this part are not days of the class.
    pub(super) fn silenced() -> Self {
        Self { is_silent: true, ..Self::default() }
    }

    /// "Week 5", also for pages in another language.
    pub(super) fn week(&self) -> Option<String> {
        self.week.map(|week| format!("Week {week}"))
    }

    /// The day for a link with these words, and the part that gives it.
    pub(super) fn due(&self, words: &str) -> Option<&(Date, Arc<DueFrom>)> {
        let deadline = self.deadline.as_ref();
        deadline.filter(|_| self.day.is_none() || names_assignment(words)).or(self.day.as_ref())
    }
}
