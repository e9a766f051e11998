//! For monitors: is it alive, can it serve, and figures.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde_json::json;

use super::answer::{Answer, Fault};
use super::desk::Desk;
use super::visitor::Visitor;
use crate::domain::course::CourseId;
use crate::domain::verdict::StateName;
use crate::world::catalogue::{FinishedNight, OutboxStatus};

/// Two missed nights and some hours: a monitor should look.
const NIGHT_IS_LATE_AFTER: SignedDuration = SignedDuration::from_hours(50);
/// News may wait for tomorrow's digest, and a relay that greylists takes hours.
const LETTER_IS_STUCK_AFTER: SignedDuration = SignedDuration::from_hours(36);
/// With less than a large document's room a night cannot keep what it finds.
const LEAST_FREE_BYTES: u64 = 100 << 20;

/// What was counted since the start. Copies are counted, people are not.
#[derive(Debug, Default)]
pub(super) struct Figures {
    answers: [AtomicU64; 5],
    pub copies_opened: AtomicU64,
    sizes: tokio::sync::Mutex<Sizes>,
}

/// The captures, summed up to a row.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    row: i64,
    captures: u64,
    bytes: u64,
}

impl Figures {
    pub(super) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.answers.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The process answers; nothing else is looked at.
pub(super) async fn alive() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// Whether the parts behind it work: 503 where the catalogue cannot be read or
/// the archive has no room. A late night or a stuck letter is told but fails
/// nothing, because what was checked before can still be served; a monitor that
/// reads only the status asks for `/readyz?strict`, which is 503 then too.
pub(super) async fn ready(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Response {
    let standing = Standing::of(&desk).await;
    let is_strict = query.as_deref() == Some("strict");
    let is_ready = standing.can_serve() && !(is_strict && standing.is_behind());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{}\n", standing.told(is_ready))).into_response()
}

/// How the parts behind the pages stand.
#[derive(Debug)]
struct Standing {
    catalogue: Result<(), Fault>,
    is_writable: bool,
    free_bytes: u64,
    last_night: Option<FinishedNight>,
    age: Option<SignedDuration>,
    outbox: OutboxStatus,
    /// How long the oldest news has waited.
    waits: Option<SignedDuration>,
}

impl Standing {
    async fn of(desk: &Desk) -> Self {
        let looked = async { Ok((desk.catalogue.last_finished().await?, desk.catalogue.outbox().await?)) };
        let (catalogue, (last_night, outbox)) = match looked.await {
            Ok(found) => (Ok(()), found),
            Err(fault) => (Err(fault), Default::default()),
        };
        Self {
            is_writable: desk.archive.is_writable(),
            free_bytes: desk.archive.free_bytes().unwrap_or(0),
            age: last_night.map(|night| age(desk, night)),
            waits: outbox.oldest.map(|oldest| desk.clock.now().duration_since(oldest)),
            catalogue,
            last_night,
            outbox,
        }
    }

    fn can_serve(&self) -> bool {
        self.catalogue.is_ok() && self.is_writable && self.free_bytes >= LEAST_FREE_BYTES
    }

    fn is_late(&self) -> bool {
        self.age.is_some_and(|age| age > NIGHT_IS_LATE_AFTER)
    }

    fn is_stuck(&self) -> bool {
        self.waits.is_some_and(|waits| waits > LETTER_IS_STUCK_AFTER)
    }

    fn is_behind(&self) -> bool {
        self.is_late() || self.is_stuck() || refused(&self.outbox) > 0
    }

    fn told(&self, is_ready: bool) -> serde_json::Value {
        json!({
            "ready": is_ready,
            "catalogue": self.catalogue.as_ref().map_or_else(ToString::to_string, |()| "ok".to_owned()),
            "archive": match (self.is_writable, self.free_bytes) {
                (false, _) => "not writable",
                (true, ..LEAST_FREE_BYTES) => "no room",
                (true, _) => "ok",
            },
            "archive_free_bytes": self.free_bytes,
            "last_night_finished": self.last_night.map(|night| night.finished.to_string()),
            "last_night_age_seconds": self.age.map(|age| age.as_secs()),
            "last_night_is_late": self.is_late(),
            "outbox_waiting": self.outbox.waiting,
            "outbox_oldest_seconds": self.waits.map_or(0, seconds),
            "outbox_refused": refused(&self.outbox),
            "outbox_is_stuck": self.is_stuck(),
        })
    }
}

/// Letters that nobody will try again.
fn refused(outbox: &OutboxStatus) -> u64 {
    outbox.troubles.iter().filter(|trouble| trouble.state != "waiting").count() as u64
}

fn age(desk: &Desk, night: FinishedNight) -> SignedDuration {
    desk.clock.now().duration_since(night.finished)
}

/// The Prometheus text format, version 0.0.4.
///
/// That a closed course exists, and how it stands, is for those whom it lets in,
/// and for the monitors that the operator names.
pub(super) async fn metrics(State(desk): State<Arc<Desk>>, visitor: Visitor) -> Answer {
    let mut text = String::new();
    links(&desk, &visitor, &mut text).await?;
    let sizes = sizes(&desk).await?;
    gauge(&mut text, "onreserve_captures", "Captures in the archive.", sizes.captures);
    let help = "Bytes of all captures; equal bodies are stored once, so the disk holds less.";
    gauge(&mut text, "onreserve_capture_bytes", help, sizes.bytes);
    gauge(
        &mut text,
        "onreserve_archive_free_bytes",
        "Room left for the archive.",
        desk.archive.free_bytes()?,
    );
    if let Some(night) = desk.catalogue.last_finished().await? {
        let took = night.finished.duration_since(night.started);
        let help = "Since the last night ended.";
        gauge(&mut text, "onreserve_last_night_age_seconds", help, seconds(age(&desk, night)));
        gauge(&mut text, "onreserve_last_night_duration_seconds", "How long it took.", seconds(took));
        let help = "1 where our own side failed and nothing was judged.";
        gauge(&mut text, "onreserve_last_night_void", help, u64::from(night.is_void));
    }
    successes(&desk, &visitor, &mut text).await?;
    letters(&desk, &mut text).await?;
    family(&mut text, "onreserve_answers_total", "counter", "Answers by class of status.");
    for (class, count) in (1..).zip(&desk.figures.answers) {
        let _ = writeln!(
            text,
            "onreserve_answers_total{{class=\"{class}xx\"}} {}",
            count.load(Ordering::Relaxed)
        );
    }
    family(&mut text, "onreserve_copies_opened_total", "counter", "Copies opened by readers.");
    let _ = writeln!(
        text,
        "onreserve_copies_opened_total {}",
        desk.figures.copies_opened.load(Ordering::Relaxed)
    );
    let headers = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text).into_response())
}

