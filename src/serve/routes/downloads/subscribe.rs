//! `/c/<course>/subscribe`: the addresses of the calendar and the feed, with a secret if the
//! course is not open to everyone; and their withdrawal.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::domain::action_token::ActionToken;
use crate::domain::course::CourseId;
use crate::domain::policy::course_access::AccessLevel;
use crate::domain::report::figures::{count_of, full_date};
use crate::domain::report::plain::visible;
use crate::serve::auth::csrf::FormTokens;
use crate::serve::auth::feed_token::FeedTokens;
use crate::serve::auth::form::PostedForm;
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;
use crate::serve::routes::requested_course::readable_course;

#[derive(Template)]
#[template(path = "subscribe.html", config = "src/serve/askama.toml")]
struct SubscribePage<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    title: String,
    notice: Option<String>,
    addresses: Option<FeedAddresses>,
    /// Set if the addresses need a secret.
    form_token: Option<String>,
    is_staff: bool,
}

struct FeedAddresses {
    calendar: String,
    feed: String,
    are_secret: bool,
    last_day: String,
}

/// What the handlers of this page need.
#[derive(Clone, Debug)]
pub(in crate::serve) struct SubscribeState {
    pub library: Arc<Library>,
    pub form_tokens: FormTokens,
}

pub(in crate::serve) async fn show(
    State(state): State<SubscribeState>,
    visitor: Visitor,
    Path(course): Path<String>,
) -> RouteResult {
    let course = match readable_course(&state.library, &visitor, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let is_open = course.rules.admission.is_open();
    let addresses = is_open.then(|| addresses(&state.library, &course, None));
    page(&state, &visitor, &course, addresses, None)
}

/// Makes addresses, or withdraws them.
pub(in crate::serve) async fn change(
    State(state): State<SubscribeState>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: PostedForm,
) -> RouteResult {
    let library = &state.library;
    let course = match readable_course(library, &visitor, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let base = &library.settings.base_url;
    if !state.form_tokens.is_valid(&visitor, &course.night.course, &form) {
        return login::outdated_form(base);
    }
    let tokens = FeedTokens { entries: library.entries(), now: library.clock.now() };
    match form.field("do") {
        "make" => {
            let today = library.today_at(&course);
            let token = tokens.issue(&course.rules, today).await?;
            page(&state, &visitor, &course, Some(addresses(library, &course, Some(&token))), None)
        }
        "withdraw" => {
            let is_done = tokens.withdraw(&course.rules, form.field("address")).await?;
            let notice = if is_done {
                "The address is withdrawn."
            } else {
                "There is no such address. It may be withdrawn already, or have expired."
            };
            page(&state, &visitor, &course, None, Some(notice.to_owned()))
        }
        "withdraw_all" if visitor.access_level(&course.rules) >= AccessLevel::Staff => {
            let number = tokens.withdraw_all(&course.rules).await?;
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            let notice = format!("Withdrawn: {}.", count_of(number, "address", "addresses"));
            page(&state, &visitor, &course, None, Some(notice))
        }
        "withdraw_all" => login::staff_required(base, &visitor, &course.rules),
        _ => login::outdated_form(base),
    }
}

fn page(
    state: &SubscribeState,
    visitor: &Visitor,
    course: &CourseView,
    addresses: Option<FeedAddresses>,
    notice: Option<String>,
) -> RouteResult {
    let id = &course.night.course;
    let needs_secret = !course.rules.admission.is_open();
    let page = SubscribePage {
        base: &state.library.settings.base_url,
        course: id,
        title: visible(&course.night.title),
        notice,
        addresses,
        form_token: state.form_tokens.token(visitor, id).filter(|_| needs_secret),
        is_staff: visitor.access_level(&course.rules) >= AccessLevel::Staff,
    };
    Ok(respond::no_store(respond::page(StatusCode::OK, &page)?))
}

fn addresses(library: &Library, course: &CourseView, token: Option<&str>) -> FeedAddresses {
    let query = token.map_or_else(String::new, |token| format!("?token={token}"));
    let at =
        |file: &str| library.settings.base_url.absolute(&format!("/c/{}/{file}{query}", course.night.course));
    let last_day = ActionToken::last_day(library.today_at(course), course.rules.term);
    FeedAddresses {
        calendar: at("due.ics"),
        feed: at("changes.atom"),
        are_secret: token.is_some(),
        last_day: full_date(last_day),
    }
}
