//! The results so far: nights, emails and copies.

use jiff::{SignedDuration, Timestamp};

use crate::cli::checklist::{Checklist, ChecklistResult};
use crate::config::Configuration;
use crate::domain::report::figures::{count, count_of};
use crate::domain::report::{CourseReport, wording};
use crate::domain::schedule::start;
use crate::world::archive::Archive;
use crate::world::catalogue::{Catalogue, FailureState};
use crate::world::clock::Clock;

/// Two missed nights and some hours.
const NIGHT_IS_LATE_AFTER: SignedDuration = SignedDuration::from_hours(50);
/// A report may wait a day for the next one, and a greylisting relay may need hours.
const OUTBOX_IS_STUCK_AFTER: SignedDuration = SignedDuration::from_hours(36);

pub(super) async fn examine(
    settings: &Configuration,
    archive: &Archive,
    catalogue: &Catalogue,
    list: &mut Checklist,
) -> anyhow::Result<()> {
    let now = Clock::system().now();
    list.report("catalogue", catalogue_file(catalogue).await?)?;
    if let Some(last) = catalogue.last_finished().await? {
        let begun = start::check_start(last.started, now);
        let words = "it is later than the last night".to_owned();
        list.report("clock", begun.map(|()| words).map_err(|error| error.to_string()))?;
    }
    for course in &settings.courses {
        let night: Option<CourseReport> = catalogue.last_report(&course.id).await?;
        let finding = match night {
            None => ChecklistResult::Warning("it has not been checked yet".to_owned()),
            Some(report) => {
                let next = settings.daemon.nights.get(&course.id).and_then(|nights| nights.after(now));
                let facts = &report.facts;
                let links = count(facts.links.len(), "link");
                let checked = format!("last checked {}, {links}", facts.finished.strftime("%F %H:%M UTC"));
                match &facts.page_problem {
                    Some(problem) => {
                        ChecklistResult::Problem(format!("{checked}; {}", wording::page_problem(problem)))
                    }
                    None if next.is_some() && is_late(facts.finished, now) => {
                        ChecklistResult::Problem(format!(
                            "{checked}, which is too long ago; look into the log: journalctl -u onreserve"
                        ))
                    }
                    None => ChecklistResult::Fine(checked),
                }
            }
        };
        list.report(&format!("course {}", course.id), finding)?;
    }
    list.report("emails", emails(catalogue, now).await?)?;
    list.report("copies", copies(archive, catalogue).await?)
}

fn is_late(finished: Timestamp, now: Timestamp) -> bool {
    now.duration_since(finished) > NIGHT_IS_LATE_AFTER
}

async fn catalogue_file(catalogue: &Catalogue) -> anyhow::Result<ChecklistResult> {
    let schema = catalogue.schema().await?;
    Ok(match catalogue.damage().await? {
        Some(damage) => ChecklistResult::Problem(format!(
            "it is damaged ({damage}); stop the service and run `onreserve rebuild`, which makes it anew from the archive"
        )),
        None => ChecklistResult::Fine(format!("version {schema}, without damage")),
    })
}

async fn emails(catalogue: &Catalogue, now: Timestamp) -> anyhow::Result<ChecklistResult> {
    let outbox = catalogue.outbox().await?;
    let refused = outbox.failed.iter().filter(|email| email.state != FailureState::Waiting).count();
    if refused > 0 {
        return Ok(ChecklistResult::Problem(format!(
            "{} refused; `onreserve status` shows the answer of the relay",
            count_of(refused, "email was", "emails were")
        )));
    }
    let waiting = count_of(outbox.waiting as usize, "email waits", "emails wait");
    Ok(match outbox.oldest {
        Some(oldest) if now.duration_since(oldest) > OUTBOX_IS_STUCK_AFTER => {
            ChecklistResult::Problem(format!(
                "{waiting} since {}; check the relay with `onreserve test-email`",
                oldest.strftime("%F %H:%M UTC")
            ))
        }
        Some(_) => ChecklistResult::Fine(format!("{waiting} for the relay")),
        None => ChecklistResult::Fine("none waits".to_owned()),
    })
}

async fn copies(archive: &Archive, catalogue: &Catalogue) -> anyhow::Result<ChecklistResult> {
    let fixity = catalogue.fixity_figures().await?;
    let lost = fixity.missing + fixity.altered;
    if lost > 0 {
        return Ok(ChecklistResult::Problem(format!(
            "{} missing or damaged; run `onreserve verify`, which lists them and says what to do",
            count_of(usize::try_from(lost).unwrap_or(usize::MAX), "copy is", "copies are")
        )));
    }
    // A bucket is listed by this.
    archive.without_file(&[])?;
    let quarantined = archive.quarantined()?.unwrap_or(0);
    Ok(if quarantined > 0 {
        ChecklistResult::Warning(format!(
            "none is lost; {} in the directory quarantine can be deleted when it is no longer needed",
            count(usize::try_from(quarantined).unwrap_or(usize::MAX), "damaged file")
        ))
    } else {
        ChecklistResult::Fine("none is lost".to_owned())
    })
}
