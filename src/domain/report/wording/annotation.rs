//! The words of an annotation: one line that is complete by itself.

use crate::domain::link::Mention;
use crate::domain::report::annotation_rule::{AnnotationRule, PageRule};
use crate::domain::report::wording::{self, link as words};
use crate::domain::report::{CourseFacts, LinkFacts};
use crate::domain::verdict::State;

/// `"The paper" (https://…): not found (404), 3 nights running since Sat 3 Oct.`
pub fn of_link(course: &CourseFacts, link_facts: &LinkFacts, mention: Option<&Mention>) -> String {
    let decided = link_facts.decision.as_ref().map_or_else(String::new, |decision| {
        format!(" Decided: {}.", wording::decision::choice(&decision.choice, course.today))
    });
    format!(
        "{} ({}): {}{decided}",
        words::name(link_facts, mention),
        link_facts.link,
        seen(course, link_facts)
    )
}

/// The rule of an annotation, in a few words.
pub fn rule(rule: AnnotationRule) -> String {
    match rule {
        AnnotationRule::Link(reason) => wording::reason(reason, None),
        AnnotationRule::Page(PageRule::EmptyLink) => "a link without an address".to_owned(),
        AnnotationRule::Page(PageRule::Malformed) => "not a valid web address".to_owned(),
        AnnotationRule::Page(PageRule::MissingFile) => "a link to a file that is not there".to_owned(),
        AnnotationRule::Page(PageRule::BrokenAnchor) => {
            "a link to a place in the page that is not there".to_owned()
        }
    }
}

/// What happened to the link, and its replacement.
pub fn seen(course: &CourseFacts, link_facts: &LinkFacts) -> String {
    let instead = link_facts.replacement.as_ref().map_or_else(String::new, |found| {
        format!(" Instead: {} ({}).", found.address, wording::replacement::trusted_because(course, found))
    });
    let seen = match &link_facts.verdict.state {
        State::Moved { to } => format!("opens at a new address, {to}"),
        State::Changed { change, .. } => words::what_changed(course, link_facts, change),
        State::Ok
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => words::what_happened(course, link_facts),
    };
    format!("{seen}{instead}")
}

/// Why a test was skipped.
pub fn not_judged(course: &CourseFacts, link_facts: &LinkFacts) -> String {
    let happened = words::what_happened(course, link_facts);
    match &link_facts.verdict.state {
        // The sentence ends with "not yet confirmed".
        State::Failing { .. } if !course.is_first => happened,
        State::Ok
        | State::Moved { .. }
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => format!("{}: {happened}", words::state(course, link_facts)),
    }
}
