//! `/c/<course>/health`: how the links of a course are, for whoever looks after them.

pub(super) mod chart;
pub(super) mod past;
pub(super) mod bell;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use jiff::Timestamp;

use self::past::Tally;
use super::answer::{self, Answer, Fault};
use super::desk::{Desk, Found, Shelf};
use super::list;
use super::settings::BaseUrl;
use super::visitor::Visitor;
use crate::domain::capture::{Capture, Verified};
use crate::domain::course::CourseId;
use crate::domain::policy::admission::Standing;
use crate::domain::report::Event;
use crate::domain::report::figures::{self, count, hours, number, size};
use crate::domain::report::plain::visible;
use crate::domain::report::wording::{self, actions, student};
use crate::domain::verdict::State as LinkState;
use crate::serve::act::actor::Actor;
use crate::serve::act::buttons::can_be_cleared;
use crate::serve::act::decide::{self, Wish};
use crate::serve::visitor::form::Form;
use crate::serve::visitor::signin;

#[derive(Template)]
#[template(path = "health.html", config = "src/serve/askama.toml")]
struct Health<'a> {
    base: &'a BaseUrl,
    course: &'a CourseId,
    title: String,
    checked: String,
    /// What kept the night from judging, or the page from being read.
    troubles: Vec<String>,
    chart: String,
    /// From when to when the chart goes.
    span: Option<String>,
    /// The newest bar in words: class, number, what it counts.
    legend: Vec<(&'static str, String, &'static str)>,
    nights: Vec<NightRow>,
    events: Vec<EventRow>,
    links: Vec<LinkRow>,
    /// What was decided, by the names of the links.
    decisions: Vec<(String, String)>,
    /// How the letters are.
    letters: Vec<String>,
    /// Where staff ask for a look, and what shows that this page sent them there.
    recheck: Option<(String, String)>,
    storage: Vec<String>,
}

struct NightRow {
    day: String,
    counts: Vec<String>,
    is_void: bool,
}

struct EventRow {
    name: String,
    go: String,
    before: &'static str,
    after: &'static str,
}

/// A link that does not simply work.
struct LinkRow {
    id: String,
    name: String,
    address: String,
    /// Nobody should be sent to what belongs to someone else now.
    is_linked: bool,
    state: String,
    since: String,
    nights: String,
    copy: Option<(String, String)>,
    can_be_cleared: bool,
}

pub(super) async fn health(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
) -> Answer {
    let shelf = match list::any_shelf(&desk, &course).await {
        Ok(shelf) => shelf,
        Err(answer) => return answer,
    };
    let needed = shelf.rules.admission.needed_for_health();
    if visitor.standing(&shelf.rules) < needed {
        return match needed {
            Standing::Staff => signin::staff_only(&desk, &visitor, &shelf.rules),
            Standing::Reader | Standing::Stranger => signin::refusal(&desk, &visitor, &shelf.rules),
        };
    }
    let night = &shelf.night;
    let past = desk.past.of(&night.course, &desk.catalogue).await?;
    let events = desk.catalogue.events(&night.course).await?;
    let mut troubles: Vec<String> = night.void.iter().map(wording::void).collect();
    troubles.extend(night.page_trouble.iter().map(wording::page_trouble));
    let page = Health {
        base: &desk.settings.base_url,
        course: &night.course,
        title: visible(&night.title),
        checked: format!(
            "{}, {}, {}",
            local_day(&shelf, night.finished),
            hours(night.started, night.finished, &night.time_zone),
            count(usize::try_from(night.requests).unwrap_or(usize::MAX), "request"),
        ),
        troubles,
        chart: chart::draw(&past),
        span: span(&shelf, &past),
        legend: past.last().map(legend).unwrap_or_default(),
        nights: past.iter().rev().map(|tally| night_row(&shelf, tally)).collect(),
        events: events
            .iter()
            .filter(|event| event.at == night.started)
            .filter_map(|event| event_row(&desk, &visitor, &shelf, event))
            .collect(),
        links: shelf.all(&visitor).filter_map(|found| link_row(&desk, &found)).collect(),
        decisions: shelf.all(&visitor).filter_map(|found| decision_row(&desk, &found)).collect(),
        letters: letters(&desk, &shelf).await?,
        recheck: recheck_form(&desk, &visitor, &shelf),
        storage: storage(&desk, &shelf).await?,
    };
    answer::page(StatusCode::OK, &page)
}

/// Only where somebody hears the bell, and only staff may ring it.
fn recheck_form(desk: &Desk, visitor: &Visitor, shelf: &Shelf) -> Option<(String, String)> {
    if !desk.bell.is_heard() || visitor.standing(&shelf.rules) < Standing::Staff {
        return None;
    }
    let course = &shelf.night.course;
    let token = visitor.form_token(desk, course)?;
    Some((desk.settings.base_url.at(&format!("/c/{course}/recheck")), token))
}

fn span(shelf: &Shelf, past: &[Tally]) -> Option<String> {
    let (first, last) = (past.first()?, past.last()?);
    Some(wording::actions::nights(
        past.len(),
        &local_day(shelf, first.started),
        &local_day(shelf, last.started),
    ))
}

fn legend(tally: &Tally) -> Vec<(&'static str, String, &'static str)> {
    let layer = |(class, words, states): &(&'static str, &'static str, &[_])| {
        (*class, number(tally.count(states) as u64), *words)
    };
    chart::LAYERS.iter().map(layer).collect()
}

