//! The decisions on the dashboard: those in force, and the history.

use std::sync::Arc;

use crate::domain::report::figures::local_day;
use crate::domain::report::wording::{self, actions, student};
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::{CourseView, LinkView};
use crate::world::catalogue::{PastChoice, PastDecision};

/// The newest decisions that are shown.
const MAX_PAST: u32 = 100;

pub(super) struct DecisionRow {
    pub name: String,
    pub text: String,
}

/// The decision about a link, in force or lapsed.
pub(super) fn current(library: &Library, link: &LinkView) -> Option<DecisionRow> {
    let decided = link.decided()?;
    let today = library.today_at(&link.course);
    let choice = wording::decision::choice(&decided.decision.choice, today);
    let since = link.course.local_date(decided.decision.at);
    let text = actions::in_force(&choice, since, today, decided.has_lapsed);
    Some(DecisionRow { name: student::name_of(link.facts()), text })
}

/// All decisions, newest first. Only staff see who decided, and why.
pub(super) async fn history(
    library: &Library,
    visitor: &Visitor,
    course: &Arc<CourseView>,
    is_staff: bool,
) -> Result<Vec<DecisionRow>, Error> {
    let past = library.catalogue.decision_history(&course.rules.id, MAX_PAST).await?;
    let today = library.today_at(course);
    let row = |past: &PastDecision| {
        let (choice, by, note) = match &past.choice {
            PastChoice::Decided(decision) => (
                Some(wording::decision::choice(&decision.choice, today)),
                Some(wording::decision::who(decision.by.as_ref(), decision.decider.as_ref())),
                decision.note.as_deref(),
            ),
            PastChoice::VersionAccepted(acceptance) => (
                Some(actions::VERSION_ACCEPTED.to_owned()),
                Some(wording::decision::who(acceptance.by.as_ref(), acceptance.decider.as_ref())),
                None,
            ),
            PastChoice::Withdrawn => (None, None, None),
        };
        let on = local_day(past.at, course.time_zone(), today);
        let (by, note) = if is_staff { (by, note) } else { (None, None) };
        let name = match course.link(visitor, &past.link) {
            Some(link) => student::name_of(link.facts()),
            None => past.link.to_string(),
        };
        DecisionRow { name, text: actions::past(&on, choice.as_deref(), by.as_deref(), note) }
    };
    Ok(past.iter().map(row).collect())
}
