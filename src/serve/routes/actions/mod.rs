//! `/act/<token>`: a link as the report describes it, and buttons to decide about it.
//!
//! Only a POST changes anything, because mail programs and scanners open every
//! link of an email. Every action can be repeated, and undone.

pub(in crate::serve) mod action_form;
pub(in crate::serve) mod actor;
pub(in crate::serve) mod buttons;
pub(in crate::serve) mod decide;
pub(in crate::serve) mod staff;
pub(in crate::serve) mod subscription;

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;

use self::action_form::ActionForm;
use self::actor::{Actor, TokenError, authorise};
use self::buttons::{Button, buttons};
use self::decide::{ChangedVersions, LinkAction};
use crate::domain::capture::Capture;
use crate::domain::report::LinkFacts;
use crate::domain::report::entry::{self, ReportEntry, ShownAddress};
use crate::domain::report::figures::day;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::{actions, decision, link};
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::comparison::ChangesSince;
use crate::serve::library::copy_link::CopyLink;
use crate::serve::library::course::LinkView;
use crate::serve::recheck_queue::RecheckQueue;
use crate::serve::respond::{self, secret_address};

#[derive(Template)]
#[template(path = "actions.html", config = "src/serve/askama.toml")]
struct ActionsPage<'a> {
    base: &'a BaseUrl,
    course: String,
    course_title: String,
    target: ActionTarget,
    entry: ReportEntry,
    state: &'static str,
    /// The links of the decision, if there are several.
    for_all: Option<String>,
    in_force: Vec<DecisionInForce>,
    buttons: Vec<Button>,
    copy: Option<CopyLink>,
    /// The differences of the new version of a changed link.
    changed: Option<ChangesSince>,
}

/// Where the forms of the page are sent.
#[derive(Clone, Debug)]
struct ActionTarget {
    action: String,
    /// For staff who are signed in. Behind a signed link the address is proof enough.
    form_token: Option<String>,
}

/// A decision that is in force or a recheck that was requested.
struct DecisionInForce {
    text: String,
    /// Withdraws the decision.
    button: Option<Button>,
    /// The decision takes a reason, and has this one.
    note: Option<String>,
}

pub(in crate::serve) async fn show(
    State(library): State<Arc<Library>>,
    State(recheck_queue): State<RecheckQueue>,
    Path(token): Path<String>,
) -> RouteResult {
    match authorised_links(&library, &token).await {
        Ok((_, links)) => {
            let action = library.settings.base_url.at(&format!("/act/{token}"));
            page(&library, &recheck_queue, ActionTarget { action, form_token: None }, &links).await
        }
        Err(error) => error.response(&library.settings.base_url),
    }
}

pub(in crate::serve) async fn act(
    State(library): State<Arc<Library>>,
    State(recheck_queue): State<RecheckQueue>,
    Path(token): Path<String>,
    body: Body,
) -> RouteResult {
    let base = &library.settings.base_url;
    let (actor, links) = match authorised_links(&library, &token).await {
        Ok(authorised) => authorised,
        Err(error) => return error.response(base),
    };
    let form = ActionForm::read(body).await;
    let Some(action) = LinkAction::parse(|name| form.field(name)) else {
        let (title, text) = actions::NO_SUCH_ACTION;
        return respond::message(base, StatusCode::BAD_REQUEST, title, text).map(secret_address);
    };
    decide::carry_out(&library, &recheck_queue, &actor, &links, &action).await?;
    // Back to the page, which shows the decision.
    Ok(secret_address(respond::see_other(&base.at(&format!("/act/{token}")))))
}

async fn authorised_links(library: &Library, token: &str) -> Result<(Actor, Vec<LinkView>), TokenError> {
    let authorisation = authorise(library, token).await?;
    let links = authorisation.actor.links(authorisation.purpose)?;
    Ok((authorisation.actor, links))
}