fn night_row(shelf: &Shelf, tally: &Tally) -> NightRow {
    let counts = chart::LAYERS.iter().map(|(_, _, states)| number(tally.count(states) as u64)).collect();
    NightRow { day: local_day(shelf, tally.started), counts, is_void: tally.is_void }
}

fn event_row(desk: &Desk, visitor: &Visitor, shelf: &Arc<Shelf>, event: &Event) -> Option<EventRow> {
    let found = shelf.found(visitor, &event.link)?;
    Some(EventRow {
        name: student::name_of(found.item()),
        go: desk.settings.base_url.at(&format!("/go/{}", found.id())),
        before: event.before.as_ref().map_or("new on the page", wording::state),
        after: wording::state(&event.after),
    })
}

fn link_row(desk: &Desk, found: &Found) -> Option<LinkRow> {
    let item = found.item();
    let verdict = &item.verdict;
    if verdict.state == LinkState::Ok {
        return None;
    }
    let state = match (&verdict.state, verdict.state.reason()) {
        // That it moved is all there is to say of it.
        (LinkState::Moved { .. }, _) | (_, None) => wording::state(&verdict.state).to_owned(),
        (_, Some(reason)) => {
            format!("{}: {}", wording::state(&verdict.state), wording::reason(reason, item.status))
        }
    };
    Some(LinkRow {
        id: found.id().to_string(),
        name: student::name_of(item),
        address: item.link.to_string(),
        is_linked: super::offer::original(desk, found).is_some(),
        state,
        since: local_day(&found.shelf, verdict.since),
        nights: count(verdict.nights as usize, "night"),
        can_be_cleared: can_be_cleared(verdict.state.name()) && desk.bell.rung(&item.link).is_none(),
        copy: found.copy().map(|copy| {
            let page = desk.settings.base_url.copy(&copy.id());
            (page, student::measure(student::media(&copy.media_type, &copy.document), copy, item.copy_pages))
        }),
    })
}

fn decision_row(desk: &Desk, found: &Found) -> Option<(String, String)> {
    let decided = found.decided()?;
    let today = desk.day_at(&found.shelf);
    let choice = wording::decision::choice(&decided.decision.choice, today);
    let since = decided.decision.at.to_zoned_datetime(found.shelf.time_zone().clone()).date();
    let text = wording::actions::in_force(&choice, since, today, decided.has_lapsed);
    Some((student::name_of(found.item()), text))
}

/// How many wait and since when, what went wrong, who wants none. No reader is named.
async fn letters(desk: &Desk, shelf: &Shelf) -> Result<Vec<String>, Fault> {
    let outbox = desk.catalogue.outbox().await?;
    let stopped = desk.catalogue.stopped(&shelf.night.course).await?;
    let stopped = shelf.rules.readers.iter().filter(|reader| stopped.contains(reader)).count();
    let trouble = outbox.troubles.iter().rfind(|trouble| trouble.course == shelf.night.course);
    let oldest = outbox.oldest.map(|at| local_day(shelf, at));
    Ok(wording::actions::outbox(
        outbox.waiting as usize,
        oldest.as_deref(),
        trouble.map(|trouble| (trouble.state.as_str(), trouble.tries)),
        stopped,
    ))
}

/// Someone of the staff asks for a look at a link.
pub(super) async fn recheck(
    State(desk): State<Arc<Desk>>,
    visitor: Visitor,
    Path(course): Path<String>,
    form: Form,
) -> Answer {
    let shelf = match list::any_shelf(&desk, &course).await {
        Ok(shelf) => shelf,
        Err(answer) => return answer,
    };
    if visitor.standing(&shelf.rules) < Standing::Staff {
        return signin::staff_only(&desk, &visitor, &shelf.rules);
    }
    if !visitor.sent(&desk, &shelf.night.course, &form) {
        return signin::stale(&desk);
    }
    let is_meant = |found: &Found| form.field("link").parse() == Ok(found.id());
    let links: Vec<Found> = shelf.before_an_actor().filter(is_meant).collect();
    let actor = Actor { shelf: Arc::clone(&shelf), reader: None };
    decide::carry_out(&desk, &actor, &links, &Wish::Recheck).await?;
    let to = desk.settings.base_url.at(&format!("/c/{}/health", shelf.night.course));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, answer::header_value(&to))]).into_response())
}

/// What is kept, what room is left, and whether the bytes are still the same.
async fn storage(desk: &Desk, shelf: &Shelf) -> Result<Vec<String>, Fault> {
    let copies: Vec<&Capture> = shelf.night.items.iter().filter_map(|item| item.copy.as_ref()).collect();
    let bytes: u64 = copies.iter().map(|copy| copy.bytes).sum();
    let kept = if copies.len() == 1 {
        "1 current copy".to_owned()
    } else {
        format!("{} current copies", number(copies.len() as u64))
    };
    let kept = format!("{kept}, {}. Room for {} more.", size(bytes), size(desk.archive.free_bytes()?));
    let all = desk.catalogue.verified().await?;
    let verified: Vec<Verified> = copies.iter().filter_map(|copy| all.get(&copy.sha256)).copied().collect();
    let sound = verified.iter().filter(|it| it.is_sound);
    let oldest = sound.clone().map(|it| it.at).min().map(|at| local_day(shelf, at));
    let found = actions::FixityFigures {
        copies: copies.len(),
        sound: sound.count(),
        unsound: verified.iter().filter(|it| !it.is_sound).count(),
        oldest,
    };
    Ok([kept].into_iter().chain(actions::fixity(&found)).collect())
}

fn local_day(shelf: &Shelf, at: Timestamp) -> String {
    figures::local_day(at, shelf.time_zone(), shelf.night.today)
}
