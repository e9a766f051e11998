//! The emails that a night queues: at most one for each course and recipient.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::course::{Course, EmailAddress, Recipient};
use crate::domain::report::CourseReport;
use crate::domain::report::due::{self, LastSent, PendingReport, ReportOccasion};
use crate::night::pages;
use crate::world::World;
use crate::world::catalogue::{EmailHistory, NewEmail, OutboxChanges};

/// Plans the emails of a course. The caller holds the outbox lock.
pub(super) async fn plan(
    course: &Course,
    report: &CourseReport,
    outbox: &mut OutboxChanges,
    world: &World,
) -> anyhow::Result<()> {
    let now = world.clock.now();
    let stopped = world.catalogue.stopped(&course.id).await?;
    let recipients = course.recipients();
    outbox.superseded.extend(world.catalogue.unsent_to_others(&course.id, &recipients).await?);
    for recipient in recipients.iter().filter(|recipient| !has_stopped(recipient, &stopped)) {
        let history = world.catalogue.email_history(&course.id, recipient).await?;
        // The report of a void night has no results, so waiting emails stay as they are.
        if report.facts.void.is_none() || history.undelivered.is_empty() {
            outbox.queued.extend(decide(course, recipient, report, &history, now));
            outbox.superseded.extend(
                history.undelivered.iter().map(|undelivered| undelivered.id).chain(history.unreadable),
            );
        }
    }
    Ok(())
}

fn has_stopped(recipient: &Recipient, stopped: &[EmailAddress]) -> bool {
    match recipient {
        Recipient::Email(email) => stopped.contains(email),
        Recipient::Webhook(_) => false,
    }
}

/// The email to one recipient. It includes the news of undelivered reports; `None`
/// if no news is left.
fn decide(
    course: &Course,
    recipient: &Recipient,
    report: &CourseReport,
    history: &EmailHistory,
    now: Timestamp,
) -> Option<NewEmail> {
    let newest_first = history.undelivered.iter().rev();
    let report = newest_first
        .fold(report.clone(), |report, undelivered| report.including(&undelivered.pending.report));
    let today = pages::local_day(now, &course.time_zone);
    let due = due::report_due(&report, course.term, had(history, course), today)?;
    Some(NewEmail {
        recipient: recipient.clone(),
        first_night: history.undelivered.iter().map(|undelivered| undelivered.first_night).min(),
        not_before: if due.on == today { now } else { start_of(due.on, course).unwrap_or(now) },
        pending: PendingReport {
            contact: course.contact.clone(),
            ..PendingReport::new(report, due, course.term)
        },
    })
}

fn had(history: &EmailHistory, course: &Course) -> LastSent {
    let mut had = LastSent::default();
    for (occasion, at) in &history.delivered {
        let day = Some(pages::local_day(*at, &course.time_zone));
        match occasion {
            ReportOccasion::Urgent => had.urgent = had.urgent.max(day),
            ReportOccasion::Baseline
            | ReportOccasion::Changes
            | ReportOccasion::BeforeTerm
            | ReportOccasion::Weekly => {
                had.regular = had.regular.max(day);
            }
        }
    }
    had
}

fn start_of(day: Date, course: &Course) -> Option<Timestamp> {
    day.to_zoned_datetime(course.time_zone.clone()).ok().map(|start| start.timestamp())
}
