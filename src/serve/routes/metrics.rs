//! `/metrics`, in the Prometheus text format 0.0.4.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;

use crate::domain::course::CourseId;
use crate::domain::verdict::StateName;
use crate::serve::auth::visitor::Visitor;
use crate::serve::error::{Error, RouteResult};
use crate::serve::library::Library;
use crate::serve::request_counters::RequestCounters;
use crate::serve::routes::cluster_metrics::{self, SeriesLabels};
use crate::serve::routes::health::{refused, seconds};
use crate::serve::routes::metric_text::{counter, family, gauge, respond};

/// Rows of captures that are read at a time.
const ROWS_PER_READ: u32 = 5000;

/// The number and size of all captures, up to a row of the catalogue. Rows are
/// never changed, so each is counted once.
#[derive(Debug, Default)]
pub(in crate::serve) struct CaptureTotals(tokio::sync::Mutex<TotalsUpTo>);

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::serve) struct TotalsUpTo {
    row: i64,
    pub captures: u64,
    pub bytes: u64,
}

impl CaptureTotals {
    /// Adds the captures since the last request.
    pub(in crate::serve) async fn update(&self, library: &Library) -> Result<TotalsUpTo, Error> {
        let mut totals = self.0.lock().await;
        loop {
            let rows = library.catalogue.capture_sizes_after(totals.row, ROWS_PER_READ).await?;
            let Some(last) = rows.last() else { return Ok(*totals) };
            totals.captures += rows.len() as u64;
            totals.bytes += rows.iter().map(|row| row.bytes).sum::<u64>();
            totals.row = last.row;
        }
    }
}

/// The metrics of a restricted course are shown only to its readers and to the
/// configured monitors.
pub(in crate::serve) async fn metrics(
    State(library): State<Arc<Library>>,
    State(counters): State<Arc<RequestCounters>>,
    State(totals): State<Arc<CaptureTotals>>,
    visitor: Visitor,
) -> RouteResult {
    let mut text = String::new();
    link_states(&library, &visitor, &mut text).await?;
    storage(&library, &totals, &mut text).await?;
    last_night(&library, &mut text).await?;
    last_successes(&library, &visitor, &mut text).await?;
    outbox(&library, &mut text).await?;
    responses(&counters, &mut text);
    cluster_metrics::links_left(library.service_status.night().as_ref(), &mut text);
    let labels = if is_monitor(&library, &visitor) { SeriesLabels::All } else { SeriesLabels::Public };
    cluster_metrics::processes(&library.catalogue, library.clock, labels, &mut text).await?;
    Ok(respond(text))
}

fn is_monitor(library: &Library, visitor: &Visitor) -> bool {
    library.settings.monitors.iter().any(|network| network.contains(visitor.client()))
}

/// Whether a visitor may see the metrics of a course.
fn may_see(library: &Library, visitor: &Visitor, course: &CourseId) -> bool {
    is_monitor(library, visitor)
        || library.settings.course(course).is_some_and(|rules| visitor.may_read(rules))
}

async fn link_states(library: &Library, visitor: &Visitor, text: &mut String) -> Result<(), Error> {
    family(text, "onreserve_links", "gauge", "Links of a course by state.");
    let courses = library.courses().await?;
    let visible = || library.settings.courses.iter().filter(|rules| may_see(library, visitor, &rules.id));
    let views: HashMap<&CourseId, _> = courses.iter().map(|course| (&course.night.course, course)).collect();
    for rules in visible() {
        let mut counts: BTreeMap<StateName, u64> = StateName::ALL.iter().map(|state| (*state, 0)).collect();
        let links = views.get(&rules.id).into_iter().flat_map(|course| &course.night.links);
        for link_facts in links.filter(|link_facts| !link_facts.awaits_first_visit()) {
            *counts.entry(link_facts.verdict.state.name()).or_default() += 1;
        }
        for (state, count) in counts {
            // A course id has no characters that need escaping.
            let (course, state) = (&rules.id, state.as_str());
            let _ = writeln!(text, "onreserve_links{{course=\"{course}\",state=\"{state}\"}} {count}");
        }
    }
    let help = "0 if a page of the course could not be read in its last night, or was never read.";
    family(text, "onreserve_page_readable", "gauge", help);
    for rules in visible() {
        let is_readable = views.get(&rules.id).is_some_and(|course| course.night.page_problem.is_none());
        let (course, value) = (&rules.id, u8::from(is_readable));
        let _ = writeln!(text, "onreserve_page_readable{{course=\"{course}\"}} {value}");
    }
    Ok(())
}

