//! `/healthz` and `/readyz`, for monitors.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use serde_json::json;

use crate::serve::error::Error;
use crate::serve::library::Library;
use crate::world::catalogue::{FailureState, FinishedNight, FixityTotals, OutboxStatus};

/// Two missed nights and some hours.
const NIGHT_IS_LATE_AFTER: SignedDuration = SignedDuration::from_hours(50);
/// A report may wait a day for the next one, and a greylisting relay may need hours.
const OUTBOX_IS_STUCK_AFTER: SignedDuration = SignedDuration::from_hours(36);
/// Less than this is no room for a large document.
const MIN_FREE_BYTES: u64 = 100 << 20;

/// The state of an archive that can be used.
const ARCHIVE_OK: &str = "ok";

/// The process responds. Nothing else is checked.
pub(in crate::serve) async fn alive() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// Whether the catalogue can be read and the archive has room; 503 if not.
///
/// A late night, a course that was never read, a lost copy or a stuck email is reported but
/// is no failure, because the results of earlier nights can still be served. With `?strict`
/// it is a 503 too, for monitors that read only the status.
pub(in crate::serve) async fn ready(
    State(library): State<Arc<Library>>,
    RawQuery(query): RawQuery,
) -> Response {
    let readiness = Readiness::of(&library).await;
    let is_strict = query.as_deref() == Some("strict");
    let is_ready = readiness.can_serve() && !(is_strict && readiness.is_behind());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{}\n", readiness.to_json(is_ready))).into_response()
}

#[derive(Debug)]
struct Readiness {
    catalogue: Result<CatalogueStatus, Error>,
    is_writable: bool,
    free_bytes: u64,
    /// Files in quarantine; `None` if they cannot be counted.
    quarantined: Option<u64>,
}

/// The state of the nights and the emails in the catalogue.
#[derive(Debug)]
struct CatalogueStatus {
    last_night: Option<FinishedNight>,
    night_age: Option<SignedDuration>,
    outbox: OutboxStatus,
    /// How long the oldest report has waited.
    waiting_for: Option<SignedDuration>,
    fixity: FixityTotals,
    /// Courses with a night, none of which could read a page.
    never_read: u64,
    /// How long ago the oldest verification of a sound copy was.
    verified_age: Option<SignedDuration>,
}

impl CatalogueStatus {
    async fn of(library: &Library) -> Result<Self, Error> {
        let last_night = library.catalogue.last_finished().await?;
        let outbox = library.catalogue.outbox().await?;
        let fixity = library.catalogue.fixity_figures().await?;
        let now = library.clock.now();
        let courses = library.courses().await?;
        Ok(Self {
            never_read: courses.iter().filter(|course| course.night.is_never_read()).count() as u64,
            verified_age: fixity.oldest.map(|oldest| now.duration_since(oldest)),
            fixity,
            night_age: last_night.map(|night| now.duration_since(night.finished)),
            waiting_for: outbox.oldest.map(|oldest| now.duration_since(oldest)),
            last_night,
            outbox,
        })
    }

    fn is_late(&self) -> bool {
        self.night_age.is_some_and(|age| age > NIGHT_IS_LATE_AFTER)
    }

    fn has_lost_copies(&self) -> bool {
        self.fixity.missing + self.fixity.altered > 0
    }

    fn is_stuck(&self) -> bool {
        self.waiting_for.is_some_and(|waiting| waiting > OUTBOX_IS_STUCK_AFTER)
    }
}

impl Readiness {
    async fn of(library: &Library) -> Self {
        Self {
            catalogue: CatalogueStatus::of(library).await,
            is_writable: library.archive.is_writable(),
            free_bytes: library.archive.free_bytes().unwrap_or(0),
            quarantined: library.archive.quarantined().ok().flatten(),
        }
    }

    fn can_serve(&self) -> bool {
        self.catalogue.is_ok() && archive_state(self.is_writable, self.free_bytes) == ARCHIVE_OK
    }

    fn is_behind(&self) -> bool {
        self.catalogue.as_ref().is_ok_and(|status| {
            status.is_late()
                || status.is_stuck()
                || status.has_lost_copies()
                || status.never_read > 0
                || refused(&status.outbox) > 0
        })
    }

    fn to_json(&self, is_ready: bool) -> serde_json::Value {
        let status = self.catalogue.as_ref().ok();
        json!({
            "ready": is_ready,
            "catalogue": self.catalogue.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned()),
            "archive": archive_state(self.is_writable, self.free_bytes),
            "archive_free_bytes": self.free_bytes,
            "last_night_finished": status.and_then(|it| it.last_night).map(|night| night.finished.to_string()),
            "last_night_age_seconds": status.and_then(|it| it.night_age).map(|age| age.as_secs()),
            "last_night_is_late": status.is_some_and(CatalogueStatus::is_late),
            "courses_never_read": status.map(|it| it.never_read),
            "outbox_waiting": status.map_or(0, |it| it.outbox.waiting),
            "outbox_oldest_seconds": status.and_then(|it| it.waiting_for).map_or(0, seconds),
            "outbox_refused": status.map_or(0, |it| refused(&it.outbox)),
            "copies_missing": status.map(|it| it.fixity.missing),
            "copies_altered": status.map(|it| it.fixity.altered),
            "quarantined_files": self.quarantined,
            "oldest_verification_age_seconds": status.and_then(|it| it.verified_age).map(seconds),
            "outbox_is_stuck": status.is_some_and(CatalogueStatus::is_stuck),
        })
    }
}

/// Whether the archive can be used; [`ARCHIVE_OK`] if so.
pub(in crate::serve) fn archive_state(is_writable: bool, free_bytes: u64) -> &'static str {
    match (is_writable, free_bytes) {
        (false, _) => "not writable",
        (true, ..MIN_FREE_BYTES) => "no room",
        (true, _) => ARCHIVE_OK,
    }
}

/// Emails that will not be tried again.
pub(super) fn refused(outbox: &OutboxStatus) -> u64 {
    outbox.failed.iter().filter(|email| email.state != FailureState::Waiting).count() as u64
}

/// Whole seconds; 0 for a negative duration.
pub(super) fn seconds(duration: SignedDuration) -> u64 {
    duration.as_secs().max(0).unsigned_abs()
}
