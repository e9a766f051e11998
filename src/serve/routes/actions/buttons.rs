//! The buttons for a link in its state.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::capture::Digest;
use crate::domain::decision::{Choice, Until};
use crate::domain::report::wording::actions;
use crate::domain::verdict::{State, StateName};
use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::serve::library::course::LinkView;
use crate::serve::recheck_queue::RecheckQueue;
use crate::serve::routes::actions::decide::{self, ChangedVersions};

/// The days until the proposed end of a snooze.
pub(in crate::serve) const PROPOSED_SNOOZE_DAYS: i64 = 14;

/// A form with one button.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Button {
    /// The value of the `choice` field.
    pub choice: &'static str,
    pub label: String,
    pub hint: &'static str,
    pub version: Option<Digest>,
    pub until: Option<DateField>,
    /// The proposed address, if the button needs one.
    pub address: Option<String>,
    pub is_recommended: bool,
}

/// A form field for a date.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct DateField {
    pub proposed: Date,
    pub earliest: Date,
}

impl Button {
    fn new(choice: &'static str, label: &str) -> Self {
        Self {
            choice,
            label: label.to_owned(),
            hint: "",
            version: None,
            until: None,
            address: None,
            is_recommended: false,
        }
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

/// The buttons for a link, the recommended one first.
pub(super) async fn buttons(
    library: &Library,
    recheck_queue: &RecheckQueue,
    link: &LinkView,
    versions: Option<&ChangedVersions>,
) -> Result<Vec<Button>, Error> {
    let state = link.facts().verdict.state.name();
    let mut buttons = decisions(library, link, versions);
    let is_requested = recheck_queue.status(&link.facts().link).is_some();
    if recheck_queue.is_connected() && !is_requested && can_be_cleared(state) {
        buttons.push(Button::with_hint("recheck", actions::RECHECK));
    }
    if state != StateName::Ok && library.can_request_night(&link.course).await? {
        buttons.push(Button::with_hint("check-page", actions::CHECK_PAGE));
    }
    let order = recommended(state);
    let best = order.iter().find_map(|choice| buttons.iter().position(|button| button.choice == *choice));
    if let Some(best) = best {
        let mut button = buttons.remove(best);
        button.is_recommended = true;
        buttons.insert(0, button);
    }
    Ok(buttons)
}

/// The choices that help most for a state. The first one that is offered is recommended.
fn recommended(state: StateName) -> &'static [&'static str] {
    match state {
        StateName::Changed => &["version"],
        StateName::Moved => &["replace"],
        StateName::Dead => &["replace", "our-copy", "accept-dead"],
        StateName::Restricted => &["not-broken"],
        StateName::Failing | StateName::Unverifiable => &["recheck"],
        StateName::Ok => &[],
    }
}

fn decisions(library: &Library, link: &LinkView, versions: Option<&ChangedVersions>) -> Vec<Button> {
    let link_facts = link.facts();
    let state = &link_facts.verdict.state;
    let in_force = link.decided().filter(|decided| !decided.has_lapsed).map(|it| &it.decision.choice);
    let offers = |choice: &Choice| choice.fits(state) && in_force != Some(choice);
    let mut buttons = Vec::new();
    if let Some(versions) = versions.filter(|versions| !versions.is_newest_accepted()) {
        let accept = Button::with_hint("version", actions::ACCEPT_VERSION);
        buttons.push(Button { version: Some(versions.newest.sha256), ..accept });
    }
    let suggestion = suggested_address(link);
    if suggestion.as_ref().is_some_and(|to| offers(&Choice::ReplacedBy(to.clone()))) {
        let address = suggestion.map(|to| to.to_string());
        buttons.push(Button { address, ..Button::with_hint("replace", actions::REPLACE) });
    }
    if let Some(hint) = own_address_hint(state) {
        buttons.push(Button { address: Some(String::new()), ..Button::with_hint("replace-by", hint) });
    }
    if decide::our_copy(link).map(Choice::OurCopy).is_some_and(|choice| offers(&choice)) {
        buttons.push(Button::with_hint("our-copy", actions::OUR_COPY));
    }
    if offers(&Choice::AcceptedDead) {
        buttons.push(Button::with_hint("accept-dead", actions::ACCEPT_DEAD));
    }
    if offers(&Choice::NotBroken) {
        buttons.push(Button::with_hint("not-broken", actions::NOT_BROKEN));
    }
    let today = library.today_at(&link.course);
    if offers(&Choice::Snoozed(Until::Day(today))) {
        let in_days = |days: i64| today.saturating_add(days.days());
        let until = DateField { proposed: in_days(PROPOSED_SNOOZE_DAYS), earliest: in_days(1) };
        buttons.push(Button { until: Some(until), ..Button::with_hint("snooze", actions::SNOOZE) });
        if link.course.rules.term.is_some() {
            buttons.push(Button::with_hint("snooze-term", actions::NEXT_TERM));
        }
    }
    buttons
}

/// The offer to name another address, for links that a person may have to replace.
fn own_address_hint(state: &State) -> Option<actions::ButtonText> {
    match state.name() {
        StateName::Dead
        | StateName::Moved
        | StateName::Changed
        | StateName::Restricted
        | StateName::Failing => Some(actions::REPLACE_BY_OWN),
        StateName::Ok | StateName::Unverifiable => None,
    }
}

/// The new address of a moved link, or the replacement that was found.
fn suggested_address(link: &LinkView) -> Option<Address> {
    let link_facts = link.facts();
    match &link_facts.verdict.state {
        State::Moved { to } => Some(to.clone()),
        State::Ok
        | State::Changed { .. }
        | State::Restricted { .. }
        | State::Unverifiable { .. }
        | State::Failing { .. }
        | State::Dead { .. } => link_facts.replacement.as_ref().map(|found| found.address.clone()),
    }
}

/// Whether a recheck can change the state. It can only find that a link works.
pub(in crate::serve) fn can_be_cleared(state: StateName) -> bool {
    match state {
        StateName::Failing | StateName::Dead | StateName::Restricted | StateName::Unverifiable => true,
        StateName::Ok | StateName::Moved | StateName::Changed => false,
    }
}
