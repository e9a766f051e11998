//! `/c/<course>/links/<link>`: the page of a link for staff who are signed in, with the same
//! choices as behind the signed link of an email. `/c/<course>/decide`: several links at once.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::actor::Actor;
use super::decide::{self, LinkAction};
use super::{ActionTarget, page};
use crate::domain::decision::Decider;
use crate::domain::policy::course_access::AccessLevel;
use crate::domain::report::wording::actions;
use crate::serve::auth::form::PostedForm;
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::respond;
use crate::serve::routes::dashboard_state::DashboardState;
use crate::serve::routes::requested_course::any_course;

/// The course, if the visitor is staff; otherwise a response with the reason.
async fn of_staff(
    state: &DashboardState,
    visitor: &Visitor,
    course: &str,
) -> Result<Arc<CourseView>, RouteResult> {
    let course = any_course(&state.library, course).await?;
    if visitor.access_level(&course.rules) < AccessLevel::Staff {
        return Err(login::staff_required(&state.library.settings.base_url, visitor, &course.rules));
    }
    Ok(course)
}

/// The course, if the visitor is staff and the form is from a page that was shown to them.
pub(in crate::serve) async fn with_form(
    state: &DashboardState,
    visitor: &Visitor,
    course: &str,
    form: &PostedForm,
) -> Result<Arc<CourseView>, RouteResult> {
    let course = of_staff(state, visitor, course).await?;
    if !state.form_tokens.is_valid(visitor, &course.rules.id, form) {
        return Err(login::outdated_form(&state.library.settings.base_url));
    }
    Ok(course)
}

pub(in crate::serve) async fn show(
    State(state): State<DashboardState>,
    visitor: Visitor,
    Path((course, link)): Path<(String, String)>,
) -> RouteResult {
    let base = &state.library.settings.base_url;
    let course = match of_staff(&state, &visitor, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let Some(link) = course.links_for_actor().find(|it| it.id().to_string() == link) else {
        let (title, text) = actions::NO_SUCH_LINK;
        return respond::message(base, StatusCode::NOT_FOUND, title, text);
    };
    let id = &course.rules.id;
    let target = ActionTarget {
        action: base.at(&format!("/c/{id}/links/{}", link.id())),
        form_token: state.form_tokens.token(&visitor, id),
    };
    page(&state.library, &state.recheck_queue, target, &[link]).await
}

pub(in crate::serve) async fn act(
    State(state): State<DashboardState>,
    visitor: Visitor,
    Path((course, link)): Path<(String, String)>,
    form: PostedForm,
) -> RouteResult {
    let course = match with_form(&state, &visitor, &course, &form).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let back = format!("/c/{}/links/{link}", course.rules.id);
    let links: Vec<LinkView> = course.links_for_actor().filter(|it| it.id().to_string() == link).collect();
    match LinkAction::parse(|name| form.all(name).next()) {
        Some(action) => carry_out(&state, &actor(&visitor, course), &links, &action, &back).await,
        None => unknown_action(&state),
    }
}

/// `/c/<course>/recheck`: staff request a recheck of a link.
pub(in crate::serve) async fn recheck(
    State(state): State<DashboardState>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: PostedForm,
) -> RouteResult {
    on_ticked(&state, &visitor, &course, &form, Some(LinkAction::Recheck)).await
}

/// Carries out one action on the ticked links.
pub(in crate::serve) async fn several(
    State(state): State<DashboardState>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: PostedForm,
) -> RouteResult {
    let action = LinkAction::parse(|name| form.all(name).next());
    on_ticked(&state, &visitor, &course, &form, action).await
}

async fn on_ticked(
    state: &DashboardState,
    visitor: &Visitor,
    course: &str,
    form: &PostedForm,
    action: Option<LinkAction>,
) -> RouteResult {
    let course = match with_form(state, visitor, course, form).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let back = format!("/c/{}/health", course.rules.id);
    let is_ticked = |it: &LinkView| form.all("link").any(|ticked| ticked == it.id().to_string());
    let links: Vec<LinkView> = course.links_for_actor().filter(is_ticked).collect();
    match action {
        Some(action) => carry_out(state, &actor(visitor, course), &links, &action, &back).await,
        None => unknown_action(state),
    }
}

/// Staff who are logged in, by name if the session or the proxy has it.
fn actor(visitor: &Visitor, course: Arc<CourseView>) -> Actor {
    let by_session = visitor.session(&course.rules.id).and_then(|session| session.person.clone());
    let name = by_session.or_else(|| visitor.person().map(|person| person.name.clone()));
    Actor { course, reader: None, decider: name.map(Decider::Person) }
}

async fn carry_out(
    state: &DashboardState,
    actor: &Actor,
    links: &[LinkView],
    action: &LinkAction,
    back: &str,
) -> RouteResult {
    decide::carry_out(&state.library, &state.recheck_queue, actor, links, action).await?;
    Ok(respond::see_other(&state.library.settings.base_url.at(back)))
}

fn unknown_action(state: &DashboardState) -> RouteResult {
    let (title, text) = actions::NO_SUCH_ACTION;
    respond::message(&state.library.settings.base_url, StatusCode::BAD_REQUEST, title, text)
}
