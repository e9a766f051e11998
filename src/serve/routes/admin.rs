//! `/admin/`: all courses at a glance, for the person who runs the service.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::domain::policy::course_access::AccessLevel;
use crate::domain::policy::night_plan::ListedLinks;
use crate::domain::report::PlannedLinks;
use crate::domain::report::figures::{count_of, number, size};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::overview;
use crate::domain::report::wording::{self, actions, nights};
use crate::serve::auth::login;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::respond::{self, no_store};
use crate::serve::routes::metrics::CaptureTotals;
use crate::serve::service_status::CourseActivity;
use crate::serve::settings::CourseRules;

/// From half past two to half past eight.
const NIGHT: Duration = Duration::from_hours(6);
/// Refused emails that are listed.
const MAX_FAILED_EMAILS: usize = 20;

#[derive(Template)]
#[template(path = "admin.html", config = "src/serve/askama.toml")]
struct AdminPage<'a> {
    base: &'a BaseUrl,
    sign_out: String,
    courses: Vec<OverviewRow>,
    capacity: Vec<String>,
    emails: Vec<String>,
    storage: Vec<String>,
}

impl AdminPage<'_> {
    fn has_problems(&self) -> bool {
        self.courses.iter().any(|course| !course.problems.is_empty())
    }
}

struct OverviewRow {
    title: String,
    health: String,
    last: String,
    next: String,
    links: String,
    dead: String,
    waiting: String,
    copies: String,
    problems: Vec<String>,
}

pub(in crate::serve) async fn overview(
    State(library): State<Arc<Library>>,
    State(totals): State<Arc<CaptureTotals>>,
    State(listed): State<Arc<ListedVisits>>,
    visitor: Visitor,
) -> RouteResult {
    let base = &library.settings.base_url;
    let Some(rules) = &library.settings.admin else {
        let (title, text) = overview::CLOSED;
        return respond::message(base, StatusCode::NOT_FOUND, title, text);
    };
    if visitor.access_level(rules) < AccessLevel::Staff {
        return login::staff_required(base, &visitor, rules);
    }
    let courses = library.courses().await?;
    let row = |rules: &CourseRules| {
        let course = courses.iter().find(|course| course.rules.id == rules.id);
        course_row(&library, rules, course)
    };
    let page = AdminPage {
        base,
        sign_out: base.at(&format!("/c/{}/login", rules.id)),
        courses: library.settings.courses.iter().map(row).collect(),
        capacity: capacity(&library, &courses, &listed).await?,
        emails: emails(&library).await?,
        storage: storage(&library, &totals).await?,
    };
    respond::page(StatusCode::OK, &page).map(no_store)
}

fn course_row(library: &Library, rules: &CourseRules, course: Option<&Arc<CourseView>>) -> OverviewRow {
    let health = library.settings.base_url.at(&format!("/c/{}/health", rules.id));
    let next = next_night(library, rules);
    let Some(course) = course else {
        let (title, last) = (visible(&rules.title), overview::NEVER_CHECKED.to_owned());
        let none = String::new;
        let (links, dead, waiting, copies) = (none(), none(), none(), none());
        return OverviewRow { title, health, last, next, links, dead, waiting, copies, problems: Vec::new() };
    };
    let night = &course.night;
    let links: Vec<LinkView> = course.links_for_actor().collect();
    let copies: Vec<u64> = links.iter().filter_map(|link| Some(link.copy()?.bytes)).collect();
    let problems = night.void.iter().map(wording::void);
    let problems = problems.chain(night.page_problem.iter().map(wording::page_problem));
    OverviewRow {
        title: visible(&night.title),
        health,
        last: night
            .finished
            .to_zoned_datetime(course.time_zone().clone())
            .strftime("%F %H:%M %Z")
            .to_string(),
        next,
        links: number(links.len() as u64),
        dead: number(links.iter().filter(|link| link.is_dead()).count() as u64),
        waiting: number(links.iter().filter(|link| link.waits_for_person()).count() as u64),
        copies: format!("{}, {}", number(copies.len() as u64), size(copies.iter().sum())),
        problems: problems.collect(),
    }
}

fn next_night(library: &Library, rules: &CourseRules) -> String {
    match library.service_status.of_course(&rules.id) {
        Some(CourseActivity::Running(progress)) => nights::progress(progress.visited, progress.links),
        Some(CourseActivity::Waiting(Some(next))) => next.strftime("%F %H:%M %Z").to_string(),
        Some(CourseActivity::Waiting(None)) => "none, the term is over".to_owned(),
        None => String::new(),
    }
}

/// How long the pauses between requests make a night, by host.
async fn capacity(
    library: &Library,
    courses: &[Arc<CourseView>],
    listed: &ListedVisits,
) -> Result<Vec<String>, Error> {
    let mut links = PlannedLinks::default();
    for course in courses {
        links.add(&course.night);
    }
    let listed = listed.of(&links, library).await?;
    Ok(overview::capacity(&links.plan(&listed, &library.settings.pace), NIGHT))
}

/// The visits that lists replace in the next night. Finding them reads the history of many links,
/// so it is done once after each night.
#[derive(Debug, Default)]
pub(in crate::serve) struct ListedVisits(Mutex<Option<KnownLists>>);

#[derive(Debug)]
struct KnownLists {
    /// The next night and the number of links.
    of: (Timestamp, usize),
    listed: Arc<ListedLinks>,
}

impl ListedVisits {
    async fn of(&self, links: &PlannedLinks<'_>, library: &Library) -> Result<Arc<ListedLinks>, Error> {
        let Some(next) = links.next_night() else { return Ok(Arc::default()) };
        let of = (next, links.count());
        let mut known = self.0.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.of == of) {
            return Ok(Arc::clone(&known.listed));
        }
        let hosts = &library.settings.list_hosts;
        let listed = Arc::new(library.catalogue.listed_links(&links.kinds(), hosts, next).await?);
        *known = Some(KnownLists { of, listed: Arc::clone(&listed) });
        Ok(listed)
    }
}

async fn emails(library: &Library) -> Result<Vec<String>, Error> {
    let outbox = library.catalogue.outbox().await?;
    let oldest = outbox.oldest.map(|at| at.strftime("%F %H:%M UTC").to_string());
    let mut lines = actions::outbox(outbox.waiting as usize, oldest.as_deref(), None, 0);
    lines.extend(outbox.failed.iter().rev().take(MAX_FAILED_EMAILS).map(|email| {
        format!(
            "{}, to {}: {}, after {}: {}",
            email.course,
            email.recipient,
            email.state.as_str(),
            count_of(email.tries as usize, "try", "tries"),
            visible(&email.answer)
        )
    }));
    Ok(lines)
}

async fn storage(library: &Library, totals: &CaptureTotals) -> Result<Vec<String>, Error> {
    let totals = totals.update(library).await?;
    let free = library.archive.free_bytes()?;
    let fixity = library.catalogue.fixity_figures().await?;
    let kept = overview::storage(totals.captures, totals.bytes, free);
    Ok([kept].into_iter().chain(overview::lost(fixity.missing, fixity.altered)).collect())
}
