//! The links of the dashboard: filtered, sorted and searched by the query of the address.

use axum::http::Uri;

use crate::domain::report::figures::{count, local_day};
use crate::domain::report::placement;
use crate::domain::report::wording::{self, revisit, student};
use crate::domain::verdict::{State as LinkState, StateName};
use crate::serve::http::query;
use crate::serve::library::availability::original_address;
use crate::serve::library::copy_link::CopyLink;
use crate::serve::library::course::LinkView;
use crate::serve::routes::dashboard_state::DashboardState;

/// A link in any state but `ok`.
pub(super) struct LinkRow {
    pub id: String,
    pub name: String,
    /// The page where staff decide about it.
    pub page: String,
    pub address: String,
    /// An address with a hostile owner is shown but not linked.
    pub is_linked: bool,
    pub state: String,
    pub since: String,
    pub nights: String,
    /// Set if the last night did not visit it.
    pub last_visit: Option<String>,
    pub copy: Option<CopyLink>,
    pub is_being_rechecked: bool,
}

/// Which links are shown, and in which order.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkFilter {
    pub words: String,
    pub state: StateFilter,
    pub order: LinkOrder,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StateFilter {
    /// All links in any state but `ok`.
    #[default]
    Any,
    /// Links that need a decision.
    Waiting,
    Only(StateName),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LinkOrder {
    /// The order of the course page.
    #[default]
    Page,
    Due,
    /// The latest changes first.
    Newest,
    State,
}

/// An option of a list from which one is chosen.
pub(super) struct SelectOption {
    pub value: &'static str,
    pub label: &'static str,
    pub is_selected: bool,
}

impl LinkFilter {
    pub(super) fn of(uri: &Uri) -> Self {
        let parameter = |name| query::parameter(uri, name).unwrap_or_default();
        let (state, order) = (parameter("state"), parameter("sort"));
        Self {
            words: query::search_words(uri),
            state: match state.as_str() {
                "waiting" => StateFilter::Waiting,
                name => StateName::ALL
                    .into_iter()
                    .find(|state| state.as_str() == name)
                    .map_or(StateFilter::Any, StateFilter::Only),
            },
            order: match order.as_str() {
                "due" => LinkOrder::Due,
                "newest" => LinkOrder::Newest,
                "state" => LinkOrder::State,
                _ => LinkOrder::Page,
            },
        }
    }

    pub(super) fn is_set(&self) -> bool {
        !self.words.trim().is_empty() || self.state != StateFilter::Any || self.order != LinkOrder::Page
    }

    pub(super) fn states(&self) -> Vec<SelectOption> {
        [
            (StateFilter::Any, "", "All that need attention"),
            (StateFilter::Waiting, "waiting", "Need a decision"),
            (StateFilter::Only(StateName::Dead), "dead", "Dead"),
            (StateFilter::Only(StateName::Failing), "failing", "Failed, not yet confirmed"),
            (StateFilter::Only(StateName::Changed), "changed", "Changed"),
            (StateFilter::Only(StateName::Moved), "moved", "Moved"),
            (StateFilter::Only(StateName::Restricted), "restricted", "Ask for an account"),
            (StateFilter::Only(StateName::Unverifiable), "unverifiable", "Could not be checked"),
        ]
        .map(|(state, value, label)| SelectOption { value, label, is_selected: self.state == state })
        .into()
    }

    pub(super) fn orders(&self) -> Vec<SelectOption> {
        [
            (LinkOrder::Page, "", "Order of the page"),
            (LinkOrder::Due, "due", "Next due first"),
            (LinkOrder::Newest, "newest", "Latest change first"),
            (LinkOrder::State, "state", "Most serious first"),
        ]
        .map(|(order, value, label)| SelectOption { value, label, is_selected: self.order == order })
        .into()
    }

    /// The links that are shown. `all` are those of the course in the order of its page.
    pub(super) fn apply(&self, all: impl Iterator<Item = LinkView>) -> Vec<LinkView> {
        let words: Vec<String> = self.words.split_whitespace().map(str::to_lowercase).collect();
        let has_words = |link: &LinkView| {
            let text = format!("{} {}", student::name_of(link.facts()), link.facts().link).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        };
        let has_state = |link: &LinkView| match self.state {
            StateFilter::Any => true,
            StateFilter::Waiting => link.waits_for_person(),
            StateFilter::Only(state) => link.facts().verdict.state.name() == state,
        };
        let needs_attention = |link: &LinkView| {
            link.facts().verdict.state != LinkState::Ok && !link.facts().awaits_first_visit()
        };
        let mut links: Vec<LinkView> =
            all.filter(|link| needs_attention(link) && has_state(link) && has_words(link)).collect();
        match self.order {
            LinkOrder::Page => {}
            LinkOrder::Due => links.sort_by_key(|link| {
                let due = placement::due(&link.course.night, link.facts());
                (due.is_none_or(|due| due < link.course.night.today), due)
            }),
            LinkOrder::Newest => {
                links.sort_by_key(|link| std::cmp::Reverse(link.facts().verdict.since));
            }
            LinkOrder::State => links.sort_by_key(|link| seriousness(link.facts().verdict.state.name())),
        }
        links
    }
}

fn seriousness(state: StateName) -> u8 {
    match state {
        StateName::Dead => 0,
        StateName::Changed => 1,
        StateName::Failing => 2,
        StateName::Restricted => 3,
        StateName::Moved => 4,
        StateName::Unverifiable => 5,
        StateName::Ok => 6,
    }
}

pub(super) fn row(state: &DashboardState, link: &LinkView) -> LinkRow {
    let library = &state.library;
    let base = &library.settings.base_url;
    let link_facts = link.facts();
    let verdict = &link_facts.verdict;
    let state_text = match (&verdict.state, verdict.state.reason()) {
        // The reason of a move adds nothing.
        (LinkState::Moved { .. }, _) | (_, None) => wording::state(&verdict.state).to_owned(),
        (_, Some(reason)) => {
            format!("{}: {}", wording::state(&verdict.state), wording::reason(reason, link_facts.status))
        }
    };
    let recheck = state.recheck_queue.status(&link_facts.link);
    let course = &link.course;
    LinkRow {
        id: link.id().to_string(),
        name: student::name_of(link_facts),
        page: base.at(&format!("/c/{}/links/{}", course.rules.id, link.id())),
        address: link_facts.link.to_string(),
        is_linked: original_address(library, link).is_some(),
        state: state_text,
        since: local_day(verdict.since, course.time_zone(), course.night.today),
        nights: count(verdict.nights as usize, "night"),
        last_visit: revisit::last_visit(&course.night, link_facts),
        copy: CopyLink::of(base, link),
        is_being_rechecked: recheck.is_some_and(|recheck| recheck.outcome.is_none()),
    }
}
