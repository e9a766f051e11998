//! `/c/<course>/readings.bib`, `.ris` and `.json`: the readings for reference managers.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName};

use crate::domain::address::LinkId;
use crate::domain::bibliography::{self, BibliographyEntry, CitedReading, bibtex, csl, ris};
use crate::domain::evidence::link_history::StoredCapture;
use crate::domain::filename;
use crate::domain::link::Kind;
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::respond::{self, header_value};
use crate::serve::routes::requested_course::readable_course;

const DISPOSITION: HeaderName = header::CONTENT_DISPOSITION;

/// A format of reference managers.
#[derive(Clone, Copy)]
struct ReferenceFormat {
    ending: &'static str,
    content_type: &'static str,
    write: fn(&[BibliographyEntry]) -> String,
}

pub(in crate::serve) async fn bibtex(
    library: State<Arc<Library>>,
    visitor: Visitor,
    course: Path<String>,
    headers: HeaderMap,
) -> RouteResult {
    let format = ReferenceFormat {
        ending: "bib",
        content_type: "application/x-bibtex; charset=utf-8",
        write: bibtex::file,
    };
    respond_with(&library, &visitor, &course, &headers, format).await
}

pub(in crate::serve) async fn ris(
    library: State<Arc<Library>>,
    visitor: Visitor,
    course: Path<String>,
    headers: HeaderMap,
) -> RouteResult {
    let format = ReferenceFormat {
        ending: "ris",
        content_type: "application/x-research-info-systems; charset=utf-8",
        write: ris::file,
    };
    respond_with(&library, &visitor, &course, &headers, format).await
}

pub(in crate::serve) async fn csl_json(
    library: State<Arc<Library>>,
    visitor: Visitor,
    course: Path<String>,
    headers: HeaderMap,
) -> RouteResult {
    let format = ReferenceFormat {
        ending: "json",
        content_type: "application/vnd.citationstyles.csl+json; charset=utf-8",
        write: csl::file,
    };
    respond_with(&library, &visitor, &course, &headers, format).await
}

async fn respond_with(
    library: &Library,
    visitor: &Visitor,
    course: &str,
    headers: &HeaderMap,
    format: ReferenceFormat,
) -> RouteResult {
    let course = match readable_course(library, visitor, course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let references = references(library, visitor, &course).await?;
    let name = format!("{}-readings.{}", course.night.course, format.ending);
    let text = (format.write)(&references);
    let mut response = respond::with_etag(headers, format.content_type, course.cache_scope(), text);
    response.headers_mut().insert(DISPOSITION, header_value(&filename::attachment(&name, false)));
    Ok(response)
}

/// The readings in the order of the course page, each once.
async fn references(
    library: &Library,
    visitor: &Visitor,
    course: &Arc<CourseView>,
) -> Result<Vec<BibliographyEntry>, Error> {
    let mut seen: HashSet<LinkId> = HashSet::new();
    let mut readings: Vec<(LinkView, Kind, Option<StoredCapture>)> = Vec::new();
    for mention in &course.mentions {
        let link = mention.address().and_then(|address| course.link(visitor, address));
        let Some(link) = link.filter(|link| seen.insert(link.id())) else { continue };
        let kept = library.current_capture(&link).await?;
        readings.push((link, mention.kind, kept));
    }
    let readings: Vec<CitedReading> = readings
        .iter()
        .map(|(link, kind, kept)| CitedReading {
            words: student::name_of(link.facts()),
            kind: *kind,
            url: link.facts().link.to_string(),
            accessed: course
                .local_date(kept.as_ref().map_or(course.night.finished, |kept| kept.capture.captured_at)),
            title: kept.as_ref().and_then(|kept| kept.title.clone()),
            citation: kept.as_ref().and_then(|kept| kept.citation.as_ref()),
        })
        .collect();
    Ok(bibliography::references(&readings))
}
