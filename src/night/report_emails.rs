//! Which letters a night sends: for each course and reader at most one.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::course::{Course, EmailAddress};
use crate::domain::report::CourseReport;
use crate::domain::report::due::{self, LastSent, PendingReport, ReportOccasion};
use crate::night::pages;
use crate::world::World;
use crate::world::catalogue::{EmailHistory, NewEmail, OutboxChanges};

/// Decides the letters of a course; the caller holds the outbox lock.
pub(super) async fn letters(
    course: &Course,
    told: &CourseReport,
    post: &mut OutboxChanges,
    world: &World,
) -> anyhow::Result<()> {
    let now = world.clock.now();
    let stopped = world.catalogue.stopped(&course.id).await?;
    post.superseded.extend(world.catalogue.unsent_to_others(&course.id, &course.report_to).await?);
    for recipient in course.report_to.iter().filter(|recipient| !stopped.contains(recipient)) {
        let with = world.catalogue.email_history(&course.id, recipient).await?;
        // A void night says nothing, so what waits goes on waiting.
        if told.facts.void.is_none() || with.untold.is_empty() {
            post.queued.extend(decide(course, recipient, told, &with, now));
            post.superseded.extend(with.untold.iter().map(|untold| untold.id).chain(with.unreadable));
        }
    }
    Ok(())
}

/// What was never told is told with the night's own news; where nothing is
/// left of it, there is no letter.
fn decide(
    course: &Course,
    recipient: &EmailAddress,
    told: &CourseReport,
    with: &EmailHistory,
    now: Timestamp,
) -> Option<NewEmail> {
    let newest_first = with.untold.iter().rev();
    let night = newest_first.fold(told.clone(), |night, untold| night.including(&untold.telling.night));
    let today = pages::local_day(now, &course.time_zone);
    let due = due::report_due(&night, course.term, had(with, course), today)?;
    Some(NewEmail {
        recipient: recipient.clone(),
        first_night: with.untold.iter().map(|untold| untold.first_night).min(),
        not_before: if due.on == today { now } else { start_of(due.on, course).unwrap_or(now) },
        telling: PendingReport::new(night, due, course.term),
    })
}

fn had(with: &EmailHistory, course: &Course) -> LastSent {
    let mut had = LastSent::default();
    for (occasion, at) in &with.told {
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