async fn page(
    library: &Library,
    recheck_queue: &RecheckQueue,
    target: ActionTarget,
    links: &[LinkView],
) -> RouteResult {
    let base = &library.settings.base_url;
    let all_facts: Vec<&LinkFacts> = links.iter().map(LinkView::facts).collect();
    let Some(first) = links.first() else { return TokenError::NoSuchLink.response(base) };
    let night = &first.course.night;
    let Some(entry) = entry::of_links(night, &all_facts) else {
        return TokenError::NoSuchLink.response(base);
    };
    let versions = decide::changed_versions(library, first).await?;
    // Several links have no copy in common.
    let single = Some(first).filter(|_| links.len() == 1);
    let mut buttons = buttons(library, recheck_queue, first, versions.as_ref()).await?;
    // One address cannot replace several links.
    buttons.retain(|button| links.len() == 1 || button.address.is_none());
    let page = ActionsPage {
        base,
        course: night.course.to_string(),
        course_title: visible(&night.title),
        target,
        entry,
        state: link::state(night, first.facts()),
        for_all: (links.len() > 1).then(|| actions::for_all(links.len(), first.facts().link.host())),
        in_force: in_force(library, recheck_queue, first, versions.as_ref()).await?,
        buttons,
        copy: single.filter(|link| library.may_open(link).is_ok()).and_then(|link| CopyLink::of(base, link)),
        changed: match single {
            Some(link) => changes(library, link, versions.as_ref()).await?,
            None => None,
        },
    };
    respond::page(StatusCode::OK, &page).map(secret_address)
}

/// The differences of the new version. A person who decides about a link sees the passages
/// even if its copies do not open to others.
async fn changes(
    library: &Library,
    link: &LinkView,
    versions: Option<&ChangedVersions>,
) -> Result<Option<ChangesSince>, Error> {
    let Some(versions) = versions.filter(|_| decide::may_show_copies(link)) else { return Ok(None) };
    let captures = library.captures(&link.facts().link).await?;
    let kept = |capture: &Capture| captures.iter().find(|kept| kept.capture.id() == capture.id());
    let (Some(before), Some(after)) = (kept(&versions.before), kept(&versions.newest)) else {
        return Ok(None);
    };
    let comparison = library.compare(before, after).await?;
    let since = day(link.course.local_date(before.capture.captured_at), library.today_at(&link.course));
    Ok(comparison.map(|comparison| ChangesSince { since, comparison }))
}

async fn in_force(
    library: &Library,
    recheck_queue: &RecheckQueue,
    link: &LinkView,
    versions: Option<&ChangedVersions>,
) -> Result<Vec<DecisionInForce>, Error> {
    let today = library.today_at(&link.course);
    let date = |at: Timestamp| link.course.local_date(at);
    let mut in_force = Vec::new();
    if let Some(decided) = link.decided() {
        let choice = decision::choice(&decided.decision.choice, today);
        let text = actions::in_force(&choice, date(decided.decision.at), today, decided.has_lapsed);
        let note = Some(decided.decision.note.clone().unwrap_or_default());
        in_force.push(DecisionInForce { text, button: Some(Button::undo()), note });
    }
    if let Some(versions) = versions.filter(|versions| versions.is_newest_accepted()) {
        let text = actions::version_accepted(date(versions.newest.captured_at), today);
        let before = &versions.before;
        let label = format!("Go back to the version of {}", day(date(before.captured_at), today));
        let button = Some(Button::accept_version(&label, before.sha256));
        in_force.push(DecisionInForce { text, button, note: None });
    }
    if let Some(recheck) = recheck_queue.status(&link.facts().link) {
        let time = |at: Timestamp| {
            at.to_zoned_datetime(link.course.time_zone().clone()).strftime("%H:%M %Z").to_string()
        };
        let text = match recheck.outcome {
            Some(outcome) => actions::rechecked(&time(outcome.checked_at), outcome.is_cleared),
            None => actions::recheck_requested(&time(recheck.requested_at)),
        };
        in_force.push(DecisionInForce { text, button: None, note: None });
    }
    if library.is_night_waiting(&link.course).await? {
        let text = actions::page_check_requested();
        in_force.push(DecisionInForce { text, button: None, note: None });
    }
    Ok(in_force)
}
