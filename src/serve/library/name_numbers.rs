//! Numbers for readings of one course whose files would have the same name.

use std::collections::HashMap;
use std::sync::Arc;

use super::Library;
use super::course::{CourseView, LinkView};
use super::delivery::BlobFacts;
use super::verified_blob;
use crate::domain::address::LinkId;
use crate::domain::report::wording::student;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::Error;

/// The number of a reading among those with the same name, from 1, in the order of the
/// course's links. It is 1 for nearly all of them.
pub(super) async fn number_of(library: &Library, link: &LinkView) -> Result<usize, Error> {
    let numbers = link.course.name_numbers.get_or_try_init(|| count(library, &link.course)).await?;
    Ok(numbers.get(&link.id()).copied().unwrap_or(1))
}

async fn count(library: &Library, course: &Arc<CourseView>) -> Result<HashMap<LinkId, usize>, Error> {
    let mut readings_by_name: HashMap<String, usize> = HashMap::new();
    let mut numbers = HashMap::new();
    let links: Vec<LinkView> = course.links(&Visitor::anonymous()).collect();
    let kept = library.current_captures(&links).await?;
    for link in links {
        let Some(copy) = link.copy() else { continue };
        let disposition = verified_blob::content_disposition(library, copy).await;
        let facts = BlobFacts {
            capture: copy,
            disposition: disposition.as_deref(),
            title: kept.get(&link.id()).and_then(|kept| kept.title.as_deref()),
            words: &student::name_of(link.facts()),
            number: 1,
        };
        // Some file systems do not distinguish upper and lower case.
        let readings = readings_by_name.entry(facts.name(None).to_lowercase()).or_default();
        *readings += 1;
        if *readings > 1 {
            numbers.insert(link.id(), *readings);
        }
    }
    Ok(numbers)
}
