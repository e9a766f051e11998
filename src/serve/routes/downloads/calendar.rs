//! `/c/<course>/due.ics`: the due dates of the readings for calendars.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use jiff::civil::Date;

use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::domain::syndication::icalendar::{Calendar, DueDay, DueReading};
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;
use crate::serve::routes::downloads::feed_course::FeedCourse;

pub(in crate::serve) async fn due(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    let feed_course = match FeedCourse::of(&library, &visitor, &course, &uri).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let course = &feed_course.course;
    let id = course.night.course.as_str();
    let calendar = Calendar {
        course: id,
        title: &visible(&course.night.title),
        page: &library.settings.base_url.absolute(&format!("/c/{id}/")),
        as_of: course.night.finished,
        days: &due_days(&library, &visitor, course),
    };
    let content_type = "text/calendar; charset=utf-8";
    Ok(feed_course.respond(respond::with_etag(
        &headers,
        content_type,
        course.cache_scope(),
        calendar.to_text(),
    )))
}

/// The days with readings, each reading once a day. An address leads to the original, or to
/// our copy if that is gone.
fn due_days(library: &Library, visitor: &Visitor, course: &Arc<CourseView>) -> Vec<DueDay> {
    let mut days: BTreeMap<Date, Vec<DueReading>> = BTreeMap::new();
    for mention in &course.mentions {
        let link = mention.address().and_then(|address| course.link(visitor, address));
        let (Some(link), Some(due)) = (link, mention.due) else { continue };
        let (name, _) = student::reading(link.facts(), mention);
        let address = library.go(&link);
        let readings = days.entry(due).or_default();
        if readings.iter().all(|other| other.address != address) {
            readings.push(DueReading { name, address });
        }
    }
    days.into_iter().map(|(day, readings)| DueDay { day, readings }).collect()
}
