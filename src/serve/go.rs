//! `/go/<link>` and `/go?url=`: one address for a reading, whatever became of it.
//!
//! Only links that a course has are known here, so nobody can make it point
//! elsewhere. An address that is not among them is shown, never followed.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{StatusCode, Uri};

use super::answer::{self, Answer, sent_to};
use super::copy;
use super::desk::{Desk, Found};
use super::list;
use super::offer::{self, Offer};
use super::settings::BaseUrl;
use super::visitor::Visitor;
use crate::domain::address::{Address, LinkId};
use crate::domain::capture::Capture;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::student;
use crate::serve::copy::document;

/// The longest address that is shown back.
const LONGEST_SHOWN: usize = 300;

#[derive(Template)]
#[template(path = "crossroads.html", config = "src/serve/askama.toml")]
struct Crossroads<'a> {
    base: &'a BaseUrl,
    title: &'a str,
    name: String,
    text: &'a str,
    copy: Option<String>,
    /// What its button says, and where it leads.
    original: Option<(&'static str, String)>,
    elsewhere: String,
    address: String,
    course: String,
}

pub(super) async fn by_id(State(desk): State<Arc<Desk>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    let found = match id.parse::<LinkId>() {
        Ok(id) => desk.link(&visitor, id).await?,
        Err(_) => None,
    };
    match found {
        Some(found) => go(&desk, &visitor, &found).await,
        None => unknown(&desk, &id),
    }
}

pub(super) async fn by_address(State(desk): State<Arc<Desk>>, visitor: Visitor, uri: Uri) -> Answer {
    let url = list::parameter(&uri, "url").unwrap_or_default();
    let found = match Address::parse(&url) {
        Ok(address) => desk.link_at(&visitor, &address).await?,
        Err(_) => None,
    };
    match found {
        Some(found) => go(&desk, &visitor, &found).await,
        None => unknown(&desk, &url),
    }
}

async fn go(desk: &Desk, visitor: &Visitor, found: &Found) -> Answer {
    let mut answer = match offer::offer(desk, found) {
        Offer::Original(address) => sent_to(&address),
        Offer::Doubtful { copy, .. } => crossroads(desk, found, StatusCode::OK, Some(&copy))?,
        Offer::Copy(capture) => {
            let captures = desk.captures(&found.item().link).await?;
            match captures.iter().rev().find(|kept| kept.capture.id() == capture.id()) {
                Some(kept) => copy::page(desk, visitor, found, kept).await?,
                None => crossroads(desk, found, StatusCode::NOT_FOUND, None)?,
            }
        }
        Offer::Closed(closed) => document::refusal(desk, visitor, found, closed).await?,
        Offer::Nothing => crossroads(desk, found, StatusCode::NOT_FOUND, None)?,
    };
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// A page with the ways that are left.
fn crossroads(desk: &Desk, found: &Found, status: StatusCode, copy: Option<&Capture>) -> Answer {
    let (title, text) = student::without_copy(&found.item().verdict.state);
    let base = &desk.settings.base_url;
    let page = Crossroads {
        base,
        title,
        name: student::name_of(found.item()),
        text,
        copy: copy.map(|copy| base.copy(&copy.id())),
        original: offer::original(desk, found)
            .map(|to| (student::to_original(&found.item().verdict.state), to)),
        elsewhere: offer::elsewhere(found),
        address: found.item().link.to_string(),
        course: found.shelf.night.course.to_string(),
    };
    answer::page(status, &page)
}

fn unknown(desk: &Desk, asked: &str) -> Answer {
    let shown: String = visible(asked).chars().take(LONGEST_SHOWN).collect();
    let text = format!("No course here has the link {shown}");
    answer::message(desk, StatusCode::NOT_FOUND, "We do not know this link", &text)
}
