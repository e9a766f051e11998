//! `/act/<ticket>`: a link as the report tells it, and what can be decided of it.
//!
//! Only a POST acts: mail programs and scanners open every link of a letter,
//! and change nothing by it. What is done can be done twice, and undone.

pub(super) mod actor;
pub(super) mod buttons;
pub(super) mod decide;
pub(super) mod letters;
pub(super) mod fields;

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use self::actor::{Actor, Refusal, unkept};
use self::buttons::Button;
use self::decide::Wish;
use self::fields::Fields;
use super::answer::{self, Answer, Fault, header_value};
use super::desk::{Desk, Found};
use super::settings::BaseUrl;
use crate::domain::capture::Capture;
use crate::domain::report::LinkFacts;
use crate::domain::report::entry::{self, ReportEntry, ShownAddress};
use crate::domain::report::figures::day;
use crate::domain::report::plain::visible;
use crate::domain::report::wording::{actions, decision, item, student};
use crate::domain::ticket::Purpose;
use crate::serve::copy::Changed;
use crate::serve::copy::difference;

#[derive(Template)]
#[template(path = "act.html", config = "src/serve/askama.toml")]
struct ActPage<'a> {
    base: &'a BaseUrl,
    course: String,
    course_title: String,
    action: String,
    entry: ReportEntry,
    /// The state in words.
    state: &'static str,
    /// For whom it is decided, where that is more than one link.
    for_all: Option<String>,
    /// What is in force, and how it is taken back.
    standing: Vec<(String, Option<Button>)>,
    buttons: Vec<Button>,
    copy: Option<(String, String)>,
    /// What is different in the new version of a changed link.
    changed: Option<Changed>,
}

pub(super) async fn show(State(desk): State<Arc<Desk>>, Path(ticket): Path<String>) -> Answer {
    match admitted(&desk, &ticket).await? {
        Ok((_, links)) => page(&desk, &ticket, &links).await,
        Err(refusal) => refusal.answer(&desk),
    }
}

pub(super) async fn act(State(desk): State<Arc<Desk>>, Path(ticket): Path<String>, body: Body) -> Answer {
    let (actor, links) = match admitted(&desk, &ticket).await? {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.answer(&desk),
    };
    let Some(wish) = Wish::of(&Fields::read(body).await) else {
        let (title, text) = actions::FORGED;
        return answer::message(&desk, StatusCode::BAD_REQUEST, title, text).map(unkept);
    };
    decide::carry_out(&desk, &actor, &links, &wish).await?;
    Ok(back_to(&desk, &ticket))
}

/// Back to the page, which shows what is in force now.
fn back_to(desk: &Desk, ticket: &str) -> Response {
    let to = desk.settings.base_url.at(&format!("/act/{ticket}"));
    unkept((StatusCode::SEE_OTHER, [(header::LOCATION, header_value(&to))]).into_response())
}

async fn admitted(desk: &Desk, ticket: &str) -> Result<Result<(Actor, Vec<Found>), Refusal>, Fault> {
    Ok(actor::by_ticket(desk, ticket).await?.and_then(|(actor, purpose): (Actor, Purpose)| {
        let links = actor.links(purpose)?;
        Ok((actor, links))
    }))
}

async fn page(desk: &Desk, ticket: &str, links: &[Found]) -> Answer {
    let items: Vec<&LinkFacts> = links.iter().map(Found::item).collect();
    let (Some(first), Some(found)) = (links.first(), links.first().map(Found::item)) else {
        return Refusal::NoSuchLink.answer(desk);
    };
    let night = &first.shelf.night;
    let Some(entry) = entry::of_links(night, &items) else { return Refusal::NoSuchLink.answer(desk) };
    let versions = decide::versions(desk, first).await?;
    // Of several links together no one copy can be shown for all.
    let only = Some(first).filter(|_| links.len() == 1);
    let page = ActPage {
        base: &desk.settings.base_url,
        course: night.course.to_string(),
        course_title: visible(&night.title),
        action: desk.settings.base_url.at(&format!("/act/{ticket}")),
        entry,
        state: item::state(night, found),
        for_all: (links.len() > 1).then(|| actions::for_all(links.len(), found.link.host())),
        standing: standing(desk, first, versions.as_ref()),
        buttons: buttons::of(desk, first, versions.as_ref()),
        copy: only.and_then(|found| open_copy(desk, found)),
        changed: match only {
            Some(found) => changed(desk, found, versions.as_ref()).await?,
            None => None,
        },
    };
    answer::page(StatusCode::OK, &page).map(unkept)
}

/// The page of the copy and its measure, where it opens.
fn open_copy(desk: &Desk, found: &Found) -> Option<(String, String)> {
    let copy = found.copy().filter(|_| desk.may_open(found).is_ok())?;
    let media = student::media(&copy.media_type, &copy.document);
    let measure = student::measure(media, copy, found.item().copy_pages);
    Some((desk.settings.base_url.copy(&copy.id()), measure))
}

/// What a new version has that the one before had not. Whoever is to decide of
/// it sees the passages even where the copies open to nobody else.
async fn changed(
    desk: &Desk,
    found: &Found,
    versions: Option<&decide::Versions>,
) -> Result<Option<Changed>, Fault> {
    let Some(versions) = versions.filter(|_| decide::may_be_shown(found)) else { return Ok(None) };
    let captures = desk.captures(&found.item().link).await?;
    let kept = |capture: &Capture| captures.iter().find(|kept| kept.capture.id() == capture.id());
    let (Some(before), Some(after)) = (kept(&versions.before), kept(&versions.newest)) else {
        return Ok(None);
    };
    let compared = difference::since(desk, before, after).await?;
    let since = before.capture.captured_at.to_zoned_datetime(found.shelf.time_zone().clone()).date();
    Ok(compared.map(|compared| Changed { since: day(since, desk.day_at(&found.shelf)), compared }))
}

/// What was decided, and how to take each back.
fn standing(
    desk: &Desk,
    found: &Found,
    versions: Option<&decide::Versions>,
) -> Vec<(String, Option<Button>)> {
    let today = desk.day_at(&found.shelf);
    let on = |at: Timestamp| at.to_zoned_datetime(found.shelf.time_zone().clone()).date();
    let mut standing = Vec::new();
    if let Some(decided) = found.decided() {
        let choice = decision::choice(&decided.decision.choice, today);
        let since = on(decided.decision.at);
        let text = actions::in_force(&choice, since, today, decided.has_lapsed);
        standing.push((text, Some(Button::undo())));
    }
    if let Some(versions) = versions.filter(|versions| versions.is_newest_accepted()) {
        let text = actions::version_accepted(on(versions.newest.captured_at), today);
        let before = &versions.before;
        let words = format!("Go back to the version of {}", day(on(before.captured_at), today));
        standing.push((text, Some(Button::version(words, before.sha256))));
    }
    if let Some(ring) = desk.bell.rung(&found.item().link) {
        let time = |at: Timestamp| at.to_zoned_datetime(found.shelf.time_zone().clone()).strftime("%H:%M %Z");
        let text = match ring.answered {
            Some(answered) => actions::looked(&time(answered.at).to_string(), answered.is_cleared),
            None => actions::look_asked(&time(ring.asked).to_string()),
        };
        standing.push((text, None));
    }
    standing
}
