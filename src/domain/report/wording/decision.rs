//! The words for decisions about links. The buttons in `actions` say the same.

use jiff::civil::Date;

use crate::domain::course::EmailAddress;
use crate::domain::decision::{Choice, Decider, Decision, Gist, Until};
use crate::domain::report::figures::{day, local_day};
use crate::domain::report::plain::visible;
use crate::domain::report::{CourseFacts, LinkFacts};

/// The button is "Stop reporting as dead".
pub(super) const NO_LONGER_DEAD: &str = "no longer reported as dead";
/// The button is "Mark as fine".
pub(super) const MARKED_AS_FINE: &str = "marked as fine";
/// The button is "Use our copy for good".
pub(super) const REPLACED_BY_COPY: &str = "replaced by our copy";

/// The button is "Replace by this address".
pub(super) const TO_BE_REPLACED: &str = "to be replaced on the page";

/// What was decided: "snoozed until Tue 6 Oct".
pub fn choice(choice: &Choice, today: Date) -> String {
    match choice {
        Choice::AcceptedDead => NO_LONGER_DEAD.to_owned(),
        Choice::NotBroken => MARKED_AS_FINE.to_owned(),
        Choice::Snoozed(Until::Day(until)) => format!("snoozed until {}", day(*until, today)),
        Choice::Snoozed(Until::TermAfter(_)) => "snoozed until the next term".to_owned(),
        Choice::OurCopy(_) => REPLACED_BY_COPY.to_owned(),
        Choice::ReplacedBy(address) => format!("{TO_BE_REPLACED} by {}", visible(address.as_str())),
    }
}

/// Why a decided link is listed again: "snoozed until Mon 5 Oct; that time is over."
pub fn lapsed(course: &CourseFacts, link_facts: &LinkFacts, decision: &Decision) -> String {
    let choice = choice(&decision.choice, course.today);
    let on = local_day(decision.at, &course.time_zone, course.today);
    let is_same = Gist::of(&link_facts.verdict.state) == decision.about;
    match &decision.choice {
        Choice::Snoozed(_) if is_same => format!("{choice}; that time is over."),
        Choice::Snoozed(_) | Choice::AcceptedDead | Choice::NotBroken | Choice::ReplacedBy(_) => {
            format!("{choice}, decided {on}; the result has changed since.")
        }
        Choice::OurCopy(_) => {
            format!("{choice}, decided {on} and still in force; the result has changed since.")
        }
    }
}

/// Who decided: the recipient of an email, the name of a person, "command line", or "staff".
pub fn who(by: Option<&EmailAddress>, decider: Option<&Decider>) -> String {
    match (by, decider) {
        (Some(by), _) => by.to_string(),
        (None, Some(Decider::Person(name))) => visible(name),
        (None, Some(Decider::CommandLine)) => "command line".to_owned(),
        (None, None) => "staff".to_owned(),
    }
}
