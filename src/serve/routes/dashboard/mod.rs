//! `/c/<course>/health`: the state of all links of a course, for its staff.

pub(in crate::serve) mod chart;
mod decision_rows;
mod link_rows;
pub(in crate::serve) mod night_request;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use self::chart::LAYERS;
use self::decision_rows::DecisionRow;
use self::link_rows::{LinkFilter, LinkRow};
use crate::domain::capture::{Capture, Verified};
use crate::domain::course::CourseId;
use crate::domain::policy::course_access::AccessLevel;
use crate::domain::report::Event;
use crate::domain::report::figures::{self, count, hours, number, size};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::{self, actions, revisit, student};
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::library::night_history::StateCounts;
use crate::serve::respond;
use crate::serve::routes::actions::buttons::PROPOSED_SNOOZE_DAYS;
use crate::serve::routes::dashboard_state::DashboardState;
use crate::serve::routes::requested_course::any_course;

#[derive(Template)]
#[template(path = "health.html", config = "src/serve/askama.toml")]
struct HealthPage<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    title: String,
    checked: String,
    /// When the next night is, or how far the one in progress is.
    next_night: Option<String>,
    /// How often the links of hosts with a crawl budget are visited.
    revisits: Vec<String>,
    /// Staff may start a night.
    can_start_night: bool,
    /// Why the night failed, or why a course page could not be read.
    problems: Vec<String>,
    chart: String,
    /// The first and the last night of the chart.
    span: Option<String>,
    legend: Vec<LegendEntry>,
    nights: Vec<NightCountsRow>,
    events: Vec<EventRow>,
    filter: LinkFilter,
    /// "3 of 12 links", if the links are filtered.
    shown: Option<String>,
    links: Vec<LinkRow>,
    /// The day that the form for several links proposes as the end of a snooze.
    snooze_until: Date,
    decisions: Vec<DecisionRow>,
    history: Vec<DecisionRow>,
    emails: Vec<String>,
    recheck: Option<RecheckForm>,
    storage: Vec<String>,
}

/// The count of a layer in the latest night.
struct LegendEntry {
    class: &'static str,
    count: String,
    label: &'static str,
}

struct NightCountsRow {
    day: String,
    counts: Vec<String>,
    is_void: bool,
}

struct EventRow {
    name: String,
    go: String,
    before: &'static str,
    after: &'static str,
}

/// The form with which staff request a recheck.
struct RecheckForm {
    /// The action of the form that starts a night.
    check_action: String,
    /// The action of the form about several links.
    decide_action: String,
    form_token: String,
}

