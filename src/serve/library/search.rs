//! Full-text search in the copies of a course.
//!
//! Only copies that open today are searched, so that no snippet and no count
//! reveals the contents of others.

use std::collections::HashMap;
use std::sync::Arc;

use super::Library;
use super::blob;
use super::course::{CourseView, LinkView};
use crate::domain::capture::{Capture, Digest};
use crate::domain::report::plain::printable;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::Error;
use crate::world::catalogue::{PassageId, SearchHit, SnippetPart};

/// Documents in a result.
pub(in crate::serve) const MAX_DOCUMENTS: usize = 15;
/// Passages shown of each document.
const MAX_PASSAGES: usize = 3;
/// Matches read from the index. More than are shown, so that one document does not hide others.
const MAX_MATCHES: u32 = 300;

/// A document that matches a query.
#[derive(Clone, Debug)]
pub(in crate::serve) struct DocumentHit {
    pub link: LinkView,
    pub copy: Capture,
    pub passages: Vec<HitPassage>,
}

/// A passage that matches.
#[derive(Clone, Debug)]
pub(in crate::serve) struct HitPassage {
    /// The page of a PDF, starting at 1.
    pub page: Option<u32>,
    /// Opens the copy, at the page if there is one.
    pub href: String,
    pub snippet: Vec<SnippetPart>,
}

/// A hit whose snippets are not read yet.
struct MatchedDocument {
    link: LinkView,
    copy: Capture,
    opens_at: String,
    matches: Vec<SearchHit>,
}

/// The documents of a course in which one passage contains all words of the
/// query, best first.
pub(in crate::serve) async fn search(
    library: &Library,
    visitor: &Visitor,
    course: &Arc<CourseView>,
    query: &str,
) -> Result<Vec<DocumentHit>, Error> {
    let mut open: HashMap<Digest, (LinkView, Capture)> = HashMap::new();
    for link in course.links(visitor).filter(|link| library.may_open(link).is_ok()) {
        if let Some(copy) = link.copy().cloned() {
            open.entry(copy.sha256).or_insert((link, copy));
        }
    }
    let searched: Vec<Digest> = open.keys().copied().collect();
    // The semaphore is never closed. Without a permit the search would only run without a limit.
    let _permit = library.searches.acquire().await;
    let mut documents: Vec<MatchedDocument> = Vec::new();
    for found in library.catalogue.search(query, &searched, MAX_MATCHES).await? {
        if let Some(document) = documents.iter_mut().find(|it| it.copy.sha256 == found.sha256) {
            if document.matches.len() < MAX_PASSAGES {
                document.matches.push(found);
            }
        } else if documents.len() < MAX_DOCUMENTS
            && let Some((link, copy)) = open.remove(&found.sha256)
            && let Ok(blob) = blob::open(library, &link, &copy, None).await?
        {
            let opens_at = blob::address(library, &link, &copy, &blob.delivery);
            documents.push(MatchedDocument { link, copy, opens_at, matches: vec![found] });
        }
    }
    let passages: Vec<PassageId> =
        documents.iter().flat_map(|document| &document.matches).map(|it| it.passage).collect();
    let mut snippets = library.catalogue.snippets(query, &passages).await?;
    Ok(documents.into_iter().map(|document| document.with_snippets(&mut snippets)).collect())
}

impl MatchedDocument {
    fn with_snippets(self, snippets: &mut HashMap<PassageId, Vec<SnippetPart>>) -> DocumentHit {
        let clean = |piece: SnippetPart| SnippetPart { text: printable(&piece.text).into_owned(), ..piece };
        let passage = |found: &SearchHit| HitPassage {
            page: found.page,
            href: match found.page {
                Some(page) => format!("{}#page={page}", self.opens_at),
                None => self.opens_at.clone(),
            },
            snippet: snippets.remove(&found.passage).into_iter().flatten().map(clean).collect(),
        };
        let passages = self.matches.iter().map(passage).collect();
        DocumentHit { link: self.link, copy: self.copy, passages }
    }
}
