//! Decisions of people about the links of a course, and how long they are in force.
//!
//! A decision is about a result. It lapses when the result changes, so that an
//! old decision never hides a new problem.

#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::course::{CourseId, EmailAddress, Term};
use crate::domain::evidence::Reason;
use crate::domain::verdict::{State, StateName};

/// A decision: the choice, the result that it is about, when and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub choice: Choice,
    pub about: Gist,
    pub at: Timestamp,
    /// The recipient of the email that led to it; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<EmailAddress>,
    /// Who decided without an email. `None` also for staff whose names are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
    /// Why, in the words of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Who decided, if no email led to the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decider {
    CommandLine,
    /// The name of a person who was signed in.
    Person(String),
}

/// The person of a course who accepted a version of a changed link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    pub course: CourseId,
    /// The recipient of the email that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<EmailAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// A choice that a person can make about a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The link is dead, and reports leave it out.
    AcceptedDead,
    /// The link is fine as it is.
    NotBroken,
    /// Reports leave the link out until later.
    Snoozed(Until),
    /// Readers get this copy in place of the original.
    OurCopy(Digest),
    /// The course page is to have this address instead. Patches put it there.
    ReplacedBy(Address),
}

/// When a snooze ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// On this day.
    Day(Date),
    /// With a term that begins after this day.
    TermAfter(Date),
}

/// The part of a state that a decision depends on. Two verdicts with the same gist
/// are the same result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Gist {
    Ok,
    /// The address without its query, which can change with each visit.
    Moved {
        to: Address,
    },
    Changed {
        reason: Reason,
    },
    Restricted,
    /// The host gives no evidence, so the result has not changed.
    Unverifiable,
    /// Failing or dead; the confirmation of a failure is not a new result. The reason is
    /// the most serious one since the link last worked. So a less serious reason later is
    /// not a new result, but a more serious one is.
    Gone {
        reason: Reason,
    },
}

impl Gist {
    pub fn of(state: &State) -> Self {
        match state {
            State::Ok => Self::Ok,
            State::Moved { to } => Self::Moved { to: to.without_query() },
            State::Changed { reason, .. } => Self::Changed { reason: *reason },
            State::Restricted { .. } => Self::Restricted,
            State::Unverifiable { .. } => Self::Unverifiable,
            State::Failing { reason, .. } | State::Dead { reason } => Self::Gone { reason: steady(*reason) },
        }
    }
}

/// A host that is down can fail in a different way each night.
fn steady(reason: Reason) -> Reason {
    if matches!(reason, Reason::NameServer | Reason::ServerError) { Reason::NotAnswering } else { reason }
}

impl Choice {
    /// Whether the choice makes sense for a link in this state.
    pub fn fits(&self, state: &State) -> bool {
        match self {
            Self::AcceptedDead => state.name() == StateName::Dead,
            // For a changed link there is a separate action: accept the new version.
            Self::NotBroken => !matches!(state.name(), StateName::Ok | StateName::Changed),
            Self::Snoozed(_) | Self::ReplacedBy(_) => state.name() != StateName::Ok,
            Self::OurCopy(_) => true,
        }
    }
}

impl Until {
    pub fn is_over(self, today: Date, term: Option<Term>) -> bool {
        match self {
            Self::Day(day) => today >= day,
            Self::TermAfter(day) => term.is_some_and(|term| term.first > day),
        }
    }
}

impl Decision {
    /// Whether the decision is in force, so that reports leave the link out.
    pub fn is_in_force(&self, state: &State, today: Date, term: Option<Term>) -> bool {
        let now = Gist::of(state);
        let is_same = now == self.about || now == Gist::Unverifiable;
        match &self.choice {
            Choice::AcceptedDead => match now {
                Gist::Gone { reason } => is_same || !reason.is_hostile(),
                Gist::Ok
                | Gist::Moved { .. }
                | Gist::Changed { .. }
                | Gist::Restricted
                | Gist::Unverifiable => is_same,
            },
            Choice::Snoozed(until) => is_same && !until.is_over(today, term),
            Choice::NotBroken | Choice::OurCopy(_) | Choice::ReplacedBy(_) => is_same,
        }
    }

    /// The copy that readers get in place of the original.
    pub fn our_copy(&self) -> Option<Digest> {
        match self.choice {
            Choice::OurCopy(sha256) => Some(sha256),
            Choice::AcceptedDead | Choice::NotBroken | Choice::Snoozed(_) | Choice::ReplacedBy(_) => None,
        }
    }

