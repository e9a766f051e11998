//! `/go/<link>` and `/go?url=`: a stable address for a reading, which leads to
//! the original while it works and to the copy afterwards.
//!
//! Only links of a course are followed, so that it cannot redirect to any other
//! address. A link of a restricted course leads only its readers: for strangers it is
//! like an unknown link.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};

use crate::domain::address::{Address, LinkId};
use crate::domain::report::plain::visible;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::RouteResult;
use crate::serve::http::query;
use crate::serve::library::Library;
use crate::serve::library::availability::{Availability, availability};
use crate::serve::library::course::LinkView;
use crate::serve::respond::{self, no_store, redirect};
use crate::serve::routes::copy;
use crate::serve::routes::not_readable::{not_readable, unknown};
use crate::serve::routes::unavailable::{copy_closed, original_unavailable};

/// The part of an unknown address that is shown.
const MAX_SHOWN_CHARS: usize = 300;

pub(in crate::serve) async fn by_id(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> RouteResult {
    let link = match id.parse::<LinkId>() {
        Ok(id) => library.link(&visitor, id).await?,
        Err(_) => None,
    };
    match link {
        Some(link) => go(&library, &visitor, &link).await,
        None => unknown(&library, &visitor, || no_such_link(&library, &id)),
    }
}

pub(in crate::serve) async fn by_address(
    State(library): State<Arc<Library>>,
    visitor: Visitor,
    uri: Uri,
) -> RouteResult {
    let Some(url) = query::parameter(&uri, "url") else { return no_such_link(&library, "") };
    let link = match Address::parse(&url) {
        Ok(address) => library.link_at(&visitor, &address).await?,
        Err(_) => None,
    };
    match link {
        Some(link) => go(&library, &visitor, &link).await,
        None => unknown(&library, &visitor, || no_such_link(&library, &url)),
    }
}

async fn go(library: &Library, visitor: &Visitor, link: &LinkView) -> RouteResult {
    if let Some(response) = not_readable(library, visitor).filter(|_| !link.is_reader()) {
        return response;
    }
    let response = match availability(library, link) {
        Availability::Original(address) => redirect(&address),
        Availability::Either(copy) => original_unavailable(library, link, StatusCode::OK, Some(&copy))?,
        Availability::Copy(capture) => {
            let captures = library.captures(&link.facts().link).await?;
            match captures.iter().rev().find(|kept| kept.capture.id() == capture.id()) {
                Some(kept) => copy::page(library, visitor, link, kept).await?,
                None => original_unavailable(library, link, StatusCode::NOT_FOUND, None)?,
            }
        }
        Availability::Closed(closed) => copy_closed(library, visitor, link, closed).await?,
        Availability::Nothing => original_unavailable(library, link, StatusCode::NOT_FOUND, None)?,
    };
    Ok(no_store(response))
}

fn no_such_link(library: &Library, requested: &str) -> RouteResult {
    let shown: String = visible(requested).chars().take(MAX_SHOWN_CHARS).collect();
    let text = format!("No course here has this link: {shown}");
    respond::message(&library.settings.base_url, StatusCode::NOT_FOUND, "Unknown link", &text)
}
