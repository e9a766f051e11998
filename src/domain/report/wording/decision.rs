//! The words for what someone decided of a link.

use jiff::civil::Date;

use crate::domain::decision::{Choice, Decision, Gist, Until};
use crate::domain::report::figures::{day, local_day};
use crate::domain::report::{CourseFacts, LinkFacts};

/// "snoozed until Tue 6 Oct": what was decided, in a few words.
pub fn choice(choice: &Choice, today: Date) -> String {
    match choice {
        Choice::AcceptedDead => "accepted as dead".to_owned(),
        Choice::NotBroken => "not broken".to_owned(),
        Choice::Snoozed(Until::Day(until)) => format!("snoozed until {}", day(*until, today)),
        Choice::Snoozed(Until::TermAfter(_)) => "snoozed until the next term".to_owned(),
        Choice::OurCopy(_) => "read in our copy".to_owned(),
    }
}

/// "snoozed until Mon 5 Oct; that time is over.": why it is told again.
pub fn lapsed(night: &CourseFacts, item: &LinkFacts, decision: &Decision) -> String {
    let choice = choice(&decision.choice, night.today);
    let on = local_day(decision.at, &night.time_zone, night.today);
    let is_same = Gist::of(&item.verdict.state) == decision.about;
    match &decision.choice {
        Choice::Snoozed(_) if is_same => format!("{choice}; that time is over."),
        Choice::Snoozed(_) | Choice::AcceptedDead | Choice::NotBroken => {
            format!("{choice}, on {on}; the result has changed since.")
        }
        Choice::OurCopy(_) => {
            format!("{choice}, on {on}, and still is; the result has changed since.")
        }
    }
}
