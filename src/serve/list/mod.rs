//! `/c/<course>/`: the readings of a course, in the order of its own page.

pub(super) mod outline;
pub(super) mod search;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use url::form_urlencoded;

use self::outline::{Section, outline};
use self::search::{Hit, Place};
use super::answer::{self, Answer, sent_to};
use super::desk::{Desk, Shelf};
use super::settings::BaseUrl;
use super::visitor::Visitor;
use crate::domain::course::CourseId;
use crate::domain::report::figures::{count, day, hours};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::visitor::signin;

/// So many readings are seen without scrolling far.
const A_SCREENFUL: usize = 8;
/// Nobody types more into a filter box.
const LONGEST_QUERY: usize = 200;

#[derive(Template)]
#[template(path = "list.html", config = "src/serve/askama.toml")]
pub(super) struct List<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    title: String,
    query: String,
    sections: Vec<Section>,
    hits: Vec<HitRow>,
    /// "12 of 40 readings".
    shown: String,
    /// The class that comes next, where it is among many.
    next: Option<String>,
    /// "Fri 18 Sep, 02:30-02:31 UTC".
    checked: String,
    contact: Option<&'a str>,
    is_signed_in: bool,
}

/// A document in which the words of the query stand.
struct HitRow {
    name: String,
    page: String,
    places: Vec<Place>,
}

#[derive(Template)]
#[template(path = "courses.html", config = "src/serve/askama.toml")]
pub(super) struct Courses<'a> {
    base: &'a BaseUrl,
    courses: Vec<(CourseId, String)>,
}

/// `/`: the courses that the visitor may read.
pub(super) async fn courses(State(desk): State<Arc<Desk>>, visitor: Visitor) -> Answer {
    let mut shelves = desk.shelves().await?;
    shelves.retain(|shelf| visitor.may_read(&shelf.rules));
    answer::page(StatusCode::OK, &contents(&desk.settings.base_url, &shelves))
}

/// The courses by their titles.
pub(super) fn contents<'a>(base: &'a BaseUrl, shelves: &[Arc<Shelf>]) -> Courses<'a> {
    let course = |shelf: &Arc<Shelf>| (shelf.night.course.clone(), visible(&shelf.night.title));
    Courses { base, courses: shelves.iter().map(course).collect() }
}

/// `/c/<course>`: the address that people type.
pub(super) async fn with_slash(State(desk): State<Arc<Desk>>, Path(course): Path<String>) -> Answer {
    match course.parse::<CourseId>() {
        Ok(course) => Ok(sent_to(&desk.settings.base_url.at(&format!("/c/{course}/")))),
        Err(_) => answer::no_such_page(&desk),
    }
}

/// The course of an address, for its readers; else a page that says why not.
pub(super) async fn shelf(desk: &Arc<Desk>, visitor: &Visitor, course: &str) -> Result<Arc<Shelf>, Answer> {
    let shelf = any_shelf(desk, course).await?;
    if visitor.may_read(&shelf.rules) { Ok(shelf) } else { Err(signin::refusal(desk, visitor, &shelf.rules)) }
}

/// The course of an address, whoever asks; a page that says why there is none.
pub(super) async fn any_shelf(desk: &Arc<Desk>, course: &str) -> Result<Arc<Shelf>, Answer> {
    let Ok(course) = course.parse::<CourseId>() else {
        return Err(answer::no_such_page(desk));
    };
    match desk.shelf(&course).await {
        Ok(Some(shelf)) => Ok(shelf),
        Ok(None) if desk.settings.courses.iter().any(|rules| rules.id == course) => Err(answer::message(
            desk,
            StatusCode::NOT_FOUND,
            "Nothing to show yet",
            "The links of this course are checked for the first time tonight.",
        )),
        Ok(None) => Err(answer::no_such_page(desk)),
        Err(fault) => Err(Err(fault.into())),
    }
}

pub(super) async fn course(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
) -> Answer {
    let shelf = match shelf(&desk, &visitor, &course).await {
        Ok(shelf) => shelf,
        Err(answer) => return answer,
    };
    let query = query(&uri);
    let hits = if query.trim().is_empty() {
        Vec::new()
    } else {
        search::inside(&desk, &visitor, &shelf, &query).await?
    };
    answer::page(StatusCode::OK, &readings(&desk, &visitor, &shelf, query, hits))
}

/// The readings that fit a query, and where else its words were found.
pub(super) fn readings<'a>(
    desk: &'a Desk,
    visitor: &Visitor,
    shelf: &'a Arc<Shelf>,
    query: String,
    hits: Vec<Hit>,
) -> List<'a> {
    let night = &shelf.night;
    let sections = outline(desk, visitor, shelf, &query);
    let shown: usize =
        sections.iter().flat_map(|section| &section.groups).map(|group| group.readings.len()).sum();
    let all = shelf.mentions.len();
    let goal = sections.iter().flat_map(|section| &section.groups).find(|group| group.is_goal);
    let next = goal.filter(|_| shown > A_SCREENFUL).map(|group| group.when.clone());
    let finished = night.finished.to_zoned_datetime(night.time_zone.clone()).date();
    List {
        base: &desk.settings.base_url,
        course: &night.course,
        title: visible(&night.title),
        shown: if query.trim().is_empty() {
            count(all, "reading")
        } else {
            student::found(shown, all, hits.len(), hits.len() < search::MOST_DOCUMENTS)
        },
        next,
        query,
        sections,
        hits: hits.into_iter().map(|hit| hit_row(desk, hit)).collect(),
        checked: format!(
            "{}, {}",
            day(finished, night.today),
            hours(night.started, night.finished, &night.time_zone)
        ),
        contact: shelf.rules.contact.as_deref(),
        is_signed_in: visitor.session(&shelf.rules.id).is_some(),
    }
}

fn hit_row(desk: &Desk, hit: Hit) -> HitRow {
    HitRow {
        name: student::name_of(hit.found.item()),
        page: desk.settings.base_url.copy(&hit.copy.id()),
        places: hit.places,
    }
}

/// What is sought.
pub(super) fn query(uri: &Uri) -> String {
    parameter(uri, "q").unwrap_or_default().chars().take(LONGEST_QUERY).collect()
}

/// Where the list of a course is.
pub(super) fn address(base: &BaseUrl, course: &CourseId) -> String {
    base.at(&format!("/c/{course}/"))
}

/// The first value of a query parameter.
pub(super) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
