//! Words found inside the copies of a course.
//!
//! Only copies that open today are searched at all, so that no snippet and no
//! number of matches tells what stands in one that does not.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::capture::{Capture, Digest};
use crate::domain::report::plain::printable;
use crate::serve::answer::Fault;
use crate::serve::copy::document;
use crate::serve::desk::{Desk, Found, Shelf};
use crate::serve::visitor::Visitor;
use crate::world::catalogue::{PassageId, SearchHit, SnippetPart};

/// Documents shown of a search.
pub(in crate::serve) const MOST_DOCUMENTS: usize = 15;
/// Places shown of each.
const MOST_PLACES: usize = 3;
/// Places looked at, so that one document does not hide the others.
const MOST_SIGHTINGS: u32 = 300;

/// A document in which the words were found.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Hit {
    pub found: Found,
    pub copy: Capture,
    /// Where the copy itself opens.
    pub opens_at: String,
    pub places: Vec<Place>,
}

/// A place in a document.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Place {
    pub page: Option<u32>,
    /// Where it opens.
    pub href: String,
    pub snippet: Vec<SnippetPart>,
}

/// The documents of a course in which all words stand together, best first.
pub(in crate::serve) async fn inside(
    desk: &Desk,
    visitor: &Visitor,
    shelf: &Arc<Shelf>,
    query: &str,
) -> Result<Vec<Hit>, Fault> {
    let mut open: HashMap<Digest, (Found, Capture)> = HashMap::new();
    for found in shelf.all(visitor).filter(|found| desk.may_open(found).is_ok()) {
        if let Some(copy) = found.copy().cloned() {
            open.entry(copy.sha256).or_insert((found, copy));
        }
    }
    let among: Vec<Digest> = open.keys().copied().collect();
    // Never so many at once that nothing else is answered; it is never closed.
    let _turn = desk.searches.acquire().await;
    let mut shown: Vec<(Hit, Vec<SearchHit>)> = Vec::new();
    for sighting in desk.catalogue.search(query, &among, MOST_SIGHTINGS).await? {
        if let Some((_, places)) = shown.iter_mut().find(|(hit, _)| hit.copy.sha256 == sighting.sha256) {
            if places.len() < MOST_PLACES {
                places.push(sighting);
            }
        } else if shown.len() < MOST_DOCUMENTS
            && let Some((found, copy)) = open.remove(&sighting.sha256)
            && let Some((_, manner)) = document::open(desk, &copy)?
        {
            let opens_at = document::address(desk, &found, &copy, &manner);
            shown.push((Hit { found, copy, opens_at, places: Vec::new() }, vec![sighting]));
        }
    }
    let passages: Vec<PassageId> = shown.iter().flat_map(|(_, places)| places).map(|it| it.passage).collect();
    let mut snippets = desk.catalogue.snippets(query, &passages).await?;
    let with_places = |(hit, places): (Hit, Vec<SearchHit>)| Hit {
        places: places
            .into_iter()
            .map(|it| hit.place(it.page, snippets.remove(&it.passage).unwrap_or_default()))
            .collect(),
        ..hit
    };
    Ok(shown.into_iter().map(with_places).collect())
}

impl Hit {
    fn place(&self, page: Option<u32>, snippet: Vec<SnippetPart>) -> Place {
        let clean = |piece: SnippetPart| SnippetPart { text: printable(&piece.text).into_owned(), ..piece };
        let href = match page {
            Some(page) => format!("{}#page={page}", self.opens_at),
            None => self.opens_at.clone(),
        };
        Place { page, href, snippet: snippet.into_iter().map(clean).collect() }
    }
}
