//! The words of a remark on a line of a page: one line, complete by itself.

use crate::domain::link::Mention;
use crate::domain::report::wording::{self, item as words};
use crate::domain::report::{CourseFacts, LinkFacts};
use crate::domain::verdict::State;

/// `"The paper" (https://…): not found (404), 3 nights running since Sat 3 Oct.`
pub fn of_link(night: &CourseFacts, item: &LinkFacts, mention: Option<&Mention>) -> String {
    let decided = item.decision.as_ref().map_or_else(String::new, |decision| {
        format!(" Decided: {}.", wording::decision::choice(&decision.choice, night.today))
    });
    format!("{} ({}): {}{decided}", words::name(item, mention), item.link, seen(night, item))
}

/// What was seen of the link, and what can be done.
pub fn seen(night: &CourseFacts, item: &LinkFacts) -> String {
    let instead = item.replacement.as_ref().map_or_else(String::new, |found| {
        format!(" Instead: {} ({}).", found.address, wording::replacement::trusted_because(night, found))
    });
    let seen = match &item.verdict.state {
        State::Moved { to } => format!("opens at a new address, {to}"),
        State::Changed { change, .. } => words::what_changed(night, item, change),
        State::Ok
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => words::what_happened(night, item),
    };
    format!("{seen}{instead}")
}

/// Why a test that could not be made says nothing.
pub fn not_judged(night: &CourseFacts, item: &LinkFacts) -> String {
    let happened = words::what_happened(night, item);
    match &item.verdict.state {
        // It ends with saying so.
        State::Failing { .. } if !night.is_first => happened,
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => format!("{}: {happened}", words::state(night, item)),
    }
}
