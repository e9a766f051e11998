//! The buttons for a link in its state.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::domain::capture::Digest;
use crate::domain::decision::{Choice, Until};
use crate::domain::report::wording::actions;
use crate::domain::verdict::StateName;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::recheck_queue::RecheckQueue;
use crate::serve::routes::actions::decide::{self, ChangedVersions};

/// The days until the proposed end of a snooze.
const PROPOSED_SNOOZE_DAYS: i64 = 14;

/// A form with one button.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Button {
    /// The value of the `choice` field.
    pub choice: &'static str,
    pub label: String,
    pub hint: &'static str,
    pub version: Option<Digest>,
    pub until: Option<DateField>,
}

/// A form field for a date.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct DateField {
    pub proposed: Date,
    pub earliest: Date,
}

impl Button {
    fn new(choice: &'static str, label: &str) -> Self {
        Self { choice, label: label.to_owned(), hint: "", version: None, until: None }
    }

    fn with_hint(choice: &'static str, text: actions::ButtonText) -> Self {
        Self { hint: text.hint, ..Self::new(choice, text.label) }
    }

    pub(super) fn undo() -> Self {
        Self::new("undo", "Undo")
    }

    pub(super) fn accept_version(label: &str, sha256: Digest) -> Self {
        Self { version: Some(sha256), ..Self::new("version", label) }
    }
}

pub(super) fn buttons(
    library: &Library,
    recheck_queue: &RecheckQueue,
    link: &LinkView,
    versions: Option<&ChangedVersions>,
) -> Vec<Button> {
    let link_facts = link.facts();
    let in_force = link.decided().filter(|decided| !decided.has_lapsed).map(|it| &it.decision.choice);
    let offers = |choice: &Choice| choice.fits(&link_facts.verdict.state) && in_force != Some(choice);
    let mut buttons = Vec::new();
    if let Some(versions) = versions.filter(|versions| !versions.is_newest_accepted()) {
        let accept = Button::with_hint("version", actions::ACCEPT_VERSION);
        buttons.push(Button { version: Some(versions.newest.sha256), ..accept });
    }
    if offers(&Choice::AcceptedDead) {
        buttons.push(Button::with_hint("accept-dead", actions::ACCEPT_DEAD));
    }
    if offers(&Choice::NotBroken) {
        buttons.push(Button::with_hint("not-broken", actions::NOT_BROKEN));
    }
    if decide::our_copy(link).map(Choice::OurCopy).is_some_and(|choice| offers(&choice)) {
        buttons.push(Button::with_hint("our-copy", actions::OUR_COPY));
    }
    let today = library.today_at(&link.course);
    if offers(&Choice::Snoozed(Until::Day(today))) {
        let in_days = |days: i64| today.saturating_add(days.days());
        let until = DateField { proposed: in_days(PROPOSED_SNOOZE_DAYS), earliest: in_days(1) };
        buttons.push(Button { until: Some(until), ..Button::with_hint("snooze", actions::SNOOZE) });
        if link.course.rules.term.is_some() {
            buttons.push(Button::new("snooze-term", actions::NEXT_TERM));
        }
    }
    let is_requested = recheck_queue.status(&link_facts.link).is_some();
    if recheck_queue.is_connected() && !is_requested && can_be_cleared(link_facts.verdict.state.name()) {
        buttons.push(Button::with_hint("recheck", actions::RECHECK));
    }
    buttons
}

/// Whether a recheck can change the state. It can only find that a link works.
pub(in crate::serve) fn can_be_cleared(state: StateName) -> bool {
    match state {
        StateName::Failing | StateName::Dead | StateName::Restricted | StateName::Unverifiable => true,
        StateName::Ok | StateName::Moved | StateName::Changed => false,
    }
}
