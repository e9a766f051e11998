//! `/c/<course>/`: the readings of a course in the order of its own page, and the
//! search in them. `/`: the list of courses.

pub(in crate::serve) mod outline;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};

use self::outline::{CourseSection, ReadingGroup, outline};
use crate::domain::course::CourseId;
use crate::domain::report::figures::{count, day, hours};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::base_url::BaseUrl;
use crate::serve::error::{Error, RouteResult};
use crate::serve::http::query;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::library::search::{self, DocumentHit, HitPassage};
use crate::serve::respond::{self, redirect};
use crate::serve::routes::requested_course::readable_course;

/// Readings that fit on a screen. A longer list gets a link to the next class.
const SCREENFUL: usize = 8;

#[derive(Template)]
#[template(path = "course.html", config = "src/serve/askama.toml")]
pub(in crate::serve) struct CoursePage<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    title: String,
    query: String,
    sections: Vec<CourseSection>,
    hits: Vec<DocumentHitRow>,
    /// "12 of 40 readings".
    summary: String,
    /// The date of the next class, if the list is long.
    next: Option<String>,
    /// "Fri 18 Sep, 02:30-02:31 UTC".
    checked: String,
    /// Why there are no readings, if the page of the course was never read.
    problem: Option<String>,
    contact: Option<&'a str>,
    is_signed_in: bool,
}

/// A copy that contains the words of the query.
struct DocumentHitRow {
    name: String,
    page: String,
    passages: Vec<HitPassage>,
}

#[derive(Template)]
#[template(path = "courses.html", config = "src/serve/askama.toml")]
pub(in crate::serve) struct CoursesPage<'a> {
    base: &'a BaseUrl,
    courses: Vec<CourseRow>,
}

struct CourseRow {
    id: CourseId,
    title: String,
}

/// `/`: the courses that the visitor may read.
pub(in crate::serve) async fn courses(State(library): State<Arc<Library>>, visitor: Visitor) -> RouteResult {
    let mut courses = library.courses().await?;
    courses.retain(|course| visitor.may_read(&course.rules));
    respond::page(StatusCode::OK, &courses_page(&library.settings.base_url, &courses))
}

pub(in crate::serve) fn courses_page<'a>(base: &'a BaseUrl, courses: &[Arc<CourseView>]) -> CoursesPage<'a> {
    let row = |course: &Arc<CourseView>| CourseRow {
        id: course.night.course.clone(),
        title: visible(&course.night.title),
    };
    CoursesPage { base, courses: courses.iter().map(row).collect() }
}

/// `/c/<course>` redirects to `/c/<course>/`.
pub(in crate::serve) async fn without_slash(
    State(library): State<Arc<Library>>,
    Path(course): Path<String>,
) -> RouteResult {
    let base = &library.settings.base_url;
    match course.parse::<CourseId>() {
        Ok(course) => Ok(redirect(&base.course(&course))),
        Err(_) => respond::page_not_found(base),
    }
}

pub(in crate::serve) async fn course(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
) -> RouteResult {
    let course = match readable_course(&library, &visitor, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let search = CourseSearch::run(&library, &visitor, &course, &uri).await?;
    respond::page(StatusCode::OK, &course_page(&library, &visitor, &course, search))
}

/// A query, and the copies that match.
#[derive(Debug, Default)]
pub(in crate::serve) struct CourseSearch {
    pub query: String,
    pub hits: Vec<DocumentHit>,
}

impl CourseSearch {
    /// Searches for the `q` of a request. Without words all readings match, and no copy is searched.
    pub(in crate::serve) async fn run(
        library: &Library,
        visitor: &Visitor,
        course: &Arc<CourseView>,
        uri: &Uri,
    ) -> Result<Self, Error> {
        let query = query::search_words(uri);
        let hits = if query.trim().is_empty() {
            Vec::new()
        } else {
            search::search(library, visitor, course, &query).await?
        };
        Ok(Self { query, hits })
    }
}

/// The readings that match the query, and the copies that contain its words.
pub(in crate::serve) fn course_page<'a>(
    library: &'a Library,
    visitor: &Visitor,
    course: &'a Arc<CourseView>,
    CourseSearch { query, hits }: CourseSearch,
) -> CoursePage<'a> {
    let night = &course.night;
    let sections = outline(library, visitor, course, &query);
    let groups = || sections.iter().flat_map(|section| &section.groups);
    let shown: usize = groups().map(|group| group.readings.len()).sum();
    let next = groups().find(|group| group.is_jump_target).filter(|_| shown > SCREENFUL);
    let next = next.map(|group: &ReadingGroup| group.when.clone());
    let all = course.mentions.len();
    CoursePage {
        base: &library.settings.base_url,
        course: &night.course,
        title: visible(&night.title),
        summary: if query.trim().is_empty() {
            count(all, "reading")
        } else {
            student::found(shown, all, hits.len(), hits.len() < search::MAX_DOCUMENTS)
        },
        next,
        query,
        sections,
        hits: hits.into_iter().map(|hit| hit_row(library, hit)).collect(),
        checked: format!(
            "{}, {}",
            day(course.local_date(night.finished), night.today),
            hours(night.started, night.finished, &night.time_zone)
        ),
        problem: student::never_read(night),
        contact: course.rules.contact.as_deref(),
        is_signed_in: visitor.session(&course.rules.id).is_some(),
    }
}

fn hit_row(library: &Library, hit: DocumentHit) -> DocumentHitRow {
    DocumentHitRow {
        name: student::name_of(hit.link.facts()),
        page: library.settings.base_url.copy(&hit.copy.id()),
        passages: hit.passages,
    }
}