/// Whether the figures of a course may be told.
fn may_know(desk: &Desk, visitor: &Visitor, course: &CourseId) -> bool {
    let is_monitor = desk.settings.monitors.iter().any(|network| network.contains(visitor.client()));
    let rules = desk.settings.courses.iter().find(|rules| rules.id == *course);
    is_monitor || rules.is_some_and(|rules| visitor.may_read(rules))
}

async fn successes(desk: &Desk, visitor: &Visitor, text: &mut String) -> Result<(), Fault> {
    let name = "onreserve_last_success_timestamp_seconds";
    family(text, name, "gauge", "When the last night that judged the course ended.");
    for (course, at) in desk.catalogue.last_successes().await? {
        if !may_know(desk, visitor, &course) {
            continue;
        }
        let _ = writeln!(text, "{name}{{course=\"{course}\"}} {}", at.as_second());
    }
    Ok(())
}

async fn letters(desk: &Desk, text: &mut String) -> Result<(), Fault> {
    let outbox = desk.catalogue.outbox().await?;
    let waits = outbox.oldest.map_or(0, |oldest| seconds(desk.clock.now().duration_since(oldest)));
    gauge(text, "onreserve_outbox_waiting", "Letters that wait for the relay.", outbox.waiting.into());
    gauge(text, "onreserve_outbox_oldest_seconds", "Since the night of the oldest news that waits.", waits);
    let help = "Letters refused or given up, whose news no later letter carries yet.";
    gauge(text, "onreserve_outbox_refused", help, refused(&outbox));
    Ok(())
}

async fn links(desk: &Desk, visitor: &Visitor, text: &mut String) -> Result<(), Fault> {
    family(text, "onreserve_links", "gauge", "Links of a course by state.");
    let shelves = desk.shelves().await?;
    for shelf in shelves.iter().filter(|shelf| may_know(desk, visitor, &shelf.night.course)) {
        let mut counts: BTreeMap<StateName, u64> = StateName::ALL.iter().map(|state| (*state, 0)).collect();
        for item in &shelf.night.items {
            *counts.entry(item.verdict.state.name()).or_default() += 1;
        }
        for (state, count) in counts {
            // A course id needs no escaping: it is made of harmless characters.
            let course = &shelf.night.course;
            let _ =
                writeln!(text, "onreserve_links{{course=\"{course}\",state=\"{}\"}} {count}", state.as_str());
        }
    }
    Ok(())
}

/// Sums what was captured since the last time it was asked for.
async fn sizes(desk: &Desk) -> Result<Sizes, Fault> {
    const ROWS: u32 = 5000;
    let mut sizes = desk.figures.sizes.lock().await;
    loop {
        let rows = desk.catalogue.capture_sizes_after(sizes.row, ROWS).await?;
        let Some(last) = rows.last() else { return Ok(*sizes) };
        sizes.captures += rows.len() as u64;
        sizes.bytes += rows.iter().map(|row| row.bytes).sum::<u64>();
        sizes.row = last.row;
    }
}

fn seconds(duration: SignedDuration) -> u64 {
    duration.as_secs().max(0).unsigned_abs()
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn gauge(text: &mut String, name: &str, help: &str, value: u64) {
    family(text, name, "gauge", help);
    let _ = writeln!(text, "{name} {value}");
}
