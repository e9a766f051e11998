//! The buttons that make sense for a link in its state.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::domain::capture::Digest;
use crate::domain::decision::{Choice, Until};
use crate::domain::report::wording::actions;
use crate::domain::verdict::StateName;
use crate::serve::act::decide::{self, Versions};
use crate::serve::desk::{Desk, Found};

/// A form with one button.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Button {
    pub choice: &'static str,
    pub label: String,
    pub hint: &'static str,
    pub version: Option<Digest>,
    /// The day that is proposed, and the first that can be chosen.
    pub until: Option<(Date, Date)>,
}

impl Button {
    fn new(choice: &'static str, (label, hint): (&str, &'static str)) -> Self {
        Self { choice, label: label.to_owned(), hint, version: None, until: None }
    }

    pub(in crate::serve) fn undo() -> Self {
        Self::new("undo", ("Undo", ""))
    }

    pub(in crate::serve) fn version(label: String, sha256: Digest) -> Self {
        Self { version: Some(sha256), ..Self::new("version", (&label, "")) }
    }
}

pub(in crate::serve) fn of(desk: &Desk, found: &Found, versions: Option<&Versions>) -> Vec<Button> {
    let item = found.item();
    let today = desk.day_at(&found.shelf);
    let standing = found.decided().filter(|decided| !decided.has_lapsed).map(|it| &it.decision.choice);
    let offers = |choice: &Choice| choice.fits(&item.verdict.state) && standing != Some(choice);
    let mut buttons = Vec::new();
    if let Some(versions) = versions.filter(|versions| !versions.is_newest_accepted()) {
        let accept = Button::new("version", actions::ACCEPT_VERSION);
        buttons.push(Button { version: Some(versions.newest.sha256), ..accept });
    }
    if offers(&Choice::AcceptedDead) {
        buttons.push(Button::new("accept-dead", actions::ACCEPT_DEAD));
    }
    if offers(&Choice::NotBroken) {
        buttons.push(Button::new("not-broken", actions::NOT_BROKEN));
    }
    if decide::our_copy(found).map(Choice::OurCopy).is_some_and(|choice| offers(&choice)) {
        buttons.push(Button::new("our-copy", actions::OUR_COPY));
    }
    if offers(&Choice::Snoozed(Until::Day(today))) {
        let day = |days: i64| today.saturating_add(days.days());
        let snooze = Button::new("snooze", actions::SNOOZE);
        buttons.push(Button { until: Some((day(14), day(1))), ..snooze });
        if found.shelf.rules.term.is_some() {
            buttons.push(Button::new("snooze-term", (actions::NEXT_TERM, "")));
        }
    }
    let is_asked = desk.bell.rung(&item.link).is_some();
    if desk.bell.is_heard() && !is_asked && can_be_cleared(item.verdict.state.name()) {
        buttons.push(Button::new("recheck", actions::RECHECK));
    }
    buttons
}

/// A look can only clear; what works, changed or moved has nothing to be cleared of.
pub(in crate::serve) fn can_be_cleared(state: StateName) -> bool {
    match state {
        StateName::Failing | StateName::Dead | StateName::Restricted | StateName::Unverifiable => true,
        StateName::Ok | StateName::Moved | StateName::Changed => false,
    }
}
