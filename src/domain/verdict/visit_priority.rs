//! How urgent the visit of a link is, when its host cannot be asked for all links in one night.

use jiff::{SignedDuration, Timestamp};

use crate::domain::evidence::link_history::LinkHistory;
use crate::domain::evidence::{Drift, Evidence, Finding, Reason};
use crate::domain::policy::rota::VisitPriority;
use crate::domain::verdict::{State, StateName, Verdict};

/// A state that began within so many days is followed closely.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Visits without a copy after which a link is not visited sooner for one: many videos and
/// closed pages never have a copy.
const VISITS_WITHOUT_COPY: usize = 3;

/// The priority of a link with this history of valid nights.
pub fn by_history(
    history: &LinkHistory,
    verdict: Option<&Verdict>,
    is_due_soon: bool,
    now: Timestamp,
) -> VisitPriority {
    if verdict.is_some_and(|verdict| is_unconfirmed(history, verdict, now)) {
        VisitPriority::Unconfirmed
    } else if is_due_soon {
        VisitPriority::DueSoon
    } else if history.evidence.len() < VISITS_WITHOUT_COPY && history.last.is_none() {
        VisitPriority::New
    } else {
        VisitPriority::Routine
    }
}

/// The priority of a link by its verdict alone. It may be less urgent than by its history.
pub fn by_verdict(verdict: &Verdict, is_due_soon: bool, is_visited: bool, now: Timestamp) -> VisitPriority {
    if verdict.state.name() == StateName::Failing || is_recent(verdict, now) {
        VisitPriority::Unconfirmed
    } else if is_due_soon {
        VisitPriority::DueSoon
    } else if is_visited {
        VisitPriority::Routine
    } else {
        VisitPriority::New
    }
}

/// The visits that count for the turn of a link. After a host stopped us, the other links of
/// that night got no request, so they stay first in line. If that happens twice in a row, it
/// counts: the link itself may be what makes the host stop us.
pub fn visits(history: &[Evidence]) -> impl Iterator<Item = Timestamp> {
    let is_stopped = |evidence: &Evidence| {
        evidence.status.is_none()
            && matches!(evidence.finding, Finding::Refused { reason: Reason::RateLimited })
    };
    let before = std::iter::once(None).chain(history.iter().map(Some));
    let counts = move |(evidence, before): &(&Evidence, Option<&Evidence>)| {
        !is_stopped(evidence) || before.is_some_and(is_stopped)
    };
    history.iter().zip(before).filter(counts).map(|(evidence, _)| evidence.at)
}

fn is_unconfirmed(history: &LinkHistory, verdict: &Verdict, now: Timestamp) -> bool {
    let state = verdict.state.name();
    let is_open = history.evidence.last().is_some_and(|last| match &last.finding {
        Finding::Healthy { drift: Drift::Different(_), .. } => state != StateName::Changed,
        Finding::Healthy { moved_to: Some(_), .. } => !matches!(state, StateName::Moved | StateName::Changed),
        Finding::Restricted { .. } => state != StateName::Restricted,
        // A refusal never becomes more certain.
        Finding::Healthy { .. }
        | Finding::Gone { .. }
        | Finding::Refused { .. }
        | Finding::Unclear { .. } => false,
    });
    is_open || state == StateName::Failing || is_recent(verdict, now)
}

/// Whether a state that a person may act on began a few days ago.
fn is_recent(verdict: &Verdict, now: Timestamp) -> bool {
    match verdict.state {
        State::Moved { .. } | State::Changed { .. } | State::Restricted { .. } | State::Dead { .. } => {
            now.duration_since(verdict.since) < RECENT
        }
        State::Ok | State::Unverifiable { .. } | State::Failing { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;
    use crate::domain::address::Address;
    use crate::domain::evidence::Weight;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + (day * 24).hours()
    }

    fn history(findings: Vec<Finding>) -> LinkHistory {
        let visit = |(day, finding)| Evidence {
            at: at(day),
            status: None,
            ended_at: None,
            finding,
            compared_by: None,
            notes: Vec::new(),
            seen: None,
            is_listed: false,
            listed_version: None,
        };
        LinkHistory { evidence: (0..).zip(findings).map(visit).collect(), ..LinkHistory::default() }
    }

    fn healthy(moved_to: Option<&str>) -> Finding {
        let moved_to = moved_to.map(|text| Address::parse(text).unwrap());
        Finding::Healthy { drift: Drift::Same, moved_to }
    }

    fn of(findings: Vec<Finding>, state: State, since: i64, today: i64) -> VisitPriority {
        let verdict = Verdict { state, since: at(since), nights: 1 };
        by_history(&history(findings), Some(&verdict), false, at(today))
    }

    #[test]
    fn what_more_visits_must_confirm_comes_first() {
        let gone = Finding::Gone { reason: Reason::NotFound, weight: Weight::Strong };
        let failing = State::Failing { reason: Reason::NotFound, weight: Weight::Strong };
        assert_eq!(of(vec![gone.clone()], failing, 0, 1), VisitPriority::Unconfirmed);
        let moved = healthy(Some("https://a.example/new"));
        assert_eq!(of(vec![moved], State::Ok, 0, 1), VisitPriority::Unconfirmed);
        let login = Finding::Restricted { reason: Reason::Login };
        assert_eq!(of(vec![login], State::Ok, 0, 1), VisitPriority::Unconfirmed);
        let dead = State::Dead { reason: Reason::NotFound };
        assert_eq!(of(vec![gone.clone(); 9], dead.clone(), 0, 6), VisitPriority::Unconfirmed);
        assert_eq!(of(vec![gone; 9], dead, 0, 8), VisitPriority::Routine);
        let refused = Finding::Refused { reason: Reason::Robots };
        let unverifiable = State::Unverifiable { reason: Reason::Robots };
        assert_eq!(of(vec![refused; 9], unverifiable, 0, 1), VisitPriority::Routine);
    }

    #[test]
    fn a_link_without_a_copy_is_new_for_a_few_visits() {
        let now = at(9);
        let of = |history: &LinkHistory, due| by_history(history, None, due, now);
        assert_eq!(of(&history(vec![]), false), VisitPriority::New);
        assert_eq!(of(&history(vec![healthy(None); 2]), false), VisitPriority::New);
        assert_eq!(of(&history(vec![healthy(None); 3]), false), VisitPriority::Routine);
        assert_eq!(of(&history(vec![]), true), VisitPriority::DueSoon);
    }

    #[test]
    fn a_link_that_was_not_asked_for_stays_in_line_once() {
        let stopped = Finding::Refused { reason: Reason::RateLimited };
        let of = |findings: Vec<Finding>| visits(&history(findings).evidence).collect::<Vec<_>>();
        assert_eq!(of(vec![healthy(None), stopped.clone()]), [at(0)]);
        assert_eq!(of(vec![stopped.clone(), healthy(None)]), [at(1)]);
        assert_eq!(of(vec![stopped.clone(), stopped.clone(), stopped]), [at(1), at(2)]);
        let refused = Finding::Refused { reason: Reason::Robots };
        assert_eq!(of(vec![refused; 2]), [at(0), at(1)]);
    }
}
