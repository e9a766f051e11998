//! The words of a whole report: headings, what is known already, closing. How it
//! opens is `opening`'s affair.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::decision::Choice;
use crate::domain::evidence::Reason;
use crate::domain::report::figures::{count, day, hours, list, local_day, number};
use crate::domain::report::placement::SectionHeading;
use crate::domain::report::tally::ReportTally;
use crate::domain::report::wording::{actions, opening};
use crate::domain::report::{CourseFacts, wording};

/// Leads to the page on which the letters are stopped.
pub const STOP: &str = "Stop these emails";

/// Leads to the page on which every link is told.
pub const ALL_LINKS: &str = "All links and their state";

/// Names told of the links that work again; the rest is a number.
const NAMES_SHOWN: usize = 3;

/// The name of a section; `is_new` where something in it was not told before.
pub fn heading(night: &CourseFacts, heading: SectionHeading, is_new: bool) -> &'static str {
    match heading {
        SectionHeading::NeedsYou => "NEEDS YOU",
        SectionHeading::NotConfirmedButDue => "NOT CONFIRMED, BUT DUE SOON",
        SectionHeading::FoundNotWorking => "FOUND NOT WORKING",
        SectionHeading::NewlyDead if night.students_get_copies => "NEWLY DEAD, STUDENTS COVERED",
        SectionHeading::NewlyDead => "NEWLY DEAD, COPY KEPT",
        SectionHeading::Changed => "CHANGED",
        SectionHeading::Moved => "MOVED",
        SectionHeading::Restricted if night.is_first || !is_new => "ASKS FOR AN ACCOUNT",
        SectionHeading::Restricted => "NOW ASKS FOR AN ACCOUNT",
        SectionHeading::NotAnswering => "NOT ANSWERING",
        SectionHeading::SmallPoints => "SMALL POINTS",
        SectionHeading::CouldNotCheck => "COULD NOT CHECK",
        SectionHeading::Fixed => "FIXED SINCE LAST REPORT",
        SectionHeading::StillDead => "STILL DEAD",
        SectionHeading::NotYetConfirmed => "NOT YET CONFIRMED",
        SectionHeading::Decided => "AS DECIDED",
    }
}

/// Links that work again, by name.
pub fn fixed(names: &[String]) -> String {
    let verb = if names.len() == 1 { "works" } else { "work" };
    format!("{} {verb} again.", list(names, NAMES_SHOWN))
}

/// What is known of links that were told before.
pub fn standing(heading: SectionHeading, night: &CourseFacts, facts: &KnownLinks) -> String {
    match heading {
        SectionHeading::StillDead => {
            let since = facts.oldest.map(|at| local_day(at, &night.time_zone, night.today));
            let since = since.map(|since| format!("since {since}; ")).unwrap_or_default();
            match (facts.links, facts.kept) {
                (1, 0) => format!("{since}no copy."),
                (1, _) => format!("{since}our copy is kept."),
                (_, 0) => format!("the first {since}no copies."),
                (links, kept) => {
                    let first = if since.is_empty() { "" } else { "the first " };
                    format!("{first}{since}copies {}", wording::group::copies_of_group(kept, links))
                }
            }
        }
        SectionHeading::Changed => "reported before; accept the new version to end this.".to_owned(),
        SectionHeading::Moved => "reported before; the page still has the old address.".to_owned(),
        SectionHeading::Decided => decided(&facts.choices),
        SectionHeading::NotYetConfirmed => "failed lately; not yet confirmed by enough nights.".to_owned(),
        SectionHeading::CouldNotCheck => match facts.most_often {
            Some((reason, n)) if n == facts.links && reason == Reason::NotChecked => {
                format!("{}.", wording::reason(reason, None))
            }
            Some((reason, n)) if facts.links > 1 => {
                format!(
                    "as in the last report; the most frequent reason: {} ({n}).",
                    wording::reason(reason, None)
                )
            }
            Some(_) | None => "as before.".to_owned(),
        },
        SectionHeading::NeedsYou
        | SectionHeading::NotConfirmedButDue
        | SectionHeading::FoundNotWorking
        | SectionHeading::NewlyDead
        | SectionHeading::Restricted
        | SectionHeading::NotAnswering
        | SectionHeading::SmallPoints
        | SectionHeading::Fixed => "as before.".to_owned(),
    }
}

/// "2 accepted as dead, 1 snoozed.": what was decided, most frequent words first.
fn decided(choices: &[Choice]) -> String {
    let of = |is_it: fn(&Choice) -> bool, words: &str| {
        let n = choices.iter().filter(|choice| is_it(choice)).count();
        (n > 0).then(|| format!("{} {words}", number(n as u64)))
    };
    let parts = [
        of(|choice| matches!(choice, Choice::AcceptedDead), "accepted as dead"),
        of(|choice| matches!(choice, Choice::NotBroken), "not broken"),
        of(|choice| matches!(choice, Choice::Snoozed(_)), "snoozed"),
        of(|choice| matches!(choice, Choice::OurCopy(_)), "read in our copy"),
    ];
    format!("{}.", list(&parts.into_iter().flatten().collect::<Vec<_>>(), usize::MAX))
}

/// Figures of the links of a section that were told before.
#[derive(Clone, Debug, Default)]
pub struct KnownLinks {
    pub links: usize,
    pub kept: usize,
    pub oldest: Option<Timestamp>,
    pub most_often: Option<(Reason, usize)>,
    /// What was decided of them.
    pub choices: Vec<Choice>,
}

/// After the entries of a section: what else is in it.
pub fn and_more(note: &str, n: usize) -> String {
    format!("{} more, {note}", number(n as u64))
}

/// After the last entry that fits.
pub fn not_listed(n: usize) -> String {
    format!("And {} more, not listed here.", number(n as u64))
}

/// When it was checked and what is kept.
pub fn closing(night: &CourseFacts, tally: &ReportTally) -> String {
    let on = local_day(night.started, &night.time_zone, night.today);
    let judged = match night.void {
        Some(_) => format!("{} of {} judged", number(tally.judged as u64), count(tally.links, "link")),
        None => format!("{} checked", count(tally.links, "link")),
    };
    let hours = hours(night.started, night.finished, &night.time_zone);
    let mut sentences = vec![format!("{judged} {on}, {hours}.")];
    if let Some(trouble) = night.page_trouble.as_ref().filter(|_| night.told_trouble().is_none()) {
        sentences.push(format!("{}; its last good reading was used.", opening::trouble_subject(trouble)));
    }
    sentences.push(match (tally.kept, tally.kept_new) {
        (0, _) => "No copies stored.".to_owned(),
        (1, _) => "1 copy stored.".to_owned(),
        (kept, 0) => format!("{} copies stored, none new.", number(kept as u64)),
        (kept, new) => format!("{} copies stored, {} new.", number(kept as u64), number(new as u64)),
    });
    if tally.verified.sound + tally.verified.unsound > 0 {
        sentences.extend(actions::fixity(&tally.verified));
    }
    sentences.join(" ")
}

/// When the reader hears again.
pub fn next(due: Option<Date>, today: Date) -> String {
    match due {
        Some(due) => format!("Next report: when something changes, and {} at the latest.", day(due, today)),
        None => "Next report: when something changes.".to_owned(),
    }
}

/// What the night cost, for the person at the terminal.
pub fn traffic(night: &CourseFacts) -> String {
    format!(
        "{}, {} received.",
        count(usize::try_from(night.requests).unwrap_or(usize::MAX), "request"),
        crate::domain::report::figures::size(night.bytes)
    )
}