pub(in crate::serve) async fn health(
    State(state): State<DashboardState>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
) -> RouteResult {
    let library = &state.library;
    let base = &library.settings.base_url;
    let course = match any_course(library, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let needed = course.rules.admission.required_for_health();
    if visitor.access_level(&course.rules) < needed {
        return match needed {
            AccessLevel::Staff => login::staff_required(base, &visitor, &course.rules),
            AccessLevel::Reader | AccessLevel::Public => {
                login::reader_required(base, &visitor, &course.rules)
            }
        };
    }
    let night = &course.night;
    let history = library.night_history(&night.course).await?;
    let events = library.catalogue.events(&night.course).await?;
    let of_last_night = events.iter().filter(|event| event.at == night.started);
    let mut problems: Vec<String> = night.void.iter().map(wording::void).collect();
    problems.extend(night.page_problem.iter().map(wording::page_problem));
    problems.extend(night.is_never_read().then(|| wording::NEVER_READ.to_owned()));
    let filter = LinkFilter::of(&uri);
    let all = LinkFilter::default().apply(course.links(&visitor)).len();
    let links = filter.apply(course.links(&visitor));
    let is_staff = visitor.access_level(&course.rules) >= AccessLevel::Staff;
    let page = HealthPage {
        base,
        course: &night.course,
        title: visible(&night.title),
        checked: checked(&course),
        next_night: night_request::next_night(library, &course).await?,
        revisits: revisit::of_course(night),
        can_start_night: library.can_request_night(&course).await?,
        problems,
        chart: chart::draw(&history),
        span: span(&course, &history),
        legend: history.last().into_iter().flat_map(legend).collect(),
        nights: history.iter().rev().map(|counts| night_row(&course, counts)).collect(),
        events: of_last_night.filter_map(|event| event_row(base, &visitor, &course, event)).collect(),
        shown: filter.is_set().then(|| actions::filtered(links.len(), all)),
        filter,
        links: links.iter().map(|link| link_rows::row(&state, link)).collect(),
        snooze_until: library.today_at(&course).saturating_add(PROPOSED_SNOOZE_DAYS.days()),
        decisions: course.links(&visitor).filter_map(|link| decision_rows::current(library, &link)).collect(),
        history: decision_rows::history(library, &visitor, &course, is_staff).await?,
        emails: emails(library, &course).await?,
        recheck: recheck_form(&state, &visitor, &course),
        storage: storage(library, &course).await?,
    };
    respond::page(StatusCode::OK, &page)
}

/// "Fri 18 Sep, 02:30-02:31 UTC, 120 requests".
fn checked(course: &CourseView) -> String {
    let night = &course.night;
    let requests = usize::try_from(night.requests).unwrap_or(usize::MAX);
    format!(
        "{}, {}, {}",
        local_day(course, night.finished),
        hours(night.started, night.finished, &night.time_zone),
        count(requests, "request"),
    )
}

/// Only staff may request rechecks.
fn recheck_form(state: &DashboardState, visitor: &Visitor, course: &CourseView) -> Option<RecheckForm> {
    if !state.recheck_queue.is_connected() || visitor.access_level(&course.rules) < AccessLevel::Staff {
        return None;
    }
    let id = &course.night.course;
    let form_token = state.form_tokens.token(visitor, id)?;
    let at = |name: &str| state.library.settings.base_url.at(&format!("/c/{id}/{name}"));
    Some(RecheckForm { check_action: at("check"), decide_action: at("decide"), form_token })
}

fn span(course: &CourseView, history: &[StateCounts]) -> Option<String> {
    let (first, last) = (history.first()?, history.last()?);
    let (first, last) = (local_day(course, first.started), local_day(course, last.started));
    Some(actions::nights(history.len(), &first, &last))
}

fn legend(counts: &StateCounts) -> impl Iterator<Item = LegendEntry> {
    LAYERS.iter().map(|layer| LegendEntry {
        class: layer.class,
        count: number(counts.count(layer.states) as u64),
        label: layer.label,
    })
}

fn night_row(course: &CourseView, counts: &StateCounts) -> NightCountsRow {
    NightCountsRow {
        day: local_day(course, counts.started),
        counts: LAYERS.iter().map(|layer| number(counts.count(layer.states) as u64)).collect(),
        is_void: counts.is_void,
    }
}

fn event_row(base: &BaseUrl, visitor: &Visitor, course: &Arc<CourseView>, event: &Event) -> Option<EventRow> {
    let link = course.link(visitor, &event.link)?;
    Some(EventRow {
        name: student::name_of(link.facts()),
        go: base.at(&format!("/go/{}", link.id())),
        before: event.before.as_ref().map_or("new on the page", wording::state),
        after: wording::state(&event.after),
    })
}

/// The emails that wait or failed, and how many readers stopped them. Readers are not named.
async fn emails(library: &Library, course: &CourseView) -> Result<Vec<String>, Error> {
    let outbox = library.catalogue.outbox().await?;
    let stopped = library.catalogue.stopped(&course.night.course).await?;
    let stopped = course.rules.readers.iter().filter(|reader| stopped.contains(reader)).count();
    let email = outbox.failed.iter().rfind(|email| email.course == course.night.course);
    let oldest = outbox.oldest.map(|at| local_day(course, at));
    Ok(actions::outbox(
        outbox.waiting as usize,
        oldest.as_deref(),
        email.map(|email| (email.state.as_str(), email.tries)),
        stopped,
    ))
}

/// The size of the copies, the free space, and when the copies were last verified.
async fn storage(library: &Library, course: &CourseView) -> Result<Vec<String>, Error> {
    let copies: Vec<&Capture> =
        course.night.links.iter().filter_map(|link_facts| link_facts.copy.as_ref()).collect();
    let bytes: u64 = copies.iter().map(|copy| copy.bytes).sum();
    let current = if copies.len() == 1 {
        "1 current copy".to_owned()
    } else {
        format!("{} current copies", number(copies.len() as u64))
    };
    let free = size(library.archive.free_bytes()?);
    let current = format!("{current}, {}. {free} of disk space is free.", size(bytes));
    let all = library.catalogue.verified().await?;
    let verified: Vec<Verified> = copies.iter().filter_map(|copy| all.get(&copy.sha256)).copied().collect();
    let sound = verified.iter().filter(|it| it.is_sound);
    let oldest = sound.clone().map(|it| it.at).min().map(|at| local_day(course, at));
    let fixity = actions::FixityFigures {
        copies: copies.len(),
        sound: sound.count(),
        unsound: verified.iter().filter(|it| !it.is_sound).count(),
        oldest,
    };
    Ok([current].into_iter().chain(actions::fixity(&fixity)).collect())
}

fn local_day(course: &CourseView, at: Timestamp) -> String {
    figures::local_day(at, course.time_zone(), course.night.today)
}
