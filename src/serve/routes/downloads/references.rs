//! `/c/<course>/readings.bib`, `.ris` and `.json`: the readings for reference managers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::http::{HeaderMap, Uri};

use crate::domain::bibliography::{self, BibliographyEntry, CitedReading, bibtex, csl, ris};
use crate::domain::filename;
use crate::domain::link::Mention;
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::library::course::{CourseView, LinkView};
use crate::serve::respond::{self, header_value};
use crate::serve::routes::requested_course::readable_course;

/// A format of reference managers.
struct ReferenceFormat {
    extension: &'static str,
    content_type: &'static str,
    write: fn(&[BibliographyEntry]) -> String,
}

const FORMATS: [ReferenceFormat; 3] = [
    ReferenceFormat {
        extension: "bib",
        content_type: "application/x-bibtex; charset=utf-8",
        write: bibtex::file,
    },
    ReferenceFormat {
        extension: "ris",
        content_type: "application/x-research-info-systems; charset=utf-8",
        write: ris::file,
    },
    ReferenceFormat {
        extension: "json",
        content_type: "application/vnd.citationstyles.csl+json; charset=utf-8",
        write: csl::file,
    },
];

/// The format is that of the file that the path names.
pub(in crate::serve) async fn file(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(course): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> RouteResult {
    let course = match readable_course(&library, &visitor, &course).await {
        Ok(course) => course,
        Err(response) => return response,
    };
    let extension = uri.path().rsplit('.').next();
    let Some(format) = FORMATS.iter().find(|format| Some(format.extension) == extension) else {
        return respond::page_not_found(&library.settings.base_url);
    };
    let references = references(&library, &visitor, &course).await?;
    let name = format!("{}-readings.{}", course.night.course, format.extension);
    let text = (format.write)(&references);
    let mut response = respond::with_etag(&headers, format.content_type, course.cache_scope(), text);
    let disposition = header_value(&filename::attachment(&name, false));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// The readings in the order of the course page, each once.
async fn references(
    library: &Library,
    visitor: &Visitor,
    course: &Arc<CourseView>,
) -> Result<Vec<BibliographyEntry>, Error> {
    let (links, mentions): (Vec<LinkView>, Vec<&Mention>) = course.readings(visitor).into_iter().unzip();
    let captures = library.current_captures(&links).await?;
    let readings = links.iter().zip(mentions).map(|(link, mention)| {
        let kept = captures.get(&link.id());
        CitedReading {
            words: student::name_of(link.facts()),
            kind: mention.kind,
            url: library.original_address(link),
            accessed: course.local_date(kept.map_or(course.night.finished, |kept| kept.capture.captured_at)),
            title: kept.and_then(|kept| kept.title.clone()),
            citation: kept.and_then(|kept| kept.citation.as_ref()),
        }
    });
    Ok(bibliography::references(&readings.collect::<Vec<_>>()))
}
