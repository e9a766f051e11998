//! `/letters/<ticket>`: a reader stops the letters of a course, or starts them again.
//!
//! Any POST stops but one that asks to start: mail programs send one of their
//! own (RFC 8058), without having seen the form.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::domain::course::EmailAddress;
use crate::domain::journal::Entry;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::actions;
use crate::domain::ticket::Purpose;
use crate::serve::act::actor::{self, Refusal, unkept};
use crate::serve::act::fields::Fields;
use crate::serve::answer::{self, Answer, Fault};
use crate::serve::desk::{Desk, Shelf};
use crate::serve::settings::BaseUrl;

#[derive(Template)]
#[template(path = "letters.html", config = "src/serve/askama.toml")]
struct LettersPage<'a> {
    base: &'a BaseUrl,
    course: String,
    course_title: String,
    title: &'static str,
    text: String,
    action: String,
    is_stopped: bool,
}

pub(in crate::serve) async fn show(State(desk): State<Arc<Desk>>, Path(ticket): Path<String>) -> Answer {
    match admitted(&desk, &ticket).await? {
        Ok((shelf, reader)) => page(&desk, &shelf, &reader, &ticket).await,
        Err(refusal) => refusal.answer(&desk),
    }
}

pub(in crate::serve) async fn change(
    State(desk): State<Arc<Desk>>,
    Path(ticket): Path<String>,
    body: Body,
) -> Answer {
    let (shelf, reader) = match admitted(&desk, &ticket).await? {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.answer(&desk),
    };
    let wanted = Fields::read(body).await.get("letters") == Some("start");
    if wanted == is_stopped(&desk, &shelf, &reader).await? {
        let (at, course) = (desk.clock.now(), shelf.night.course.clone());
        let entry = Entry::Letters { at, course, reader: reader.clone(), wanted };
        // A letter that a relay is just being given leaves whole; one that waits is
        // stopped. Nobody who stops with one click waits for a relay.
        desk.archive.append(at, std::slice::from_ref(&entry))?;
        desk.catalogue.apply(&[entry]).await?;
    }
    // A redirect would be followed by nobody who stops with one click.
    page(&desk, &shelf, &reader, &ticket).await
}

/// The course and its reader.
async fn admitted(desk: &Desk, ticket: &str) -> Result<Result<(Arc<Shelf>, EmailAddress), Refusal>, Fault> {
    Ok(actor::by_ticket(desk, ticket).await?.and_then(|(actor, purpose)| match (purpose, actor.reader) {
        (Purpose::Letters, Some(reader)) => Ok((actor.shelf, reader)),
        (Purpose::Letters, None) => Err(Refusal::Foreign),
        (Purpose::Act(_) | Purpose::ActOnHost(_), _) => Err(Refusal::Forged),
    }))
}

async fn is_stopped(desk: &Desk, shelf: &Shelf, reader: &EmailAddress) -> Result<bool, Fault> {
    Ok(desk.catalogue.stopped(&shelf.night.course).await?.contains(reader))
}

async fn page(desk: &Desk, shelf: &Shelf, reader: &EmailAddress, ticket: &str) -> Answer {
    let night = &shelf.night;
    let is_stopped = is_stopped(desk, shelf, reader).await?;
    let course_title = visible(&night.title);
    let (title, text) = actions::letters(&course_title, is_stopped);
    let page = LettersPage {
        base: &desk.settings.base_url,
        course: night.course.to_string(),
        course_title,
        title,
        text,
        action: desk.settings.base_url.at(&format!("/letters/{ticket}")),
        is_stopped,
    };
    answer::page(StatusCode::OK, &page).map(unkept)
}
