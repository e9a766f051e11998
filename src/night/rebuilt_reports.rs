//! Reports for a rebuilt catalogue, which has none yet.
//!
//! They contain no news, so the next night reports only its own changes.

use std::collections::{BTreeMap, HashMap};

use crate::domain::address::Address;
use crate::domain::course::Course;
use crate::domain::report::{CourseReport, EarlierLink, EarlierReports, LinkFacts};
use crate::night::course_report::{self, NightResults};
use crate::night::finish::{Judged, JudgedLink, LatestEvidence};
use crate::night::pages::{self, Reading};
use crate::night::record::RunningNight;
use crate::night::rota::Turns;
use crate::world::World;
use crate::world::catalogue::EndedNight;

/// Stores a report of each course, as of the last night that visited one of its links.
///
/// # Errors
///
/// The catalogue cannot be used.
pub async fn all(courses: &[Course], world: &World) -> anyhow::Result<()> {
    for reading in pages::remembered(courses, world).await? {
        if let Some((night, report)) = of_course(&reading, world).await? {
            world.catalogue.store_report(&report, night).await?;
        }
    }
    Ok(())
}

/// `None` for a course without a finished night.
async fn of_course(reading: &Reading, world: &World) -> anyhow::Result<Option<(i64, CourseReport)>> {
    let mut last: Option<EndedNight> = None;
    let mut links = HashMap::new();
    for link in pages::links(std::slice::from_ref(reading)) {
        last = last.max(world.catalogue.last_visit(&link.address).await?);
        if let Some(judged) = as_judged(&link.address, world).await? {
            links.insert(link.address, judged);
        }
    }
    let Some(last) = last else { return Ok(None) };
    let verified = world.catalogue.verified().await?;
    let judged = Judged::unchanged(links);
    let night = RunningNight { row: last.row, server: None, start: Ok(()) };
    let (turns, replacements) = (Turns::default(), HashMap::new());
    let results =
        NightResults { judged: &judged, turns: &turns, verified: &verified, replacements: &replacements };
    let mut report = course_report::of_course(&night, reading, results, world).await?;
    report.facts.finished = last.finished;
    report.facts.is_first = false;
    report.earlier = EarlierReports {
        links: report.facts.links.iter().map(as_reported).collect(),
        defects: report.facts.defects.clone(),
        omissions: report.facts.omissions.clone(),
        ..report.earlier
    };
    Ok(Some((last.row.id, report)))
}

/// The link as an earlier report would have stored it.
fn as_reported(link_facts: &LinkFacts) -> (Address, EarlierLink) {
    let state = Some(link_facts.verdict.state.clone());
    (
        link_facts.link.clone(),
        EarlierLink {
            state,
            notes: link_facts.notes.clone(),
            is_lost_for_good: link_facts.is_lost_for_good(),
            reminder: None,
        },
    )
}

async fn as_judged(link: &Address, world: &World) -> anyhow::Result<Option<JudgedLink>> {
    let Some(known) = world.catalogue.link_record(link).await? else { return Ok(None) };
    let evidence = known.history.evidence.last().cloned();
    Ok(evidence.zip(known.verdict).map(|(evidence, verdict)| JudgedLink {
        before: Some(verdict.state.clone()),
        evidence: LatestEvidence::Earlier(Some(evidence)),
        verdict,
    }))
}

/// The courses of a catalogue, with their configuration or else with their stored pages.
///
/// # Errors
///
/// The catalogue cannot be used.
pub async fn courses(configured: &[Course], world: &World) -> anyhow::Result<Vec<Course>> {
    let configured: BTreeMap<_, _> = configured.iter().map(|course| (&course.id, course)).collect();
    let mut courses = Vec::new();
    for (id, title) in world.catalogue.courses().await? {
        if let Some(course) = configured.get(&id) {
            courses.push((*course).clone());
            continue;
        }
        let readings = world.catalogue.readings(&id).await?;
        let pages = readings.into_iter().map(|(source, _)| source).collect();
        courses.push(Course::unconfigured(id, title, pages));
    }
    Ok(courses)
}