async fn storage(library: &Library, totals: &CaptureTotals, text: &mut String) -> Result<(), Error> {
    let totals = totals.update(library).await?;
    gauge(text, "onreserve_captures", "Captures in the archive.", totals.captures);
    let help = "Bytes of all captures. Equal bodies are stored once, so the disk holds less.";
    gauge(text, "onreserve_capture_bytes", help, totals.bytes);
    let fixity = library.catalogue.fixity_figures().await?;
    gauge(text, "onreserve_copies_missing", "Copies whose file is missing.", fixity.missing);
    gauge(text, "onreserve_copies_altered", "Copies whose bytes have changed.", fixity.altered);
    let help = "Files in quarantine, where altered files are moved.";
    if let Some(quarantined) = library.archive.quarantined()? {
        gauge(text, "onreserve_quarantined_files", help, quarantined);
    }
    if let Some(oldest) = fixity.oldest {
        let age = seconds(library.clock.now().duration_since(oldest));
        let help = "Time since the oldest verification of a copy.";
        gauge(text, "onreserve_copies_oldest_verification_age_seconds", help, age);
    }
    let help = "Free bytes on the disk of the archive.";
    gauge(text, "onreserve_archive_free_bytes", help, library.archive.free_bytes()?);
    Ok(())
}

async fn last_night(library: &Library, text: &mut String) -> Result<(), Error> {
    let Some(night) = library.catalogue.last_finished().await? else { return Ok(()) };
    let age = library.clock.now().duration_since(night.finished);
    gauge(text, "onreserve_last_night_age_seconds", "Time since the last night ended.", seconds(age));
    let duration = night.finished.duration_since(night.started);
    let help = "Duration of the last night.";
    gauge(text, "onreserve_last_night_duration_seconds", help, seconds(duration));
    let help = "1 if the last night failed on our side, so that no link was judged.";
    gauge(text, "onreserve_last_night_void", help, u64::from(night.is_void));
    Ok(())
}

async fn last_successes(library: &Library, visitor: &Visitor, text: &mut String) -> Result<(), Error> {
    let name = "onreserve_last_success_timestamp_seconds";
    let help = "When the last night ended in which the links of the course were judged; 0 if there was none.";
    family(text, name, "gauge", help);
    let mut successes: BTreeMap<CourseId, i64> =
        library.settings.courses.iter().map(|rules| (rules.id.clone(), 0)).collect();
    let ended = library.catalogue.last_successes().await?;
    successes.extend(ended.into_iter().map(|(course, at)| (course, at.as_second())));
    // A night that could not read any page judged no link.
    let courses = library.courses().await?;
    let never_read = courses.iter().filter(|course| course.night.is_never_read());
    successes.extend(never_read.map(|course| (course.night.course.clone(), 0)));
    for (course, at) in successes.iter().filter(|(course, _)| may_see(library, visitor, course)) {
        let _ = writeln!(text, "{name}{{course=\"{course}\"}} {at}");
    }
    Ok(())
}

async fn outbox(library: &Library, text: &mut String) -> Result<(), Error> {
    let outbox = library.catalogue.outbox().await?;
    let waiting = outbox.oldest.map_or(0, |oldest| seconds(library.clock.now().duration_since(oldest)));
    gauge(text, "onreserve_outbox_waiting", "Emails waiting for the relay.", outbox.waiting.into());
    gauge(text, "onreserve_outbox_oldest_seconds", "Age of the oldest report that is waiting.", waiting);
    let help = "Emails refused or given up, whose report is not in a later email yet.";
    gauge(text, "onreserve_outbox_refused", help, refused(&outbox));
    Ok(())
}

fn responses(counters: &RequestCounters, text: &mut String) {
    let name = "onreserve_answers_total";
    family(text, name, "counter", "Responses by class of status code.");
    for (class, count) in counters.responses() {
        let _ = writeln!(text, "{name}{{class=\"{class}xx\"}} {count}");
    }
    let help = "Copies opened by readers.";
    counter(text, "onreserve_copies_opened_total", help, counters.copies_opened());
}
