//! `/c/<course>/changes.atom`: the links whose state changed for readers, for feed readers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};

use crate::domain::capture::Stamp;
use crate::domain::report::Event;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::domain::syndication::atom::{Feed, FeedEntry};
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::library::Library;
use crate::serve::library::course::CourseView;
use crate::serve::respond;
use crate::serve::routes::downloads::feed_course::FeedCourse;

/// The newest changes that the feed has.
const ENTRIES: usize = 100;

pub(in crate::serve) async fn changes(
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
    let page = format!("/c/{}/", course.night.course);
    let base = &library.settings.base_url;
    let events = library.catalogue.events(&course.night.course).await?;
    let entries = events.iter().rev().filter_map(|event| entry(&library, &visitor, course, event));
    let entries: Vec<FeedEntry> = entries.take(ENTRIES).collect();
    let feed = Feed {
        title: &visible(&course.night.title),
        page: &base.absolute(&page),
        own_address: &base.absolute(&format!("{page}changes.atom")),
        updated: entries.first().map_or(course.night.finished, |newest| newest.at),
        entries: &entries,
    };
    let content_type = "application/atom+xml; charset=utf-8";
    Ok(feed_course.respond(respond::with_etag(&headers, content_type, course.cache_scope(), feed.to_xml())))
}

/// `None` for a change that readers do not see.
fn entry(library: &Library, visitor: &Visitor, course: &Arc<CourseView>, event: &Event) -> Option<FeedEntry> {
    let before = student::state(event.before.as_ref()?);
    let after = student::state(&event.after);
    let link = course.link(visitor, &event.link).filter(|_| before != after)?;
    let address = library.go(&link);
    Some(FeedEntry {
        id: format!("{address}#{}", Stamp::of(event.at)),
        at: event.at,
        title: format!("{}: {}", student::name_of(link.facts()), after.unwrap_or("opens again")),
        summary: student::standing(&event.after).to_owned(),
        address,
    })
}