    /// The address that the course page is to have instead.
    pub fn replaced_by(&self) -> Option<&Address> {
        match &self.choice {
            Choice::ReplacedBy(address) => Some(address),
            Choice::AcceptedDead | Choice::NotBroken | Choice::Snoozed(_) | Choice::OurCopy(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::document::Fingerprint;
    use crate::domain::evidence::comparison::ComparedBy;
    use crate::domain::evidence::{TextChange, Weight};

    const TODAY: Date = date(2026, 10, 5);
    const TERM: Term = Term { first: date(2026, 9, 21), last: date(2026, 12, 11) };

    fn change() -> TextChange {
        TextChange {
            similarity: 0.5,
            compared_by: ComparedBy::Text,
            words_changed: 1,
            words_before: 2,
            words_after: 2,
            pages_before: None,
            pages_after: None,
            section: None,
            alarm: None,
            seen_twice: false,
            is_noise: false,
            text: Fingerprint { version: 1, digest: Digest::of(b"") },
        }
    }

    fn moved(to: &str) -> State {
        State::Moved { to: Address::parse(to).unwrap() }
    }

    fn any_state() -> impl Strategy<Value = State> {
        let reason = prop::sample::select(vec![
            Reason::NotFound,
            Reason::Gone,
            Reason::NotAnswering,
            Reason::ServerError,
            Reason::NameServer,
            Reason::Parked,
            Reason::Revised,
            Reason::Withdrawn,
        ]);
        (0..7u8, reason, "[a-c]{1,2}").prop_map(|(state, reason, path)| match state {
            0 => State::Ok,
            1 => moved(&format!("https://new.example/{path}?session={path}")),
            2 => State::Changed { reason, change: change() },
            3 => State::Restricted { reason },
            4 => State::Unverifiable { reason },
            5 => State::Failing { reason, weight: Weight::Weak },
            _ => State::Dead { reason },
        })
    }

    fn any_choice() -> impl Strategy<Value = Choice> {
        prop_oneof![
            Just(Choice::AcceptedDead),
            Just(Choice::NotBroken),
            Just(Choice::OurCopy(Digest::of(b"copy"))),
            Just(Choice::Snoozed(Until::TermAfter(TERM.last))),
            (1..300i32).prop_map(|days| Choice::Snoozed(Until::Day(TODAY.checked_add(days.days()).unwrap()))),
        ]
    }

    fn of(choice: Choice, state: &State) -> Decision {
        Decision {
            choice,
            about: Gist::of(state),
            at: Timestamp::UNIX_EPOCH,
            by: None,
            decider: None,
            note: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_decision_holds_for_its_result(choice in any_choice(), state in any_state()) {
            prop_assert!(of(choice, &state).is_in_force(&state, TODAY, Some(TERM)));
        }

        #[test]
        fn another_result_ends_a_decision(choice in any_choice(), about in any_state(), state in any_state()) {
            let (now, before) = (Gist::of(&state), Gist::of(&about));
            let is_in_force = of(choice.clone(), &about).is_in_force(&state, TODAY, Some(TERM));
            let is_other_death = matches!(now, Gist::Gone { .. }) && choice == Choice::AcceptedDead;
            if now != before && now != Gist::Unverifiable && !is_other_death {
                prop_assert!(!is_in_force);
            }
            if now == (Gist::Gone { reason: Reason::Parked }) && now != before {
                prop_assert!(!is_in_force, "a hostile owner is news after any decision");
            }
        }

        #[test]
        fn a_snooze_that_is_over_stays_over(days in 1..300i32, later in 0..300i32, state in any_state()) {
            let until = TODAY.checked_add(days.days()).unwrap();
            let decision = of(Choice::Snoozed(Until::Day(until)), &state);
            let on = |day: Date| decision.is_in_force(&state, day, Some(TERM));
            prop_assert!(on(until.yesterday().unwrap()) && !on(until));
            prop_assert!(!on(until.checked_add(later.days()).unwrap()));
        }
    }

    #[test]
    fn a_redirect_is_the_same_with_another_query_but_not_with_another_path() {
        let decision = of(Choice::NotBroken, &moved("https://new.example/a?session=1"));
        assert!(decision.is_in_force(&moved("https://new.example/a?session=2"), TODAY, None));
        assert!(!decision.is_in_force(&moved("https://new.example/b?session=1"), TODAY, None));
    }

    #[test]
    fn more_nights_of_one_failure_are_the_same_result() {
        let failing = State::Failing { reason: Reason::ServerError, weight: Weight::Weak };
        let decision = of(Choice::NotBroken, &failing);
        assert!(decision.is_in_force(&State::Dead { reason: Reason::NotAnswering }, TODAY, None));
        assert!(!decision.is_in_force(&State::Dead { reason: Reason::NotFound }, TODAY, None));
    }

    #[test]
    fn the_next_term_ends_a_snooze_once_it_is_known() {
        let dead = State::Dead { reason: Reason::NotFound };
        let decision = of(Choice::Snoozed(Until::TermAfter(TERM.last)), &dead);
        let spring = Term { first: date(2027, 1, 11), last: date(2027, 4, 30) };
        assert!(decision.is_in_force(&dead, date(2026, 12, 24), Some(TERM)));
        assert!(!decision.is_in_force(&dead, date(2026, 12, 24), Some(spring)));
    }

    #[test]
    fn a_decision_is_the_same_after_json() {
        for choice in
            [Choice::AcceptedDead, Choice::OurCopy(Digest::of(b"")), Choice::Snoozed(Until::Day(TODAY))]
        {
            let decision = of(choice, &moved("https://new.example/a"));
            let text = serde_json::to_string(&decision).unwrap();
            assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision, "{text}");
        }
    }
}
